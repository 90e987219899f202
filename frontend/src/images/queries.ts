import { keepPreviousData, useInfiniteQuery, useMutation, useQuery } from '@tanstack/vue-query'
import { computed, type Ref } from 'vue'
import { answered, api } from '../api/client'
import { type PictureFilter, questionOf } from './filters'

/** Pictures in a page of the gallery; whoever asks with it has the same list in the cache. */
export const pageSize = 60

/** A filter's pictures, newest first or as it says, page after page. */
export function usePictures(
  filter: Ref<PictureFilter>,
  limit = pageSize,
  enabled: () => boolean = () => true,
) {
  return useInfiniteQuery({
    queryKey: ['images', 'list', filter, limit],
    queryFn: ({ pageParam, signal }) => {
      const { sort, q } = filter.value
      const page = { limit, ...(sort && q ? { sort } : {}), ...(pageParam ? { cursor: pageParam } : {}) }
      return answered(
        api.GET('/api/v1/images', { params: { query: { ...questionOf(filter.value), ...page } }, signal }),
      )
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
    enabled,
  })
}

/** What a filter's pictures have in common, counted. */
export function useFacets(filter: () => PictureFilter) {
  const question = computed(() => questionOf(filter()))
  return useQuery({
    queryKey: ['images', 'facets', question],
    queryFn: ({ signal }) =>
      answered(api.GET('/api/v1/images/facets', { params: { query: question.value }, signal })),
    placeholderData: keepPreviousData,
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

/** What a picture was made from, nearest first, and what was made from it. */
export function useLineage(id: () => string) {
  return useQuery({
    queryKey: ['images', 'lineage', id],
    queryFn: ({ signal }) =>
      answered(api.GET('/api/v1/images/{id}/lineage', { params: { path: { id: id() } }, signal })),
  })
}

/** Pictures with a prompt or tags like those of this one. */
export function useSimilar(id: () => string) {
  return useQuery({
    queryKey: ['images', 'similar', id],
    queryFn: ({ signal }) =>
      answered(
        api.GET('/api/v1/images/{id}/similar', {
          params: { path: { id: id() }, query: { limit: 12 } },
          signal,
        }),
      ),
  })
}

/**
 * The request that draws a picture again, with its own seed and nothing left to the preset; of an enlarged picture the
 * request for the one that it was made from.
 */
export function useSettings() {
  return useMutation({
    mutationFn: async (id: string) => {
      for (let of = id; ;) {
        const params = { path: { id: of } }
        const settings = await answered(api.GET('/api/v1/images/{id}/settings', { params }))
        if (settings.kind === 'generate') {
          return settings
        }
        const { image } = settings.params
        if (!image) {
          throw new Error('what was enlarged is no picture of ours')
        }
        of = image
      }
    },
  })
}

/** Some pictures by their ids, in the order of these. */
export function usePicturesById(ids: () => readonly string[]) {
  return useQuery({
    queryKey: ['images', 'by-id', ids],
    queryFn: ({ signal }) =>
      Promise.all(
        ids().map((id) => answered(api.GET('/api/v1/images/{id}', { params: { path: { id } }, signal }))),
      ),
    enabled: () => ids().length > 0,
    placeholderData: keepPreviousData,
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
