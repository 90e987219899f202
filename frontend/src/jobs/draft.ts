import { defineStore } from 'pinia'
import { ref, watch } from 'vue'
import type { Request } from './queries'
import { parseSeed } from './seed'

/** What a picture is asked for with, as typed: an empty field has the preset's default. */
export interface Draft {
  preset: string
  prompt: string
  negative_prompt: string
  width: string
  height: string
  steps: string
  cfg: string
  sampler: string
  scheduler: string
  seed: string
  batch: string
}

export type Field = keyof Draft
export type Problems = Partial<Record<Field, string>>

const empty: Draft = {
  preset: '',
  prompt: '',
  negative_prompt: '',
  width: '',
  height: '',
  steps: '',
  cfg: '',
  sampler: '',
  scheduler: '',
  seed: '',
  batch: '',
}

/** The field that the server calls by this name, or the form where there is none such. */
export function fieldOf(name: string | null | undefined): Field | 'form' {
  const field = name?.replace(/^params\./, '') ?? ''
  return field in empty ? (field as Field) : 'form'
}

/** The request that a draft is; a field that is no number is a problem, whether the number is allowed is the server's to say. */
export function requestOfDraft(draft: Draft): { request: Request; problems: Problems } {
  const problems: Problems = {}
  const request: Request = { preset: draft.preset, prompt: draft.prompt.trim() }
  for (const field of ['width', 'height', 'steps', 'batch', 'cfg'] as const) {
    const text = draft[field].trim()
    const value = Number(text)
    if (text === '') {
      continue
    }
    if (!Number.isFinite(value) || (field !== 'cfg' && !Number.isInteger(value))) {
      problems[field] = field === 'cfg' ? 'A number, or nothing for the preset’s.' : 'A whole number.'
      continue
    }
    request[field] = value
  }
  for (const field of ['negative_prompt', 'sampler', 'scheduler'] as const) {
    const text = draft[field].trim()
    if (text !== '') {
      request[field] = text
    }
  }
  const seed = parseSeed(draft.seed)
  if ('problem' in seed) {
    problems.seed = seed.problem
  } else if (seed.seed !== undefined) {
    request.seed = seed.seed
  }
  return { request, problems }
}

/** A request as a draft that asks for the same. */
export function draftOfRequest({ preset, ...params }: Request): Draft {
  const own = Object.entries(params).flatMap(([name, value]) =>
    name in empty && (typeof value === 'string' || typeof value === 'number') ? [[name, String(value)]] : [],
  )
  return { ...empty, preset, ...(Object.fromEntries(own) as Partial<Draft>) }
}

const key = 'draft'

function kept(): Draft {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(key) ?? '{}')
    const entries = Object.entries(typeof found === 'object' && found !== null ? found : {})
    const own = entries.filter(([name, value]) => name in empty && typeof value === 'string')
    return { ...empty, ...Object.fromEntries(own) }
  } catch {
    return { ...empty }
  }
}

/** The picture that is being thought up: every form shows the same, and a reload keeps it. */
export const useDraft = defineStore(key, () => {
  const draft = ref(kept())
  watch(
    draft,
    (value) => {
      sessionStorage.setItem(key, JSON.stringify(value))
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
      draft.value = { ...empty, prompt: draft.value.prompt, preset: draft.value.preset }
    },
  }
})
