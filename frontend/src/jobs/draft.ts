import { defineStore } from 'pinia'
import { ref, watch } from 'vue'
import { choiceProblem, numberProblem, type Parameters } from './parameters'
import type { Request } from './queries'

const wholes = ['width', 'height', 'steps', 'seed', 'batch', 'hires.steps'] as const
const reals = ['cfg', 'strength', 'hires.scale', 'hires.strength'] as const
const words = ['prompt', 'negative_prompt', 'sampler', 'scheduler', 'hires.upscaler'] as const

type Text = (typeof wholes | typeof reals | typeof words)[number]

/** A picture to start from: an upload or a finished one, with what is shown of it. */
export interface Start {
  upload?: string
  image?: string
  /** Address of what to show; nothing where only its id is known. */
  preview?: string
}

/** What to paint over of the start: an upload, and the same as an address to show and to go on painting from. */
export interface Mask {
  upload: string
  preview?: string
}

/**
 * What a picture is asked for with, as typed: an empty field has the preset's default. Fields have the API's names; a
 * second pass is asked for by its scale.
 */
export interface Draft extends Record<Text, string> {
  preset: string
  styles: string[]
  loras: { name: string; weight: string }[]
  init?: Start
  mask?: Mask
}

/** What is wrong, by the API's name of the field: `width`, `loras[0].weight`. */
export type Problems = Record<string, string>

const blank = (): Draft => ({
  preset: '',
  ...(Object.fromEntries([...wholes, ...reals, ...words].map((name) => [name, ''])) as Record<Text, string>),
  styles: [],
  loras: [],
})

/** The field that the server calls by this name, or the form where there is none such. */
export function fieldOf(name: string | null | undefined): string {
  const field = name?.replace(/^params\./, '') ?? ''
  if (field in blank() || /^loras\[\d+\]\.(name|weight)$/.test(field)) {
    return field
  }
  // Shown as a whole: which of several styles, whether the upload or the picture.
  const whole = /^(styles|loras|init|mask|hires)\b/.exec(field)?.[1]
  return whole === 'hires' ? 'hires.scale' : (whole ?? 'form')
}

/** A typed number, or why it is none. */
function numberOf(text: string, whole: boolean): number | string {
  const value = (whole ? /^-?\d+$/ : /^-?\d*\.?\d+$/).test(text) ? Number(text) : NaN
  return Number.isFinite(value) ? value : whole ? 'A whole number.' : 'A number.'
}

/** The request that a draft is, and what is wrong with it by the preset's rules as far as they are known. */
export function requestOfDraft(
  draft: Draft,
  parameters: Parameters = {},
): { request: Request; problems: Problems } {
  const problems: Problems = {}
  const found: Partial<Record<Text, number | string>> = {}
  for (const field of [...wholes, ...reals]) {
    const text = draft[field].trim()
    if (text === '') {
      continue
    }
    const value = numberOf(
      text,
      wholes.some((whole) => whole === field),
    )
    const problem = typeof value === 'string' ? value : numberProblem(value, parameters[field])
    if (problem === undefined) {
      found[field] = value
    } else {
      problems[field] = problem
    }
  }
  for (const field of words) {
    const text = draft[field].trim()
    const problem = text === '' ? undefined : choiceProblem(text, parameters[field])
    if (problem !== undefined) {
      problems[field] = problem
    } else if (text !== '') {
      found[field] = text
    }
  }
  const loras = draft.loras.map(({ name, weight }, at) => {
    const value = numberOf(weight.trim() || '1', false)
    const problem = typeof value === 'string' ? value : numberProblem(value, parameters['loras.weight'])
    if (problem !== undefined) {
      problems[`loras[${at}].weight`] = problem
    }
    return { name, weight: typeof value === 'string' ? 1 : value }
  })
  const { strength, 'hires.scale': scale, ...rest } = found
  const plain = Object.entries(rest).filter(([name]) => !name.startsWith('hires.'))
  const hires = Object.entries(rest).flatMap(([name, value]) =>
    name.startsWith('hires.') ? [[name.replace('hires.', ''), value] as const] : [],
  )
  const { init, mask } = draft
  const request: Request = {
    preset: draft.preset,
    prompt: '',
    ...Object.fromEntries(plain),
    ...(draft.styles.length > 0 ? { styles: [...draft.styles] } : {}),
    ...(loras.length > 0 ? { loras } : {}),
    ...(init
      ? {
          init: init.upload === undefined ? { image: init.image ?? null } : { upload: init.upload },
          ...(typeof strength === 'number' ? { strength } : {}),
          ...(mask ? { mask: { upload: mask.upload } } : {}),
        }
      : {}),
    ...(typeof scale === 'number' ? { hires: { scale, ...Object.fromEntries(hires) } } : {}),
  }
  return { request, problems }
}

/** A request as a draft that asks for the same. */
export function draftOfRequest({ preset, hires, init, mask, styles, loras, ...params }: Request): Draft {
  const draft = blank()
  const typed = (name: string, value: unknown) =>
    name in draft && (typeof value === 'string' || typeof value === 'number') ? [[name, String(value)]] : []
  return {
    ...draft,
    ...(Object.fromEntries([
      ...Object.entries(params).flatMap(([name, value]) => typed(name, value)),
      ...Object.entries(hires ?? {}).flatMap(([name, value]) => typed(`hires.${name}`, value)),
    ]) as Partial<Draft>),
    preset,
    styles: [...(styles ?? [])],
    loras: (loras ?? []).map(({ name, weight }) => ({ name, weight: String(weight ?? 1) })),
    ...(init?.upload ? { init: { upload: init.upload } } : {}),
    ...(init?.image ? { init: startOf(init.image) } : {}),
    ...(mask ? { mask: { upload: mask.upload } } : {}),
  }
}

/** A finished picture to start from. */
export function startOf(image: string): Start {
  return { image, preview: `/api/v1/images/${image}/file` }
}

const key = 'draft'

/** What an earlier version of the page has kept may have fields of other kinds: those are left out. */
function kept(): Draft {
  const empty = blank()
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(key) ?? '{}')
    const entries = Object.entries(typeof found === 'object' && found !== null ? found : {})
    const fits = ([name, value]: [string, unknown]) =>
      name === 'init' || name === 'mask'
        ? typeof value === 'object' && value !== null
        : name in empty &&
          typeof value === typeof empty[name as keyof Draft] &&
          Array.isArray(value) === Array.isArray(empty[name as keyof Draft])
    return { ...empty, ...Object.fromEntries(entries.filter(fits)) }
  } catch {
    return empty
  }
}

/** The picture that is being thought up: every form shows the same, and a reload keeps it. */
export const useDraft = defineStore(key, () => {
  const draft = ref(kept())
  watch(
    draft,
    (value) => {
      try {
        sessionStorage.setItem(key, JSON.stringify(value))
      } catch {
        // Full: the page goes on, a reload will have what was kept before.
      }
    },
    { deep: true },
  )
  return {
    draft,
    /** Shows this request's settings. */
    take(request: Request) {
      draft.value = draftOfRequest(request)
    },
    /** Leaves all but the prompt and the preset to the preset. */
    clear() {
      draft.value = { ...blank(), prompt: draft.value.prompt, preset: draft.value.preset }
    },
  }
})
