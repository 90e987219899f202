import { useQueryClient } from '@tanstack/vue-query'
import { onScopeDispose, type Ref, ref } from 'vue'
import { coalesce } from '../api/coalesce'
import type { Frame } from '../api/frames'
import { type Connection, openStream } from '../api/stream'
import { keyOf, staleAfter, staleAfterChanges, type Stale } from '../api/topics'
import { noteProgress } from '../jobs/liveProgress'
import type { JobEvent, JobProgress } from '../api/types'

/** Milliseconds between two refreshes: short enough to feel live, long enough for a queue that finishes 50 jobs. */
const gap = 250

export interface Live {
  connection: Ref<Connection>
  /** When the connection was last known to be up. */
  since: Ref<Date | undefined>
}

/** Keeps the page up to date: server events only make queries stale, progress goes to the running card at once. */
export function useLive(): Live {
  const queries = useQueryClient()
  const connection = ref<Connection>('connecting')
  const since = ref<Date>()

  const refreshes = coalesce<Stale>(
    (stale) => Promise.all([...stale].map((topic) => queries.invalidateQueries({ queryKey: keyOf(topic) }))),
    gap,
  )

  const onFrame = ({ event, data }: Frame) => {
    if (event === 'progress') {
      for (const { job, ...progress } of JSON.parse(data) as JobProgress[]) {
        noteProgress(job, progress)
      }
    } else if (event === 'job') {
      const { kind, job } = JSON.parse(data) as JobEvent
      refreshes.add(...staleAfter(kind), `job/${job}`)
    } else if (event === 'changed') {
      refreshes.add(...staleAfterChanges(JSON.parse(data) as string[]))
    }
  }

  const stream = openStream({
    url: '/api/v1/events',
    onFrame,
    onConnection: (now) => {
      if (connection.value === 'live' && now !== 'live') {
        since.value = new Date()
      }
      connection.value = now
      if (now === 'live') {
        // Whatever happened while nobody listened; at once, since the queries may be in a pause before a retry.
        void queries.invalidateQueries()
      }
    },
  })

  onScopeDispose(() => {
    stream.stop()
    refreshes.stop()
  })
  return { connection, since }
}
