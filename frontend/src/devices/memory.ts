/** What the rules need to know of a device; all figures in MiB. */
export interface DeviceMemory {
  total: number
  /** What jobs may use: the total less what is never booked. */
  capacity: number
  /** Booked by loaded models. */
  resident: number
  /** Booked by running jobs on top of their models. */
  working: number
  /** Used by programs that are not ours. */
  others: number
}

export type Part = 'residents' | 'working' | 'others' | 'next' | 'free' | 'reserve'

export interface Segment {
  part: Part
  mib: number
  /** Part of the total, 0 to 1. */
  share: number
}

/**
 * Cuts a device's total into the bar's segments, in their order; they always add up to the total.
 *
 * Others is telemetry and can overlap with what we have booked, so it yields to the bookings. Free is what a job
 * may still take; the reserve is what no job gets, and is the first that others eat into. What the next job will take
 * comes out of what is free.
 */
export function splitMemory(memory: DeviceMemory, coming = 0): Segment[] {
  const total = Math.max(0, memory.total)
  let left = total
  const take = (wanted: number) => {
    const taken = Math.min(Math.max(0, wanted), left)
    left -= taken
    return taken
  }
  const residents = take(memory.resident)
  const working = take(memory.working)
  const others = take(memory.others)
  const unbooked = memory.capacity - residents - working - others
  const next = take(Math.min(coming, unbooked))
  const free = take(unbooked - next)
  const parts: [Part, number][] = [
    ['residents', residents],
    ['working', working],
    ['others', others],
    ['next', next],
    ['free', free],
    ['reserve', left],
  ]
  return parts.map(([part, mib]) => ({ part, mib, share: total === 0 ? 0 : mib / total }))
}

/** MiB for people: whole MiB below 1 GiB, GiB with one decimal from there. */
export function mibInWords(mib: number): string {
  if (mib < 1024) {
    return `${Math.round(mib)} MiB`
  }
  const gib = (mib / 1024).toFixed(1)
  return `${gib.endsWith('.0') ? gib.slice(0, -2) : gib} GiB`
}

export const partNames: Record<Part, string> = {
  residents: 'Models',
  working: 'Working',
  others: 'Others',
  next: 'Next job',
  free: 'Free',
  reserve: 'Kept back',
}

/** The whole bar in one sentence, for those who don't see it. */
export function memoryInWords(name: string, memory: DeviceMemory, coming = 0): string {
  const parts = splitMemory(memory, coming)
    .filter(({ mib, part }) => mib > 0 || part === 'free')
    .map(({ part, mib }) => `${partNames[part].toLowerCase()} ${mibInWords(mib)}`)
  return `Memory of ${name}, ${mibInWords(memory.total)}: ${parts.join(', ')}`
}

/** What a job that needs so much, its model included, will take beyond what its model has booked already. */
export function nextTakes(
  next: { need: number; preset: string },
  residents: readonly { preset: string; booked: number; state: string }[],
): number {
  const loaded = residents.find(({ preset, state }) => preset === next.preset && state !== 'evicting')
  return Math.max(0, next.need - (loaded?.booked ?? 0))
}
