import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { answered, api, done } from '../api/client'

/** Devices with their memory. What strangers use changes without an event, hence the interval. */
export function useDevices() {
  return useQuery({
    queryKey: ['devices'],
    queryFn: ({ signal }) => answered(api.GET('/api/v1/devices', { signal })),
    refetchInterval: 10_000,
  })
}

/** Workers, those that have ended too. No event tells of them, hence the interval. */
export function useWorkers() {
  return useQuery({
    queryKey: ['workers'],
    queryFn: ({ signal }) => answered(api.GET('/api/v1/workers', { signal })),
    refetchInterval: 5_000,
  })
}

/** Ends a worker after what it runs, or frees what one that never returns had booked. */
export function useWorkerEnd(how: 'drain' | 'forget') {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (id: string) => {
      const params = { path: { id } }
      return answered(
        how === 'drain'
          ? api.POST('/api/v1/workers/{id}/drain', { params })
          : api.POST('/api/v1/workers/{id}/forget', { params }),
      )
    },
    onSettled: () =>
      Promise.all([['workers'], ['devices']].map((queryKey) => queries.invalidateQueries({ queryKey }))),
  })
}

/** Unloads an idle model. */
export function useUnload() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (id: string) => done(api.POST('/api/v1/residents/{id}/unload', { params: { path: { id } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['devices'] }),
  })
}

/** What jobs were seen to take beside their model. */
export function useEstimates() {
  return useQuery({
    queryKey: ['estimates'],
    queryFn: ({ signal }) => answered(api.GET('/api/v1/estimates', { signal })),
    refetchInterval: 30_000,
  })
}

/** Forgets what a preset's jobs were seen to take. */
export function useResetEstimates() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (preset: string) =>
      done(api.DELETE('/api/v1/estimates/{preset}', { params: { path: { preset } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['estimates'] }),
  })
}
