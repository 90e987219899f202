import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { answered, api, done } from '../api/client'
import { allHashed } from './receipt'

/** Milliseconds after which files that nobody has read yet are asked for again, and how often that is done. */
const [look, looks] = [2_000, 30]

/** All that a picture's pixels follow from; asked for again for a minute while files are still to be read. */
export function useReceipt(id: () => string | undefined) {
  return useQuery({
    queryKey: ['receipt', id],
    queryFn: ({ signal }) =>
      answered(api.GET('/api/v1/images/{id}/receipt', { params: { path: { id: id() ?? '' } }, signal })),
    enabled: () => id() !== undefined,
    refetchInterval: ({ state }) =>
      state.data && !allHashed(state.data) && state.dataUpdateCount < looks ? look : false,
  })
}

/** Has a picture drawn again. */
export function useVerify() {
  return useMutation({
    mutationFn: (id: string) =>
      answered(api.POST('/api/v1/images/{id}/verify', { params: { path: { id } } })),
  })
}

/** Deletes what a verification drew and the bin has. */
export function useDropDrawn() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (id: string) =>
      done(api.DELETE('/api/v1/images/{id}', { params: { path: { id }, query: { for_good: true } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['images'] }),
  })
}
