import type { Pause } from '../api/types'

/** What is stopped, in a few words. */
export function pauseInWords(pause: Pause): string {
  if (pause.scope === 'queue') {
    return 'The queue is paused'
  }
  const released = pause.scope === 'device' && pause.release ? ', its memory released' : ''
  return `Paused: ${pause.scope} ${pause.name}${released}`
}
