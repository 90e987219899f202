import type { Job } from '../api/types'
import type { Request } from './queries'

/** The request that makes a picture job's pictures again; nothing for a job that another made of them. */
export function requestOf({ preset, params }: Pick<Job, 'preset' | 'params'>): Request | undefined {
  if (!('steps' in params)) {
    return undefined
  }
  const { sampler, scheduler, tag_preset: _, ...rest } = params
  return { preset, ...rest, ...(sampler ? { sampler } : {}), ...(scheduler ? { scheduler } : {}) }
}

/** A job's parameters, as pairs of a name and a value; what was left to the model is named so. */
export function parametersOf({ preset, params, priority, max_attempts }: Job): [string, string][] {
  const rows: [string, string | undefined][] =
    'steps' in params
      ? [
          ['Prompt', params.prompt],
          ['Avoided', params.negative_prompt || undefined],
          ['Preset', preset],
          ['Size', `${params.width} × ${params.height}`],
          ['Steps', String(params.steps)],
          ['Guidance', String(params.cfg)],
          ['Sampler', params.sampler ?? 'the model’s own'],
          ['Schedule', params.scheduler ?? 'the model’s own'],
          ['Seed', String(params.seed)],
          ['Pictures', String(params.batch)],
          ['Tagged by', params.tag_preset ?? 'nobody'],
        ]
      : [
          ['Prompt', params.prompt],
          ['Preset', preset],
        ]
  return [
    ...rows,
    ['Priority', String(priority).replace('-', '−')],
    ['Attempts', `${max_attempts} at most`],
  ].filter((row): row is [string, string] => row[1] !== undefined)
}
