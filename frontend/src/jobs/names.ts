import type { Job, JobState } from '../api/types'

/** What a job is called in lists and by screen readers: what it makes of which prompt. */
export function jobName(job: Pick<Job, 'kind' | 'params'>): string {
  if (!('prompt' in job.params)) {
    return `${job.params.width} × ${job.params.height} pixels, ${job.params.scale} times as large`
  }
  const { prompt } = job.params
  switch (job.kind) {
    case 'upscale':
    case 'generate':
      return prompt
    case 'tag':
      return `Tags for “${prompt}”`
    case 'enhance':
      return `“${prompt}”, written out`
  }
}

/** The states in the order of a job's life, in words. */
export const stateNames: Record<JobState, string> = {
  queued: 'Waiting',
  leased: 'Starting',
  running: 'Running',
  succeeded: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
}
