import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { answered, api } from '../api/client'
import { type PictureFilter, questionOf } from './filters'

const pageSize = 24

/** A filter's pictures, newest first, page after page. */
export function usePictures(filter: Ref<PictureFilter>, limit = pageSize) {
  return useInfiniteQuery({
    queryKey: ['images', 'list', filter, limit],
    queryFn: ({ pageParam, signal }) =>
      answered(
        api.GET('/api/v1/images', {
          params: {
            query: { ...questionOf(filter.value), limit, ...(pageParam ? { cursor: pageParam } : {}) },
          },
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

/** The picture that a job finished last, asked for again when it has one more. */
export function useLastPicture(job: () => string, made: () => number) {
  const query = useQuery({
    queryKey: ['last-picture', job, made],
    queryFn: ({ signal }) =>
      answered(api.GET('/api/v1/images', { params: { query: { job: job(), limit: 1 } }, signal })),
    enabled: () => made() > 0,
    placeholderData: keepPreviousData,
  })
  return computed(() => query.data.value?.images[0])
}
