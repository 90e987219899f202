import { useMutation, useQueryClient } from '@tanstack/vue-query'
import { answered, api, done, slowly } from '../api/client'
import type { JobsOf } from '../api/types'
import type { JobFilter } from './filters'

/** Something that is done with jobs; the lists and counts that it changes are asked for anew. */
function useJobChange<Given, Answer>(mutationFn: (given: Given) => Promise<Answer>) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn,
    onSettled: () =>
      Promise.all(
        [['queue'], ['jobs'], ['activity']].map((queryKey) => queries.invalidateQueries({ queryKey })),
      ),
  })
}

const one = (id: string) => ({ params: { path: { id } } })

/** Asks for the end of a filter's jobs that have not ended. */
export const useCancelAll = () =>
  useJobChange(({ states, ...rest }: JobFilter) =>
    answered(
      api.POST('/api/v1/jobs/cancel', { params: { query: { state: states, ...rest } }, fetch: slowly }),
    ),
  )

/** Queues a failed job again. */
export const useRetry = () =>
  useJobChange((id: string) => answered(api.POST('/api/v1/jobs/{id}/retry', one(id))))

/** Queues all failed jobs of a filter again. */
export const useRetryAll = () =>
  useJobChange((of: Omit<JobsOf, 'state'>) => {
    const query: JobsOf = { ...of, state: ['failed'] }
    return answered(api.POST('/api/v1/jobs/retry', { params: { query }, fetch: slowly }))
  })

/** Deletes a job that has ended and has no picture. */
export const useDelete = () => useJobChange((id: string) => done(api.DELETE('/api/v1/jobs/{id}', one(id))))

/** Deletes a filter's jobs that have ended; those with pictures are kept. */
export const useDeleteAll = () =>
  useJobChange((query: JobsOf) =>
    answered(api.POST('/api/v1/jobs/delete', { params: { query }, fetch: slowly })),
  )
