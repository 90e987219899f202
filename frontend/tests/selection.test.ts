import { describe, expect, it } from 'vitest'
import {
  everything,
  extended,
  isNothing,
  isSelected,
  nothing,
  type Selection,
  stillThere,
  subjectOf,
  toggled,
} from '../src/images/selection'

const loaded = ['a', 'b', 'c', 'd', 'e']
const idsOf = (selection: Selection) => (selection.kind === 'some' ? [...selection.ids] : 'all')
const picture = (id: string, created_at: string) => ({ id, created_at })

describe('selection', () => {
  it('takes and leaves one at a time', () => {
    const one = toggled(nothing, 'b', loaded)
    expect(idsOf(one)).toEqual(['b'])
    expect(isNothing(toggled(one, 'b', loaded))).toBe(true)
  })

  it('reaches from the last one chosen, in either direction, again and again', () => {
    const range = extended(toggled(nothing, 'c', loaded), 'e', loaded)
    expect(idsOf(range)).toEqual(['c', 'd', 'e'])
    expect(idsOf(extended(range, 'a', loaded))).toEqual(['c', 'd', 'e', 'a', 'b'])
    expect(idsOf(extended(nothing, 'd', loaded))).toEqual(['d'])
  })

  it('begins anew where the beginning is in the list no more', () => {
    const left = toggled(nothing, 'x', loaded)
    expect(idsOf(extended(left, 'b', loaded))).toEqual(['x', 'b'])
    expect(idsOf(extended(left, 'y', loaded))).toEqual(['x'])
  })

  it('of all is by name where all are there', () => {
    const both = [picture('a', '2026-11-28T10:00:00Z'), picture('b', '2026-11-28T09:00:00Z')]
    expect(idsOf(everything(both, false))).toEqual(['a', 'b'])
  })

  it('of all that are not there ends with the newest that is seen', () => {
    const all = everything([picture('a', '2026-11-28T10:00:00.123456Z')], true)
    expect(all).toEqual({ kind: 'all', before: '2026-11-28T10:00:00.124Z' })
    expect(isSelected(all, 'anything')).toBe(true)
    expect(subjectOf(all, { q: 'sea' })).toEqual({ question: { q: 'sea', to: '2026-11-28T10:00:00.124Z' } })
    const early = subjectOf(all, { to: '2026-11-01' })
    expect(early).toEqual({ question: { to: new Date(2026, 10, 2).toISOString() } })
  })

  it('of all without one is what is loaded without it', () => {
    const all: Selection = { kind: 'all', before: '2026-11-28T10:00:00.000Z' }
    expect(idsOf(toggled(all, 'c', loaded))).toEqual(['a', 'b', 'd', 'e'])
  })

  it('forgets what is in the list no more', () => {
    const two = toggled(toggled(nothing, 'a', loaded), 'e', loaded)
    expect(idsOf(stillThere(two, ['a', 'b']))).toEqual(['a'])
    expect(stillThere(two, loaded)).toBe(two)
    expect(isNothing(stillThere(two, []))).toBe(true)
  })
})
