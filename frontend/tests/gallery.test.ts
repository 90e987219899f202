import { describe, expect, it } from 'vitest'
import { pictureFilterOf, questionOf } from '../src/images/filters'
import { columnsFor } from '../src/images/grid'

describe('picture filter', () => {
  it('is what the address names, and nothing else of it', () => {
    expect(pictureFilterOf({ q: ' red circle ', preset: '', job: 'x', image: 'y', by: 'z' })).toEqual({
      q: 'red circle',
      job: 'x',
    })
    expect(pictureFilterOf({ owner: ['ada', 'bob'] })).toEqual({})
  })

  it('asks for tags in one text, with its commas', () => {
    expect(questionOf({ tags: 'red circle,sea', owner: 'ada' })).toEqual({
      tags: ['red circle,sea'],
      owner: 'ada',
    })
    expect(questionOf({ q: 'sea' })).toEqual({ q: 'sea' })
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
