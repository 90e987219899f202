import { shallowReactive } from 'vue'
import { laterProgress, type Progress } from './progress'

/** Progress as events report it, by job. A hint: the fetched queue is the truth about which jobs run. */
const seen = shallowReactive(new Map<string, Progress>())

/** Notes an event's progress; one that comes late changes nothing. */
export function noteProgress(job: string, progress: Progress): void {
  const later = laterProgress(progress, seen.get(job))
  if (later) {
    seen.set(job, later)
  }
}

/** Forgets every job but those that run. */
export function keepProgressOf(jobs: readonly string[]): void {
  const running = new Set(jobs)
  for (const job of seen.keys()) {
    if (!running.has(job)) {
      seen.delete(job)
    }
  }
}

/** The latest that is known of a job's progress. */
export function progressOf(job: string, fetched: Progress | null | undefined): Progress | undefined {
  return laterProgress(fetched ?? undefined, seen.get(job))
}
