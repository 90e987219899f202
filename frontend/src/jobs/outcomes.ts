import type { JobState, Schemas } from '../api/types'

/** "3 cancelled, 1 running ones end within seconds.": what came of cancelling many. */
export function cancelledInWords({ cancelled, requested }: Schemas['CancelledJobs']): string {
  const running =
    requested === 0
      ? ''
      : `, ${requested} running ${requested === 1 ? 'one ends' : 'ones end'} within seconds`
  return `${cancelled} cancelled${running}.`
}

/** What came of trying many again. */
export function retriedInWords({ queued, refused }: { queued: number; refused: number }): string {
  return `${queued} queued again.${refused === 0 ? '' : ` ${refused} can’t be: their presets take no jobs any more.`}`
}

/** What came of deleting many. */
export function deletedInWords({ deleted, kept }: { deleted: number; kept: number }): string {
  return `${deleted} deleted.${kept === 0 ? '' : ` ${kept} kept: their pictures exist, or their engine may not have ended.`}`
}

/** The states in which a job has ended. */
export const ended = ['succeeded', 'failed', 'cancelled'] as const

const endings: Record<(typeof ended)[number], string> = {
  succeeded: 'are done',
  failed: 'failed',
  cancelled: 'were cancelled',
}

/** The states of a filter in which jobs have ended; none where it names none, since what is shown then has not. */
export const endedOf = (states: readonly JobState[]) => ended.filter((state) => states.includes(state))

/** "failed or were cancelled": how jobs ended, in words that follow "that". */
export const endingsInWords = (states: readonly (typeof ended)[number][]) =>
  states.map((state) => endings[state]).join(' or ')
