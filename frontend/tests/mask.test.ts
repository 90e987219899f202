import { describe, expect, it } from 'vitest'
import { boxOfPercent, Mask, maskSize } from '../src/jobs/mask'

const drawn = (mask: Mask) =>
  Array.from({ length: mask.height }, (_, y) =>
    Array.from({ length: mask.width }, (_, x) => (mask.has(x, y) ? '#' : '.')).join(''),
  )

describe('mask', () => {
  it('has a round brush that leaves no gap between two points, and is cut at the edges', () => {
    const mask = new Mask(8, 5)
    mask.begin()
    const box = mask.stroke({ x: 2.5, y: 2.5 }, { x: 7.5, y: 2.5 }, 1.2, true)
    expect(drawn(mask)).toEqual(['........', '..######', '.#######', '..######', '........'])
    expect(box).toEqual({ left: 1, top: 1, right: 8, bottom: 5 })
    mask.stroke({ x: -20, y: -20 }, { x: -30, y: -20 }, 2, true)
    expect(mask.share).toBe(19 / 40)
  })

  it('erases with the same brush', () => {
    const mask = new Mask(4, 1)
    mask.fill(mask.whole, true)
    mask.stroke({ x: 0.5, y: 0.5 }, { x: 0.5, y: 0.5 }, 0.5, false)
    expect(drawn(mask)).toEqual(['.###'])
  })

  it('takes back step by step to what was there first', () => {
    const mask = new Mask(3, 1)
    expect(mask.canUndo).toBe(false)
    mask.fill({ left: 0, top: 0, right: 1, bottom: 1 }, true)
    mask.invert()
    mask.fill(mask.whole, false)
    expect(drawn(mask)).toEqual(['...'])
    mask.undo()
    expect(drawn(mask)).toEqual(['.##'])
    mask.undo()
    expect(drawn(mask)).toEqual(['#..'])
    mask.undo()
    mask.undo()
    expect(drawn(mask)).toEqual(['...'])
    expect(mask.canUndo).toBe(false)
  })

  it('forgets the oldest of many steps', () => {
    const mask = new Mask(2, 1)
    for (let step = 0; step < 40; step += 1) {
      mask.invert()
    }
    let steps = 0
    while (mask.canUndo) {
      mask.undo()
      steps += 1
    }
    expect(steps).toBe(32)
  })

  it('becomes pixels and is the same again when made of them', () => {
    const mask = new Mask(3, 2)
    mask.fill({ left: 1, top: 0, right: 3, bottom: 1 }, true)
    const data = mask.pixels(mask.whole, (on) => (on ? [255, 255, 255, 255] : [0, 0, 0, 255]))
    expect([...data.slice(0, 8)]).toEqual([0, 0, 0, 255, 255, 255, 255, 255])
    expect(drawn(Mask.ofPixels({ width: 3, height: 2, data }))).toEqual(['.##', '...'])
    expect([
      ...mask.pixels({ left: 1, top: 0, right: 2, bottom: 2 }, (on, x, y) => [Number(on), x, y, 9]),
    ]).toEqual([1, 1, 0, 9, 0, 1, 1, 9])
  })

  it.each([
    [640, 480, { width: 640, height: 480 }],
    [4096, 2048, { width: 1024, height: 512 }],
    [5000, 1, { width: 1024, height: 1 }],
  ])('for a picture of %i × %i has its proportion', (width, height, size) => {
    expect(maskSize(width, height)).toEqual(size)
  })

  it('has rectangles by shares of its sides', () => {
    const mask = new Mask(200, 100)
    expect(boxOfPercent(mask, [25, 10, 50, 80])).toEqual({ left: 50, top: 10, right: 150, bottom: 90 })
    expect(boxOfPercent(mask, [50, 50, 100, 100])).toEqual({ left: 100, top: 50, right: 200, bottom: 100 })
    expect(boxOfPercent(mask, [0, 0, 0, 50])).toBeUndefined()
    expect(boxOfPercent(mask, [-1, 0, 50, 50])).toBeUndefined()
    expect(boxOfPercent(mask, [NaN, 0, 50, 50])).toBeUndefined()
  })
})
