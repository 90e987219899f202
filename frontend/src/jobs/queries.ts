import {
  keepPreviousData,
  useInfiniteQuery,
  useMutation,
  useQueries,
  useQuery,
  useQueryClient,
} from '@tanstack/vue-query'
import { computed, ref, type Ref, watch } from 'vue'
import { answered, api, done } from '../api/client'
import type { DryRun, Job, JobsOf, PauseScope, Schemas } from '../api/types'
import type { Grouping } from './activity'
import type { JobFilter } from './filters'
import { keepProgressOf } from './liveProgress'

/** Counts, running jobs and waiting jobs. */
export function useQueue() {
  const queue = useQuery({
    queryKey: ['queue'],
    queryFn: ({ signal }) => answered(api.GET('/api/v1/queue', { signal })),
    // Events refresh it; this is for the event that was lost, and for estimates, which grow old without one.
    refetchInterval: 10_000,
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

const pageSize = 50

/** A filter's jobs, newest first, page after page. */
export function useJobs(filter: Ref<JobFilter>) {
  return useInfiniteQuery({
    queryKey: ['jobs', 'list', filter],
    queryFn: ({ pageParam, signal }) => {
      const { states, ...rest } = filter.value
      const cursor = pageParam ? { cursor: pageParam } : {}
      return answered(
        api.GET('/api/v1/jobs', {
          params: {
            query: { ...rest, ...(states.length > 0 ? { state: states } : {}), limit: pageSize, ...cursor },
          },
          signal,
        }),
      )
    },
    initialPageParam: '',
    getNextPageParam: (page) => page.next ?? undefined,
    enabled: () => filter.value.states.length > 0,
  })
}

const shown = (id: string, signal: AbortSignal) =>
  answered(api.GET('/api/v1/jobs/{id}', { params: { path: { id } }, signal }))

/** Jobs by their ids, those that have arrived: for what no list has, such as what helps another. */
export function useJobsById(ids: () => readonly string[]) {
  return useQueries({
    queries: computed(() =>
      ids().map((id) => ({
        queryKey: ['job', id],
        queryFn: ({ signal }: { signal: AbortSignal }) => shown(id, signal),
      })),
    ),
    combine: (results) => results.flatMap(({ data }) => data ?? []),
  })
}

/** A job with its attempts and pictures. */
export function useJob(id: Ref<string | undefined>) {
  return useQuery({
    queryKey: ['job', id],
    queryFn: ({ signal }) => shown(id.value ?? '', signal),
    enabled: () => id.value !== undefined,
    refetchInterval: 30_000,
  })
}

/** What ended in the last hour, counted; columns pass without an event, hence the interval. */
export function useActivity(by: Ref<Grouping | 'owner'>, filter: Ref<JobFilter>) {
  return useQuery({
    queryKey: ['activity', by, filter],
    queryFn: ({ signal }) => {
      const { states: _, ...rest } = filter.value
      const query = { by: by.value, ...rest }
      return answered(api.GET('/api/v1/queue/activity', { params: { query }, signal }))
    },
    placeholderData: keepPreviousData,
    refetchInterval: 10_000,
  })
}

/** Whose jobs ended in the last hour. */
export function useRecentOwners() {
  return useActivity(ref<'owner'>('owner'), ref({ states: [] }))
}

/** Asks for a job's end; what follows is told by events. */
export function useCancel() {
  return useMutation({
    mutationFn: (id: string) => answered(api.POST('/api/v1/jobs/{id}/cancel', { params: { path: { id } } })),
  })
}

/** Which failed jobs are meant. */
export type FailedOf = Partial<Pick<JobsOf, 'preset' | 'owner' | 'failure'>>

/** A page of failed jobs, newest first. */
function failedPage(of: FailedOf, cursor: string | null | undefined, signal?: AbortSignal) {
  const query = { ...of, state: ['failed' as const], limit: 200, ...(cursor ? { cursor } : {}) }
  return answered(api.GET('/api/v1/jobs', { params: { query }, ...(signal ? { signal } : {}) }))
}

/** Pages of failed jobs that are looked at to sort them by what they met. */
const failedPages = 5

/** The latest failed jobs of a filter, and whether these are all. */
export function useFailed(of: Ref<FailedOf>) {
  return useQuery({
    queryKey: ['jobs', 'failed', of],
    queryFn: async ({ signal }) => {
      const jobs: Job[] = []
      let cursor: string | null | undefined
      for (let page = 0; page < failedPages; page += 1) {
        const answer = await failedPage(of.value, cursor, signal)
        jobs.push(...answer.jobs)
        cursor = answer.next
        if (!cursor) {
          break
        }
      }
      return { jobs, all: !cursor }
    },
    placeholderData: keepPreviousData,
  })
}

/** Changes a waiting job's priority. */
export function useReprioritise() {
  return useMutation({
    mutationFn: ({ id, priority }: { id: string; priority: number }) =>
      answered(api.PATCH('/api/v1/jobs/{id}', { params: { path: { id } }, body: { priority } })),
  })
}

export interface Stop {
  scope: PauseScope
  name?: string
  release?: boolean
}

/** What an operator has stopped. No event tells it, hence the interval. */
export function usePauses() {
  return useQuery({
    queryKey: ['pauses'],
    queryFn: ({ signal }) => answered(api.GET('/api/v1/pauses', { signal })),
    refetchInterval: 10_000,
  })
}

/** Stops the queue or a part of it, and lets it go on. */
export function usePausing() {
  const queries = useQueryClient()
  const onSettled = () =>
    Promise.all(
      [['pauses'], ['queue'], ['devices']].map((queryKey) => queries.invalidateQueries({ queryKey })),
    )
  return {
    pause: useMutation({
      mutationFn: (stop: Stop) => answered(api.POST('/api/v1/pauses', { body: stop })),
      onSettled,
    }),
    resume: useMutation({
      mutationFn: ({ scope, name }: Stop) =>
        done(
          api.DELETE('/api/v1/pauses', {
            params: { query: { scope, ...(name === undefined ? {} : { name }) } },
          }),
        ),
      onSettled,
    }),
  }
}

/** A picture job to submit: what is absent has the preset's default, and the server draws the seed. */
export type Request = { preset: string } & Schemas['GenerateRequest']

/** Submits a job; it may be one that was submitted before under the same key. */
async function submitted(body: Schemas['SubmitJob'], key?: string): Promise<Job> {
  const params = key === undefined ? {} : { header: { 'Idempotency-Key': key } }
  const made = await answered(api.POST('/api/v1/jobs', { params, body }))
  if (!('id' in made)) {
    throw new Error('the answer to a submission is a job')
  }
  return made
}

const bodyOf = ({ preset, ...params }: Request) => ({ kind: 'generate' as const, preset, params })

/** Submits a picture job. */
export function useSubmit() {
  return useMutation({
    mutationFn: ({ request, key }: { request: Request; key: string }) => submitted(bodyOf(request), key),
  })
}

/** Has a picture enlarged. */
export function useEnlarge() {
  return useMutation({
    mutationFn: ({ preset, image, key }: { preset: string; image: string; key: string }) =>
      submitted({ kind: 'upscale', preset, params: { image } }, key),
  })
}

/** Has a language model write a prompt out; the prompt stays as it is, and the words are the job's result. */
export function useEnhance() {
  return useMutation({
    mutationFn: (prompt: string) => submitted({ kind: 'enhance', params: { prompt } }),
  })
}

/** What would come of a request now, told anew while the queue moves. */
export function useDryRun(request: Ref<Request | undefined>) {
  return useQuery({
    queryKey: ['dry-run', request],
    queryFn: async ({ signal }): Promise<DryRun> => {
      const asked = request.value
      if (!asked) {
        throw new Error('nothing is asked')
      }
      const params = { query: { dry_run: true } }
      const told = await answered(api.POST('/api/v1/jobs', { params, body: bodyOf(asked), signal }))
      if ('id' in told) {
        throw new Error('a dry run makes no job')
      }
      return told
    },
    enabled: () => request.value !== undefined,
    placeholderData: keepPreviousData,
    refetchInterval: 5_000,
  })
}

/** The presets, with what each worker says of them: no event tells of that, hence the interval, in milliseconds. */
export function usePresets(interval = 60_000) {
  return useQuery({
    queryKey: ['presets'],
    queryFn: ({ signal }) => answered(api.GET('/api/v1/presets', { signal })),
    refetchInterval: interval,
  })
}
