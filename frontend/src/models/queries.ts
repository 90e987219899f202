import { useQuery } from '@tanstack/vue-query'
import { answered, api } from '../api/client'

/** The models directory and its catalogue. Nobody tells of files, hence the interval. */
export function useModels() {
  return useQuery({
    queryKey: ['models'],
    queryFn: ({ signal }) => answered(api.GET('/api/v1/models', { signal })),
    refetchInterval: 30_000,
  })
}
