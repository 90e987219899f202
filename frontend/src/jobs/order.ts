/** The least and the most urgent that a job can be. */
const bounds = { least: -100, most: 100 }

/**
 * The priority that moves a waiting job to another place, given the priorities in the order in which the jobs will run;
 * nothing where no priority does. `to` is its place among the others.
 *
 * Jobs of equal priority are the scheduler's to order, so that moving before one of them passes all of them.
 */
export function priorityFor(priorities: readonly number[], from: number, to: number): number | undefined {
  const own = priorities[from]
  const others = priorities.filter((_, at) => at !== from)
  const passed = to < from ? others[to] : others[to - 1]
  if (own === undefined || passed === undefined || to === from) {
    return undefined
  }
  const wanted = to < from ? Math.max(own, passed) + 1 : Math.min(own, passed) - 1
  return wanted > bounds.most || wanted < bounds.least ? undefined : wanted
}
