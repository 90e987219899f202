import { describe, expect, it } from 'vitest'
import { aimAt, placeAfterDrop } from '../src/jobs/drag'

const boxes = [
  { id: 'a', top: 0, bottom: 100 },
  { id: 'b', top: 110, bottom: 210 },
  { id: 'c', top: 220, bottom: 260 },
]

describe('where a drag aims', () => {
  it.each([
    [-500, { id: 'a', behind: false }],
    [49, { id: 'a', behind: false }],
    [51, { id: 'a', behind: true }],
    [104, { id: 'a', behind: true }],
    [106, { id: 'b', behind: false }],
    [900, { id: 'c', behind: true }],
  ])('at %d', (y, aim) => {
    expect(aimAt(y, boxes)).toEqual(aim)
  })

  it('is nowhere in a list of nothing', () => {
    expect(aimAt(5, [])).toBeUndefined()
  })
})

describe('the place of what is dropped', () => {
  it.each([
    ['before an earlier one', 3, 1, false, 1],
    ['behind an earlier one', 3, 1, true, 2],
    ['before a later one', 0, 2, false, 1],
    ['behind a later one', 0, 2, true, 2],
    ['behind the one before it', 2, 1, true, 2],
    ['before the one behind it', 1, 2, false, 1],
  ])('%s', (_, from, at, behind, to) => {
    expect(placeAfterDrop(from, at, behind)).toBe(to)
  })
})
