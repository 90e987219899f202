import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { answered, api, done } from '../api/client'

const settings = ['settings']
const aliases = ['tag-aliases']
const keys = ['keys']

/** What you want unless a request says otherwise. */
export function useSettings() {
  return useQuery({
    queryKey: settings,
    queryFn: ({ signal }) => answered(api.GET('/api/v1/settings', { signal })),
  })
}

/** Says whether pictures are tagged; null leaves it to the server's configuration. */
export function useAutoTag() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (auto_tag: boolean | null) => answered(api.PUT('/api/v1/settings', { body: { auto_tag } })),
    onSettled: () => queries.invalidateQueries({ queryKey: settings }),
  })
}

/** Tags that are written as others. */
export function useAliases() {
  return useQuery({
    queryKey: aliases,
    queryFn: ({ signal }) => answered(api.GET('/api/v1/tag-aliases', { signal })),
  })
}

/** Has a tag written as another from now on. */
export function usePutAlias() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ alias, tag }: { alias: string; tag: string }) =>
      answered(api.PUT('/api/v1/tag-aliases/{alias}', { params: { path: { alias } }, body: { tag } })),
    onSettled: () =>
      Promise.all([aliases, ['images']].map((queryKey) => queries.invalidateQueries({ queryKey }))),
  })
}

/** Has a tag written as it is again. */
export function useForgetAlias() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (alias: string) =>
      done(api.DELETE('/api/v1/tag-aliases/{alias}', { params: { path: { alias } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: aliases }),
  })
}

/** Who may come in. */
export function useKeys() {
  return useQuery({
    queryKey: keys,
    queryFn: ({ signal }) => answered(api.GET('/api/v1/keys', { signal })),
  })
}

/** Makes a key for a name; the answer alone shows it. */
export function useCreateKey() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (name: string) => answered(api.POST('/api/v1/keys', { body: { name } })),
    onSettled: () => queries.invalidateQueries({ queryKey: keys }),
  })
}

/** Lets nobody in with a name's key any more. */
export function useRevokeKey() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (name: string) => done(api.DELETE('/api/v1/keys/{name}', { params: { path: { name } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: keys }),
  })
}
