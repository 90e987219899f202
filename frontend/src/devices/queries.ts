import { useQuery } from '@tanstack/vue-query'
import { answered, api } from '../api/client'

/** Devices with their memory. What strangers use changes without an event, hence the interval. */
export function useDevices() {
  return useQuery({
    queryKey: ['devices'],
    queryFn: ({ signal }) => answered(api.GET('/api/v1/devices', { signal })),
    refetchInterval: 10_000,
  })
}
