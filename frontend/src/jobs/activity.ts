import type { Job } from '../api/types'

export type Ended = Pick<
  Job,
  'state' | 'preset' | 'device' | 'created_at' | 'started_at' | 'finished_at' | 'attempt'
>
export type Grouping = 'preset' | 'device'

/** What of the recent past is at hand. */
export interface Window {
  /** Milliseconds since 1970; jobs that ended before are left out. */
  from: number
  to: number
  /** Milliseconds that one column of a chart stands for. */
  column: number
}

export interface Group {
  name: string
  done: number
  failed: number
  /** Done, by column. */
  doneIn: number[]
  /** Failed, by column. */
  failedIn: number[]
  /** Median wait in milliseconds of the jobs that ended in a column; null where none did. */
  waitIn: (number | null)[]
  /** Median wait in milliseconds of all; null where none was ever started. */
  wait: number | null
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  const high = sorted[Math.floor(sorted.length / 2)]
  const low = sorted[Math.ceil(sorted.length / 2) - 1]
  return high === undefined || low === undefined ? null : (high + low) / 2
}

/** The columns' starts, in milliseconds. */
export function columns({ from, to, column }: Window): number[] {
  return Array.from({ length: Math.ceil((to - from) / column) }, (_, at) => from + at * column)
}

/** What ended in the window by group, the busiest first; cancelled jobs are neither done nor failed. */
export function activity(jobs: readonly Ended[], by: Grouping, window: Window): Group[] {
  const count = columns(window).length
  const found = new Map<string, { group: Group; waits: number[][] }>()
  for (const job of jobs) {
    const ended = job.finished_at ? Date.parse(job.finished_at) : NaN
    const at = Math.floor((ended - window.from) / window.column)
    if (!(at >= 0 && at < count) || job.state === 'cancelled') {
      continue
    }
    const name = (by === 'preset' ? job.preset : job.device) ?? 'never started'
    let entry = found.get(name)
    if (!entry) {
      const zeros = () => Array.from({ length: count }, () => 0)
      entry = {
        group: { name, done: 0, failed: 0, doneIn: zeros(), failedIn: zeros(), waitIn: [], wait: null },
        waits: Array.from({ length: count }, () => []),
      }
      found.set(name, entry)
    }
    const { group, waits } = entry
    const [total, each] =
      job.state === 'failed' ? (['failed', 'failedIn'] as const) : (['done', 'doneIn'] as const)
    group[total] += 1
    group[each][at] = (group[each][at] ?? 0) + 1
    // The stamp is the last attempt's: a wait that ended in a first attempt is not known any more.
    if (job.started_at && job.attempt === 1) {
      waits[at]?.push(Date.parse(job.started_at) - Date.parse(job.created_at))
    }
  }
  return [...found.values()]
    .map(({ group, waits }) => ({ ...group, waitIn: waits.map(median), wait: median(waits.flat()) }))
    .sort((a, b) => b.done + b.failed - (a.done + a.failed) || a.name.localeCompare(b.name))
}
