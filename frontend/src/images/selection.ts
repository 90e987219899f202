import type { Picture } from '../api/types'
import type { Subject } from './bulk'
import { type PictureFilter, questionOf } from './filters'

/** The pictures that are chosen to be changed together. */
export type Selection =
  | { kind: 'some'; ids: ReadonlySet<string>; /** Where a range begins. */ anchor?: string }
  /** All of the filter that were made before; loaded or not. */
  | { kind: 'all'; before: string }

export const nothing: Selection = { kind: 'some', ids: new Set() }

export const isSelected = (selection: Selection, id: string): boolean =>
  selection.kind === 'all' || selection.ids.has(id)

export const isNothing = (selection: Selection): boolean =>
  selection.kind === 'some' && selection.ids.size === 0

/** Of all, those that are there to be named: what is chosen one by one is chosen among these. */
const named = (selection: Selection, loaded: readonly string[]): ReadonlySet<string> =>
  selection.kind === 'all' ? new Set(loaded) : selection.ids

/** With this picture where it was without, and without it where it was with. */
export function toggled(selection: Selection, id: string, loaded: readonly string[]): Selection {
  const ids = new Set(named(selection, loaded))
  if (!ids.delete(id)) {
    ids.add(id)
  }
  return { kind: 'some', ids, anchor: id }
}

/** With all from the last one chosen to this one; the beginning stays for the next range. */
export function extended(selection: Selection, id: string, loaded: readonly string[]): Selection {
  const anchor = selection.kind === 'some' ? selection.anchor : undefined
  const [from, to] = [loaded.indexOf(anchor ?? id), loaded.indexOf(id)]
  if (to < 0) {
    return selection
  }
  const range = from < 0 ? [id] : loaded.slice(Math.min(from, to), Math.max(from, to) + 1)
  return {
    kind: 'some',
    ids: new Set([...named(selection, loaded), ...range]),
    anchor: from < 0 ? id : (anchor ?? id),
  }
}

/** All of the filter: by name where all are loaded, else all that were made until the newest of them. */
export function everything(loaded: readonly Pick<Picture, 'id' | 'created_at'>[], more: boolean): Selection {
  if (!more) {
    return { kind: 'some', ids: new Set(loaded.map(({ id }) => id)) }
  }
  const newest = Math.max(...loaded.map(({ created_at }) => Date.parse(created_at)))
  // The API's times are finer than ours, and "before" is without the moment itself.
  return { kind: 'all', before: new Date(newest + 1).toISOString() }
}

/** The selection without what is in the list no more. */
export function stillThere(selection: Selection, loaded: readonly string[]): Selection {
  if (selection.kind === 'all' || loaded.length === 0) {
    return selection.kind === 'all' ? selection : nothing
  }
  const there = new Set(loaded)
  const ids = [...selection.ids].filter((id) => there.has(id))
  return ids.length === selection.ids.size ? selection : { ...selection, ids: new Set(ids) }
}

/** What a change of the selection is about, in the API's terms. */
export function subjectOf(selection: Selection, filter: PictureFilter): Subject {
  if (selection.kind === 'some') {
    return { ids: [...selection.ids] }
  }
  const question = questionOf(filter)
  const { before } = selection
  return { question: { ...question, to: question.to && question.to < before ? question.to : before } }
}
