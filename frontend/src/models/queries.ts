import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { answered, api, done } from '../api/client'
import type { Schemas } from '../api/types'
import { anyRuns } from './operations'

const models = ['models']
/** Milliseconds between two looks: while something is done with a model, and else, since nobody tells of files. */
const [soon, late] = [1_000, 30_000]

/** The models directory, its catalogue, and what is done with it. */
export function useModels() {
  return useQuery({
    queryKey: models,
    queryFn: ({ signal }) => answered(api.GET('/api/v1/models', { signal })),
    refetchInterval: ({ state }) => (anyRuns(state.data) ? soon : late),
  })
}

/** Something that is done with one model; the list says what comes of it. */
function useOperation<Given, Answer>(mutationFn: (given: Given) => Promise<Answer>) {
  const queries = useQueryClient()
  return useMutation({ mutationFn, onSettled: () => queries.invalidateQueries({ queryKey: models }) })
}

const named = (name: string) => ({ params: { path: { name } } })

/** Brings a model, or goes on with what is there of it. */
export const usePull = () =>
  useOperation((name: string) => answered(api.POST('/api/v1/models/{name}/pull', named(name))))

/** Ends what brings a model; what a pull has brought stays. */
export const useCancelPull = () =>
  useOperation((name: string) => answered(api.DELETE('/api/v1/models/{name}/pull', named(name))))

/** Has a model's files read and compared with their checksums. */
export const useVerifyModel = () =>
  useOperation((name: string) => answered(api.POST('/api/v1/models/{name}/verify', named(name))))

/** Deletes a model's files. */
export const useRemoveModel = () =>
  useOperation((name: string) => done(api.DELETE('/api/v1/models/{name}', named(name))))

/** Takes in a file of the import directory. */
export const useImportModel = () =>
  useOperation((body: Schemas['ImportModel']) => answered(api.POST('/api/v1/models/import', { body })))
