import { useMutation, useQueryClient } from '@tanstack/vue-query'
import { answered, api, done } from '../api/client'
import { bodyOf, type Form } from './form'

/** Creates or replaces a preset; workers offer it without a restart. */
export function usePutPreset() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (form: Form) =>
      answered(
        api.PUT('/api/v1/presets/{name}', {
          params: { path: { name: form.name.trim() } },
          // What was typed, right or wrong: the server is the one that says.
          body: bodyOf(form) as never,
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: ['presets'] }),
  })
}

/** Retires a preset: it takes no jobs any more, and what was made with it keeps naming it. */
export function useRetirePreset() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (name: string) => done(api.DELETE('/api/v1/presets/{name}', { params: { path: { name } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ['presets'] }),
  })
}
