/** What a worker says of a preset. */
interface Served {
  problem?: string | null | undefined
}

/** Why no job of this preset can start at the moment, in one sentence; nothing where one can. */
export function presetProblem(workers: readonly Served[]): string | undefined {
  if (workers.some(({ problem }) => !problem)) {
    return undefined
  }
  const problem = workers[0]?.problem
  const why = problem
    ? `No worker can run this preset: ${problem}`
    : 'No worker that is up can run this preset.'
  return `${why.replace(/\.$/, '')}. A job for it waits until one can.`
}
