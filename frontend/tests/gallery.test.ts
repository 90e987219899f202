import { describe, expect, it } from 'vitest'
import {
  addressOf,
  chipsOf,
  modeOf,
  pictureFilterOf,
  questionOf,
  without,
  withoutTag,
  withTag,
} from '../src/images/filters'
import { columnsFor, moveInGrid } from '../src/images/grid'
import { atLeast } from '../src/images/ratings'

describe('picture filter', () => {
  it('is what the address names, and nothing else of it', () => {
    expect(pictureFilterOf({ q: ' red circle ', preset: '', job: 'x', image: 'y', by: 'z' })).toEqual({
      q: 'red circle',
      job: 'x',
    })
    expect(pictureFilterOf({ owner: ['ada', 'bob'] })).toEqual({})
  })

  it('is named by its own address', () => {
    const filter = {
      q: '"red circle" -blurry',
      tags: ['red circle', 'sea'],
      any_tags: ['day', 'night'],
      no_tags: ['fog'],
      preset: 'demo',
      rating_min: 3,
      favourite: true,
      size: '512x768',
      from: '2026-11-01',
      to: '2026-11-28',
      owner: 'ada',
      job: 'a',
      parent: 'b',
      seed: 0,
      bin: true,
      sort: 'relevance',
    } as const
    const address = addressOf({
      ...filter,
      tags: [...filter.tags],
      any_tags: ['day', 'night'],
      no_tags: ['fog'],
    })
    expect(address.tags).toBe('red circle,sea')
    expect(pictureFilterOf(address)).toEqual(filter)
    expect(addressOf({})).toEqual({})
  })

  it.each([
    ['rating_min', '6'],
    ['rating_min', '0'],
    ['rating_min', '2.5'],
    ['favourite', 'false'],
    ['bin', '1'],
    ['size', '512'],
    ['size', '0x512'],
    ['from', '2026-13-01'],
    ['from', 'today'],
    ['seed', '-1'],
    ['sort', 'oldest'],
    ['tags', ' , ,'],
  ])('does not ask for %s=%s', (name, value) => {
    expect(pictureFilterOf({ [name]: value })).toEqual({})
  })

  it('names each tag once', () => {
    expect(pictureFilterOf({ tags: 'sea, sea ,,sky' })).toEqual({ tags: ['sea', 'sky'] })
  })

  it('has a tag in one way at a time', () => {
    const some = withTag(withTag({}, 'tags', 'sea'), 'tags', 'sky')
    expect(some).toEqual({ tags: ['sea', 'sky'] })
    const other = withTag(some, 'no_tags', 'sea')
    expect(other).toEqual({ tags: ['sky'], no_tags: ['sea'] })
    expect([modeOf(other, 'sea'), modeOf(other, 'sky'), modeOf(other, 'fog')]).toEqual([
      'no_tags',
      'tags',
      undefined,
    ])
    expect(withoutTag(withoutTag(other, 'sky'), 'sea')).toEqual({})
  })

  it('asks the API for a size and for whole days of here', () => {
    const day = questionOf({
      q: 'sea',
      size: '512x768',
      from: '2026-02-28',
      to: '2026-02-28',
      sort: 'relevance',
    })
    expect(day).toEqual({
      q: 'sea',
      min_width: 512,
      max_width: 512,
      min_height: 768,
      max_height: 768,
      from: new Date(2026, 1, 28).toISOString(),
      to: new Date(2026, 2, 1).toISOString(),
    })
  })

  it('is told in parts that can be taken back one by one', () => {
    const filter = {
      q: 'x',
      tags: ['sea', 'sky'],
      no_tags: ['fog'],
      rating_min: 4,
      size: '512x768',
      bin: true as const,
    }
    const chips = chipsOf(filter)
    expect(chips.map(({ words }) => words)).toEqual([
      'Tag: sea',
      'Tag: sky',
      'None of: fog',
      'Rated 4 or higher',
      'Size: 512 × 768',
    ])
    expect(chips[0]?.rest).toEqual({ ...filter, tags: ['sky'] })
    expect(chips[2]?.rest).toEqual(without(filter, 'no_tags'))
    expect(chips[4]?.rest).toEqual(without(filter, 'size'))
  })
})

it('ratings are counted from each upwards', () => {
  const counts = atLeast([
    { value: '0', count: 7 },
    { value: '3', count: 2 },
    { value: '5', count: 1 },
  ])
  expect([...counts]).toEqual([
    [5, 1],
    [4, 1],
    [3, 3],
    [2, 3],
    [1, 3],
  ])
})

describe('keys in the grid', () => {
  it.each([
    ['ArrowRight', 0, 1],
    ['ArrowLeft', 0, undefined],
    ['ArrowRight', 9, undefined],
    ['ArrowDown', 1, 5],
    ['ArrowDown', 7, 9],
    ['ArrowDown', 8, undefined],
    ['ArrowUp', 2, undefined],
    ['ArrowUp', 9, 5],
    ['Home', 6, 0],
    ['End', 6, 9],
    ['Enter', 6, undefined],
  ])('%s leads from %d to %s of ten in rows of four', (key, from, to) => {
    expect(moveInGrid(key, from, 4, 10)).toBe(to)
  })
})

describe('columns of the gallery', () => {
  it.each([
    [358, 2],
    [1_000, 6],
    [1_392, 8],
    [0, 2],
  ])('%d px hold %d pictures', (width, count) => {
    expect(columnsFor(width, 16)).toBe(count)
  })
})
