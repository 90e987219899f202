import type { Job, JobState, Schemas } from '../api/types'

/** "128 × 128 to 512 × 512": what is made of a picture's size. */
export function enlargedInWords({ width, height, scale }: Schemas['UpscaleParams']): string {
  return `${width} × ${height} to ${width * scale} × ${height * scale}`
}

/** What a job is called in lists and by screen readers: what it makes of which prompt. */
export function jobName(job: Pick<Job, 'kind' | 'params'>): string {
  if (!('prompt' in job.params)) {
    return `A picture, enlarged from ${enlargedInWords(job.params)}`
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

/** What a job on a device is called: one that draws a picture of another's batch is said to do so. */
export function workName(job: Pick<Job, 'kind' | 'params' | 'helps' | 'picture'>): string {
  const name = jobName(job)
  return job.helps ? `Helps “${name}”: picture ${(job.picture ?? 0) + 1}` : name
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
