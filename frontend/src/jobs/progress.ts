import type { Job } from '../api/types'

/** The phases of an attempt, in their order. */
export const phases = ['loading', 'encoding', 'sampling', 'decoding', 'saving'] as const
export type Phase = (typeof phases)[number]

export interface Progress {
  phase: Phase
  /** Steps done in this phase; tokens of a text, tiles of a picture that is enlarged. */
  step: number
  /** Steps in this phase; 0 where unknown. */
  of: number
  /** Index of the picture in the job, from 0. */
  index: number
  /** From 1. */
  attempt: number
  /** Previews that this attempt has shown. */
  preview?: number
}

type Widths = Partial<Record<Phase, number>>
const text: Widths = { loading: 0.1, encoding: 0.2, sampling: 0.65, saving: 0.05 }

/** How much of the bar each phase takes that a kind of job has; they add up to 1. Roughly their share of a warm run. */
const widths: Record<Job['kind'], Widths> = {
  generate: { loading: 0.1, encoding: 0.05, sampling: 0.65, decoding: 0.15, saving: 0.05 },
  upscale: { loading: 0.1, sampling: 0.85, saving: 0.05 },
  tag: text,
  enhance: text,
}

export interface PhaseBar {
  phase: Phase
  /** Part of the whole bar, 0 to 1. */
  width: number
  /** Part of this phase that is done, 0 to 1. */
  done: number
  state: 'done' | 'now' | 'ahead'
}

function stepShare({ step, of }: Progress): number {
  return of > 0 ? Math.min(1, Math.max(0, step / of)) : 0
}

/** The bar of the picture under way, a piece for each phase. */
export function phaseBars(progress: Progress | undefined, kind: Job['kind'] = 'generate'): PhaseBar[] {
  const now = progress ? phases.indexOf(progress.phase) : -1
  return phases.flatMap((phase, at): PhaseBar[] => {
    const width = widths[kind][phase]
    if (width === undefined) {
      return []
    }
    if (progress && at === now) {
      return [{ phase, width, done: stepShare(progress), state: 'now' }]
    }
    return [{ phase, width, ...(at < now ? { done: 1, state: 'done' } : { done: 0, state: 'ahead' }) }]
  })
}

/** Per cent of the whole job, 0 to 100, whole numbers; 100 only when there is nothing left to do. */
export function percentDone(
  progress: Progress | undefined,
  images: number,
  kind: Job['kind'] = 'generate',
): number {
  if (!progress) {
    return 0
  }
  const picture = phaseBars(progress, kind).reduce((sum, { width, done }) => sum + width * done, 0)
  const share = (progress.index + picture) / Math.max(1, images)
  return Math.floor(Math.min(1, share) * 100 + 1e-9)
}

/** The later of two sightings: a fetched page may be older than the event that came before it. */
export function laterProgress(one: Progress | undefined, other: Progress | undefined): Progress | undefined {
  if (!one || !other) {
    return one ?? other
  }
  const order = (p: Progress) => [p.attempt, p.index, phases.indexOf(p.phase), p.step, p.preview ?? 0]
  const [mine, theirs] = [order(one), order(other)]
  const at = mine.findIndex((value, i) => value !== theirs[i])
  return at >= 0 && (mine[at] ?? 0) < (theirs[at] ?? 0) ? other : one
}

/** What a kind of job does at length, and how that is counted. */
export const labour: Record<Job['kind'], { name: string; step: string }> = {
  generate: { name: 'Sampling', step: 'step' },
  upscale: { name: 'Enlarging', step: 'tile' },
  tag: { name: 'Writing', step: 'token' },
  enhance: { name: 'Writing', step: 'token' },
}

const phaseNames: Record<Exclude<Phase, 'sampling'>, string> = {
  loading: 'Loading the model',
  encoding: 'Reading the prompt',
  decoding: 'Decoding',
  saving: 'Saving',
}

/** "Sampling, step 12 of 20 · picture 2 of 4". */
export function progressInWords(
  progress: Progress | undefined,
  images: number,
  kind: Job['kind'] = 'generate',
): string {
  if (!progress) {
    return 'Starting'
  }
  const { phase, step, of } = progress
  const long = phase === 'sampling'
  const steps = of > 0 ? `, ${long ? labour[kind].step : 'step'} ${step} of ${of}` : ''
  const picture = images > 1 ? ` · picture ${Math.min(progress.index + 1, images)} of ${images}` : ''
  return (long ? labour[kind].name : phaseNames[phase]) + steps + picture
}
