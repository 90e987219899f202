import { onScopeDispose, type Ref, shallowRef, watch } from 'vue'
import { openStream } from '../api/stream'
import type { JobEvent } from '../api/types'
import { planNames } from './outlook'

/** All that has happened to a job, in its order, and goes on happening. */
export function useJobEvents(id: Ref<string>): Ref<JobEvent[]> {
  const events = shallowRef<JobEvent[]>([])
  let stop: () => void = () => undefined
  watch(
    id,
    (job) => {
      stop()
      events.value = []
      let more: JobEvent[] = []
      const stream = openStream({
        url: `/api/v1/jobs/${encodeURIComponent(job)}/events`,
        onFrame: ({ event, data }) => {
          if (event !== 'job') {
            return
          }
          if (more.length === 0) {
            // The past arrives at once: one change for all of it.
            queueMicrotask(() => {
              events.value = [...events.value, ...more]
              more = []
            })
          }
          more.push(JSON.parse(data) as JobEvent)
        },
        // The header tells of the connection.
        onConnection: () => undefined,
      })
      stop = stream.stop
    },
    { immediate: true },
  )
  onScopeDispose(() => {
    stop()
  })
  return events
}

/** One event in a short sentence. */
export function eventInWords({ kind, data }: Pick<JobEvent, 'kind' | 'data'>): string {
  const more = (typeof data === 'object' && data !== null ? data : {}) as Record<string, unknown>
  const say = (name: string) => {
    const value = more[name]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '?'
  }
  switch (kind) {
    case 'queued':
      return 'Accepted and queued'
    case 'leased': {
      const plan = planNames[say('plan') as keyof typeof planNames]
      return `Given to ${say('device')}${plan ? `, ${plan}` : ''}`
    }
    case 'running':
      return `Attempt ${say('attempt')} began`
    case 'expired':
      return 'Its worker didn’t take it; queued again'
    case 'retried':
      return `Queued again: ${say('message')}`
    case 'cancel_requested':
      return 'Its end was asked for'
    case 'reprioritised':
      return `Priority is now ${say('priority').replace('-', '−')}`
    case 'image':
      return `Picture ${Number(more.index) + 1} saved`
    case 'helped':
      return `${say('device')} has nothing else to do and draws picture ${Number(more.index) + 1}`
    case 'tagged':
      return 'A picture’s tags arrived'
    case 'succeeded':
      return 'Done'
    case 'failed':
      return `Failed: ${say('message')}`
    case 'cancelled':
      return 'Cancelled'
    default:
      return kind.replaceAll('_', ' ')
  }
}
