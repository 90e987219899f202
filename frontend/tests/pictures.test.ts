import { describe, expect, it } from 'vitest'
import type { Picture } from '../src/api/types'
import { foreseen, outcomeInWords } from '../src/images/actions'
import { withChange } from '../src/images/cached'
import { compared, comparedIn } from '../src/images/compare'
import { beside } from '../src/images/grid'

const picture = (id: string, change: object = {}, params: object = {}) =>
  ({
    id,
    seed: 1,
    width: 512,
    height: 512,
    preset: 'demo',
    plan: 'full',
    rating: 0,
    favourite: false,
    params: { prompt: 'sea', negative_prompt: '', steps: 20, cfg: 7, batch: 1, ...params },
    ...change,
  }) as Picture

describe('a change that is shown before it is answered', () => {
  const mark = foreseen({ action: 'mark', rating: 4 }) ?? (() => undefined)
  const bin = foreseen({ action: 'bin' }) ?? (() => undefined)
  const [a, b] = [picture('a'), picture('b', { favourite: true })]

  it('is in every list, and in the picture itself', () => {
    const pages = withChange({ pages: [{ images: [a], next: 'x' }, { images: [b] }] }, new Set(['b']), mark)
    expect(pages).toEqual({ pages: [{ images: [a], next: 'x' }, { images: [{ ...b, rating: 4 }] }] })
    const alike = withChange({ images: [{ image: a, tags: 0.5 }] }, new Set(['a']), mark)
    expect(alike).toEqual({ images: [{ image: { ...a, rating: 4 }, tags: 0.5 }] })
    expect(withChange(a, new Set(['a']), mark)).toEqual({ ...a, rating: 4 })
    expect(withChange([a, b], new Set(['a']), mark)).toEqual([{ ...a, rating: 4 }, b])
  })

  it('takes what is gone out of lists, and leaves it where it is looked at', () => {
    expect(withChange({ images: [a, b] }, new Set(['a']), bin)).toEqual({ images: [b] })
    expect(withChange(a, new Set(['a']), bin)).toEqual(a)
  })

  it('leaves all else alone', () => {
    const counts = { counted: 3, tags: [] }
    expect(withChange(counts, new Set(['a']), mark)).toEqual(counts)
    expect(withChange(undefined, new Set(['a']), mark)).toBeUndefined()
    expect(foreseen({ action: 'tag', tags: ['sea'] })).toBeUndefined()
  })
})

describe('what came of a change', () => {
  it.each([
    [{ action: 'bin' } as const, 1, 1, '1 picture is in the bin.'],
    [{ action: 'bin' } as const, 3, 3, '3 pictures are in the bin.'],
    [
      { action: 'delete' } as const,
      3,
      2,
      '2 pictures deleted for good. 1 picture stayed as before: jobs are still at work.',
    ],
    [{ action: 'retag' } as const, 2, 2, '2 pictures are being tagged anew.'],
  ])('%o of %d', (action, matched, changed, words) => {
    expect(outcomeInWords(action, { matched, changed })).toBe(words)
  })
})

describe('comparing', () => {
  it('is of two to four, each once', () => {
    expect(comparedIn('a,b,a,,c,d,e')).toEqual(['a', 'b', 'c', 'd'])
    expect(comparedIn(undefined)).toEqual([])
  })

  it('marks what differs, also where one has no such parameter', () => {
    const rows = compared([
      picture('a', {}, { loras: [{ name: 'ink', weight: 0.5 }] }),
      picture('b', { seed: 2 }),
    ])
    const different = rows.filter(({ differs }) => differs)
    expect(different).toEqual([
      { name: 'Seed', values: ['1', '2'], differs: true },
      { name: 'LoRAs', values: ['ink 0.5', undefined], differs: true },
    ])
    expect(rows.find(({ name }) => name === 'Steps')?.differs).toBe(false)
  })
})

describe('neighbours', () => {
  const ids = ['a', 'b', 'c']
  it.each([
    ['b', 1, { before: 0, behind: 2 }],
    ['a', 0, { behind: 1 }],
    ['c', 2, { before: 1 }],
    ['gone from the middle', 1, { before: 0, behind: 1 }],
    ['gone from the end', 3, { before: 2 }],
    ['never there', -1, {}],
  ])('of %s, last at %d', (id, last, places) => {
    expect(beside(ids, id, last)).toEqual(places)
  })
})
