import { mibInWords } from '../devices/memory'

/** Why a job waits, as the server types it. Kinds that this page doesn't know yet are shown by their name. */
export type WaitReason =
  | { reason: 'no_worker'; preset: string }
  | { reason: 'device_lost'; device: string }
  | { reason: 'vram_short'; device: string; need: number; free: number }
  | { reason: 'too_large'; device: string; need: number; most: number }
  | { reason: 'model_loading'; device: string; preset: string; percent?: number | null }
  | { reason: 'behind'; n: number }
  | { reason: 'not_before' }
  | { reason: 'paused'; by: { scope: 'queue' } | { scope: 'owner' | 'preset' | 'device'; name: string } }

/** A job that waits: the reason is absent until the scheduler has looked at it. */
export interface Waiting {
  wait_reason?: WaitReason | null | undefined
  not_before?: string | null | undefined
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

/** The reason in one sentence, as of `now`. */
export function waitingInWords(job: Waiting, now = new Date()): string {
  const why = job.wait_reason
  if (!why) {
    return 'Just arrived; the scheduler looks at it next.'
  }
  switch (why.reason) {
    case 'no_worker':
      return `No worker that is up can run “${why.preset}”.`
    case 'device_lost':
      return `${why.device} is lost: it has to be reset, or does not answer.`
    case 'vram_short':
      return `Needs ${mibInWords(why.need)} on ${why.device}, where ${mibInWords(why.free)} is free.`
    case 'too_large':
      return `Needs ${mibInWords(why.need)}, and ${why.device}, which comes nearest, has ${mibInWords(why.most)} at most.`
    case 'model_loading':
      return `“${why.preset}” is being loaded on ${why.device}${typeof why.percent === 'number' ? `, ${why.percent} % so far` : ''}.`
    case 'behind':
      if (why.n === 0) {
        return 'Next in line; waits for a turn.'
      }
      return why.n === 1 ? 'One job comes first.' : `${why.n} jobs come first.`
    case 'not_before':
      return job.not_before && new Date(job.not_before) > now
        ? `Starts at ${clock.format(new Date(job.not_before))} or later.`
        : 'Its time has come; waits for the scheduler’s next look.'
    case 'paused':
      return why.by.scope === 'queue' ? 'The queue is paused.' : `Paused: ${why.by.scope} “${why.by.name}”.`
    default:
      return `Waits: ${(why as { reason: string }).reason.replaceAll('_', ' ')}.`
  }
}
