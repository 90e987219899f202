import type { QueryClient } from '@tanstack/vue-query'
import type { Picture } from '../api/types'

interface Page {
  images: (Picture | { image: Picture })[]
}

/** What a change makes of a picture; nothing takes it out of lists. */
export type Change = (picture: Picture) => Picture | undefined

function changedIn(entries: Page['images'], ids: ReadonlySet<string>, change: Change): Page['images'] {
  return entries.flatMap((entry) => {
    const picture = 'image' in entry ? entry.image : entry
    if (!ids.has(picture.id)) {
      return [entry]
    }
    const changed = change(picture)
    return changed ? ['image' in entry ? { ...entry, image: changed } : changed] : []
  })
}

/** A query's data with these pictures changed, whichever shape of answer they are in; all else is left as it is. */
export function withChange(data: unknown, ids: ReadonlySet<string>, change: Change): unknown {
  if (typeof data !== 'object' || data === null) {
    return data
  }
  if (Array.isArray(data)) {
    return data.map((one) => withChange(one, ids, change))
  }
  if ('pages' in data) {
    const pages = (data.pages as Page[]).map((page) => withChange(page, ids, change))
    return { ...data, pages }
  }
  if ('images' in data) {
    return { ...data, images: changedIn(data.images as Page['images'], ids, change) }
  }
  if ('id' in data && ids.has(data.id as string)) {
    return change(data as Picture) ?? data
  }
  return data
}

/** Shows a change before the server has answered; what is fetched afterwards has the last word. */
export async function changeCached(
  queries: QueryClient,
  ids: readonly string[],
  change: Change,
): Promise<void> {
  // An answer that is older than the change must not take it back.
  await queries.cancelQueries({ queryKey: ['images'] })
  const these = new Set(ids)
  queries.setQueriesData({ queryKey: ['images'] }, (data: unknown) => withChange(data, these, change))
}
