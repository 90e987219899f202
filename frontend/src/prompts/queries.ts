import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { answered, api, done } from '../api/client'
import type { Schemas } from '../api/types'

export type Style = Schemas['TemplateRecord']

const styles = ['prompt-templates']

/** The prompt templates, which people call styles. */
export function useStyles() {
  return useQuery({
    queryKey: styles,
    queryFn: ({ signal }) => answered(api.GET('/api/v1/prompt-templates', { signal })),
    refetchInterval: 60_000,
  })
}

/** Makes or changes a style. */
export function usePutStyle() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ name, body }: { name: string; body: Schemas['PutTemplate'] }) =>
      answered(api.PUT('/api/v1/prompt-templates/{name}', { params: { path: { name } }, body })),
    onSettled: () => queries.invalidateQueries({ queryKey: styles }),
  })
}

/** Forgets a style; jobs that were made with it keep their words. */
export function useForgetStyle() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (name: string) =>
      done(api.DELETE('/api/v1/prompt-templates/{name}', { params: { path: { name } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: styles }),
  })
}

/** What `__name__` may stand for in a prompt: files of the server. */
export function useWildcards() {
  return useQuery({
    queryKey: ['wildcards'],
    queryFn: ({ signal }) => answered(api.GET('/api/v1/wildcards', { signal })),
    refetchInterval: 60_000,
  })
}
