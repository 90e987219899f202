/** The phases of an attempt, in their order. */
export const phases = ['loading', 'encoding', 'sampling', 'decoding', 'saving'] as const
export type Phase = (typeof phases)[number]

export interface Progress {
  phase: Phase
  /** Steps done in this phase. */
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

/** How much of a picture's bar each phase takes; they add up to 1. Roughly the phases' share of a warm run. */
const widths: Record<Phase, number> = {
  loading: 0.1,
  encoding: 0.05,
  sampling: 0.65,
  decoding: 0.15,
  saving: 0.05,
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
export function phaseBars(progress: Progress | undefined): PhaseBar[] {
  const now = progress ? phases.indexOf(progress.phase) : -1
  return phases.map((phase, at) => {
    const width = widths[phase]
    if (progress && at === now) {
      return { phase, width, done: stepShare(progress), state: 'now' }
    }
    return at < now ? { phase, width, done: 1, state: 'done' } : { phase, width, done: 0, state: 'ahead' }
  })
}

/** Per cent of the whole job, 0 to 100, whole numbers; 100 only when there is nothing left to do. */
export function percentDone(progress: Progress | undefined, images: number): number {
  if (!progress) {
    return 0
  }
  const picture = phaseBars(progress).reduce((sum, { width, done }) => sum + width * done, 0)
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

const phaseNames: Record<Phase, string> = {
  loading: 'Loading the model',
  encoding: 'Reading the prompt',
  sampling: 'Sampling',
  decoding: 'Decoding',
  saving: 'Saving',
}

/** "Sampling, step 12 of 20 · picture 2 of 4". */
export function progressInWords(progress: Progress | undefined, images: number): string {
  if (!progress) {
    return 'Starting'
  }
  const steps = progress.of > 0 ? `, step ${progress.step} of ${progress.of}` : ''
  const picture = images > 1 ? ` · picture ${Math.min(progress.index + 1, images)} of ${images}` : ''
  return phaseNames[progress.phase] + steps + picture
}
