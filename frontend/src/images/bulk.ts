import { answered, api, slowly } from '../api/client'
import type { BulkAction, BulkChanged } from './actions'
import type { Question } from './filters'

/** What a change of many is about: some by their ids, or all that a question finds. */
export type Subject = { ids: readonly string[] } | { question: Question }

/** Ids that one request may name. */
const atOnce = 500

/** Does one thing with many pictures, some hundred at a time; with `bin` those in the bin are meant. */
export async function changeMany(subject: Subject, action: BulkAction, bin = false): Promise<BulkChanged> {
  const inBin = bin ? { bin: true } : {}
  const questions =
    'question' in subject
      ? [{ ...subject.question, ...inBin }]
      : Array.from({ length: Math.ceil(subject.ids.length / atOnce) }, (_, part) => ({
          ids: subject.ids.slice(part * atOnce, (part + 1) * atOnce),
          ...inBin,
        }))
  const sum = { matched: 0, changed: 0 }
  for (const query of questions) {
    const { matched, changed } = await answered(
      api.POST('/api/v1/images/bulk', { params: { query }, body: action, fetch: slowly }),
    )
    sum.matched += matched
    sum.changed += changed
  }
  return sum
}

/** The pictures of a question that went into the bin then or later. */
export async function binnedSince(question: Question, since: string): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | null | undefined
  do {
    const query = { ...question, bin: true, limit: 200, ...(cursor ? { cursor } : {}) }
    const page = await answered(api.GET('/api/v1/images', { params: { query } }))
    const those = page.images.filter(
      ({ binned_at }) => binned_at && Date.parse(binned_at) >= Date.parse(since),
    )
    ids.push(...those.map(({ id }) => id))
    cursor = page.next
  } while (cursor)
  return ids
}
