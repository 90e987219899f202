import type { Schemas } from '../api/types'

export type Activity = Schemas['Activity']
export type Grouping = 'preset' | 'device' | 'worker'

/** What ended lately of one name, with a value for each column. */
export interface Group {
  name: string
  done: number
  failed: number
  /** Median wait in milliseconds of all; null where none was ever started. */
  wait: number | null
  /** Done, by column. */
  doneIn: number[]
  /** Failed, by column. */
  failedIn: number[]
  /** Median wait in milliseconds of the jobs that ended in a column; null where none did. */
  waitIn: (number | null)[]
}

/** The columns' starts, in milliseconds. */
export function columns({ from, column_s, columns }: Activity): number[] {
  return Array.from({ length: columns }, (_, at) => Date.parse(from) + at * column_s * 1_000)
}

/** The server's groups with their empty columns, in its order: the busiest first. */
export function groups(activity: Activity, names: ReadonlyMap<string, string>): Group[] {
  return activity.groups.map(({ name, total, columns }) => {
    const filled = <T>(value: (column: (typeof columns)[number]) => T, empty: T): T[] => {
      const values = Array.from({ length: activity.columns }, () => empty)
      for (const column of columns) {
        values[column.column] = value(column)
      }
      return values
    }
    return {
      name: name == null ? 'never started' : (names.get(name) ?? name),
      done: total.succeeded,
      failed: total.failed,
      wait: total.wait_p50_ms ?? null,
      doneIn: filled(({ succeeded }) => succeeded, 0),
      failedIn: filled(({ failed }) => failed, 0),
      waitIn: filled<number | null>(({ wait_p50_ms }) => wait_p50_ms ?? null, null),
    }
  })
}
