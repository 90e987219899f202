import type { Attempt, Job } from '../api/types'
import { labour, type Phase, phases } from './progress'

export type Part = 'waiting' | 'running' | Phase | 'other'

export interface Span {
  part: Part
  ms: number
}

const partNames: Record<Exclude<Part, 'sampling'>, string> = {
  waiting: 'Waiting',
  running: 'Running',
  loading: 'Loading',
  encoding: 'Reading the prompt',
  decoding: 'Decoding',
  saving: 'Saving',
  other: 'Other',
}

/** What a part of a job of this kind is called. */
export const partName = (part: Part, kind: Job['kind']) =>
  part === 'sampling' ? labour[kind].name : partNames[part]

/**
 * What an attempt spent its time on, in the order of its phases: they add up to its length, and what no phase has
 * claimed is "other", or "running" in an attempt that goes on, which `now` ends.
 */
export function spansOf({ started_at, finished_at, times }: Attempt, now: number): Span[] {
  const length = Math.max(0, (finished_at ? Date.parse(finished_at) : now) - Date.parse(started_at))
  const spans = phases.map((phase): Span => ({ part: phase, ms: times?.[`${phase}_ms`] ?? 0 }))
  const claimed = spans.reduce((sum, { ms }) => sum + ms, 0)
  const part = finished_at ? 'other' : 'running'
  return [...spans, { part, ms: Math.max(0, length - claimed) } satisfies Span].filter(({ ms }) => ms > 0)
}

/** How long a job has waited, all queueing together, and how long its attempts have run, in milliseconds. */
export function waitAndRun(
  job: Pick<Job, 'created_at' | 'finished_at'>,
  attempts: readonly Pick<Attempt, 'started_at' | 'finished_at'>[],
  now: number,
): { wait: number; run: number } {
  const end = job.finished_at ? Date.parse(job.finished_at) : now
  const run = attempts.reduce((sum, attempt) => {
    const until = attempt.finished_at ? Date.parse(attempt.finished_at) : end
    return sum + Math.max(0, until - Date.parse(attempt.started_at))
  }, 0)
  return { wait: Math.max(0, end - Date.parse(job.created_at) - run), run }
}
