import type { Picture } from '../api/types'
import { enlargedInWords } from '../jobs/names'
import { labour } from '../jobs/progress'

const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

export const planNames: Record<NonNullable<Picture['plan']>, string> = {
  full: 'Full: nothing changed to make it fit',
  vae_tiling: 'Decoded in tiles to save memory',
  text_encoder_on_cpu: 'Tiles, and the text encoder on the processor',
  vae_on_cpu: 'Tiles, and text encoder and decoder on the processor',
  streamed: 'Text encoder and decoder on the processor, the network streamed from system memory',
  kv_quantised: 'The model’s cache in 8 bits',
  half_offloaded: 'Cache in 8 bits and half of the layers on the processor',
}

const seconds = (ms = 0) => `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`

const percent = (share: number) => `${Math.round(share * 100)} %`

const given = (rows: [string, string | undefined][]) =>
  rows.filter((row): row is [string, string] => row[1] !== undefined)

/** Whether a picture's parameters are known: of what was imported, or enlarged from an upload, they may not be. */
export const isDrawn = ({ params }: Pick<Picture, 'params'>) => params.steps > 0

/**
 * The parameters that made a picture, as pairs of a name and a value; what was left to the model is named so. An
 * enlarged picture has those of the one that it was made from.
 */
export function parametersOf(picture: Picture): [string, string][] {
  const { params, upscale } = picture
  const drawn = <T>(value: T) => (isDrawn(picture) ? value : undefined)
  const { init, mask, strength, loras, hires } = params
  return given([
    ['Prompt', params.prompt],
    ['Enlarged', upscale ? enlargedInWords(upscale) : undefined],
    ['Avoided', params.negative_prompt || undefined],
    ['Seed', picture.seed === 0 ? drawn('0') : String(picture.seed)],
    ['Size', `${picture.width} × ${picture.height}`],
    ['Steps', drawn(String(params.steps))],
    ['Guidance', drawn(String(params.cfg))],
    ['Sampler', drawn(params.sampler ?? 'the model’s own')],
    ['Schedule', drawn(params.scheduler ?? 'the model’s own')],
    ['Preset', picture.preset],
    ['LoRAs', loras?.map(({ name, weight }) => `${name} ${weight ?? 1}`).join(', ') || undefined],
    [
      'Started from',
      init ? `${init.image ? 'a picture' : 'an upload'}, ${percent(strength ?? 1)} painted over` : undefined,
    ],
    ['Mask', mask ? 'painted over where it is white' : undefined],
    ['Second pass', hires ? `${hires.scale} times, ${percent(hires.strength)} painted over` : undefined],
    ['Plan', picture.plan ? planNames[picture.plan] : undefined],
  ])
}

/** Everything else that is known of how a picture was made. */
export function originOf(picture: Picture): [string, string][] {
  const { params, times } = picture
  const spent = (ms?: number) => (picture.job ? seconds(ms) : undefined)
  return given([
    ['Picture', params.batch > 1 ? `${picture.index + 1} of ${params.batch}` : undefined],
    ['Attempt', picture.attempt > 1 ? String(picture.attempt) : undefined],
    ['Loading', times.loading_ms || !picture.job ? spent(times.loading_ms) : 'was loaded already'],
    [labour[picture.upscale ? 'upscale' : 'generate'].name, spent(times.sampling_ms)],
    ['Decoding', picture.upscale ? undefined : spent(times.decoding_ms)],
    [picture.job ? 'Made' : 'Imported', date.format(new Date(picture.created_at))],
    ['SHA-256', picture.sha256],
  ])
}
