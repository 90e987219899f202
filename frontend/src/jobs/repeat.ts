import type { Job, Schemas } from '../api/types'
import { enlargedInWords } from './names'
import type { Request } from './queries'

/** The parameters of a picture job; nothing of another's. */
export function pictureParams(params: Job['params'] | undefined): Schemas['GenerateParams'] | undefined {
  return params && 'steps' in params ? params : undefined
}

/** The request that makes a picture job's pictures again; nothing for a job that another made of them. */
export function requestOf({ preset, params }: Pick<Job, 'preset' | 'params'>): Request | undefined {
  if (!('steps' in params)) {
    return undefined
  }
  const { prompt, negative_prompt, width, height, steps, cfg, seed, batch } = params
  const { sampler, scheduler, strength, loras, init, mask, hires } = params
  return {
    preset,
    // As it was drawn: its choices are made, and its styles stand around it.
    prompt,
    negative_prompt,
    width,
    height,
    steps,
    cfg,
    seed,
    batch,
    ...(sampler ? { sampler } : {}),
    ...(scheduler ? { scheduler } : {}),
    ...(loras?.length ? { loras } : {}),
    ...(init
      ? { init: { upload: init.upload ?? null, image: init.image ?? null }, strength: strength ?? null }
      : {}),
    ...(mask?.upload ? { mask: { upload: mask.upload } } : {}),
    ...(hires
      ? {
          hires: {
            scale: hires.scale,
            strength: hires.strength,
            steps: hires.steps,
            upscaler: hires.upscaler,
          },
        }
      : {}),
  }
}

/** A job's parameters, as pairs of a name and a value; what was left to the model is named so. */
export function parametersOf({ preset, params, result, priority, max_attempts }: Job): [string, string][] {
  const rows: [string, string | undefined][] =
    'steps' in params
      ? [
          ['Prompt', params.prompt],
          ['Asked for', params.asked?.prompt],
          ['Styles', params.asked?.styles?.join(', ') || undefined],
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
      : 'scale' in params
        ? [
            ['Enlarged', enlargedInWords(params)],
            ['Started from', params.source.image ? 'a picture' : 'an upload'],
            ['Preset', preset],
          ]
        : [
            ['Prompt', params.prompt],
            ['Written out', result?.prompt],
            ['Preset', preset],
          ]
  return [
    ...rows,
    ['Priority', String(priority).replace('-', '−')],
    ['Attempts', `${max_attempts} at most`],
  ].filter((row): row is [string, string] => row[1] !== undefined)
}
