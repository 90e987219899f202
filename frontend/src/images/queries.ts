import { useInfiniteQuery, useQuery } from '@tanstack/vue-query'
import type { Ref } from 'vue'
import { answered, api } from '../api/client'

const pageSize = 24

/** The latest pictures, newest first, page after page. */
export function usePictures() {
  return useInfiniteQuery({
    queryKey: ['images', 'latest'],
    queryFn: ({ pageParam, signal }) =>
      answered(
        api.GET('/api/v1/images', {
          params: { query: { limit: pageSize, ...(pageParam ? { cursor: pageParam } : {}) } },
          signal,
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
  })
}

/** One picture; fetched by itself, since a link may name a picture that isn't among the latest. */
export function usePicture(id: Ref<string | undefined>) {
  return useQuery({
    queryKey: ['images', 'one', id],
    queryFn: ({ signal }) =>
      answered(api.GET('/api/v1/images/{id}', { params: { path: { id: id.value ?? '' } }, signal })),
    enabled: () => id.value !== undefined,
  })
}
