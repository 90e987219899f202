/** Largest seed that a job may start from: seed + index stays inside what every client's numbers can hold. */
export const maxSeed = Number.MAX_SAFE_INTEGER - 1024

/** What was typed as a seed: nothing means a random one, and everything but a whole number in range is refused. */
export function parseSeed(typed: string): { seed: number | undefined } | { problem: string } {
  const text = typed.trim()
  if (text === '') {
    return { seed: undefined }
  }
  const seed = /^\d+$/.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(seed) || seed > maxSeed) {
    return { problem: `A whole number from 0 to ${maxSeed}, or nothing for a random one.` }
  }
  return { seed }
}
