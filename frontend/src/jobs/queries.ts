import { useMutation, useQuery } from '@tanstack/vue-query'
import { watch } from 'vue'
import { answered, api } from '../api/client'
import { keepProgressOf } from './liveProgress'

/** Counts, running jobs and waiting jobs. */
export function useQueue() {
  const queue = useQuery({
    queryKey: ['queue'],
    queryFn: ({ signal }) => answered(api.GET('/api/v1/queue', { signal })),
    // Events refresh it; this is for the event that was lost.
    refetchInterval: 30_000,
  })
  watch(queue.data, (data) => {
    if (data) {
      keepProgressOf(data.running.map(({ id }) => id))
    }
  })
  return queue
}

/** The latest jobs that ended without all of their result. */
export function useEndedBadly() {
  return useQuery({
    queryKey: ['jobs', 'ended-badly'],
    queryFn: ({ signal }) =>
      answered(
        api.GET('/api/v1/jobs', { params: { query: { state: ['failed', 'cancelled'], limit: 5 } }, signal }),
      ),
  })
}

/** Asks for a job's end; what follows is told by events. */
export function useCancel() {
  return useMutation({
    mutationFn: (id: string) => answered(api.POST('/api/v1/jobs/{id}/cancel', { params: { path: { id } } })),
  })
}

export interface Request {
  preset: string
  prompt: string
  /** Absent: the server draws one. */
  seed?: number
}

/** Submits a prompt. */
export function useSubmit() {
  return useMutation({
    mutationFn: ({ request, key }: { request: Request; key: string }) => {
      const { preset, ...params } = request
      return answered(
        api.POST('/api/v1/jobs', {
          params: { header: { 'Idempotency-Key': key } },
          body: { kind: 'generate', preset, params },
        }),
      )
    },
  })
}

/** The presets that draw pictures. */
export function usePresets() {
  return useQuery({
    queryKey: ['presets'],
    queryFn: ({ signal }) => answered(api.GET('/api/v1/presets', { signal })),
    refetchInterval: 60_000,
  })
}
