import { describe, expect, it } from 'vitest'
import { actualSize, moved, placed, scaledAt, wholePicture, within } from '../src/images/zoom'

const frame = { width: 800, height: 400 }
const picture = { width: 200, height: 200 }

describe('zoom', () => {
  it('shows the whole picture in the middle at first', () => {
    expect(placed(wholePicture, picture, frame)).toEqual({ left: 200, top: 0, one: 2 })
    expect(actualSize(picture, frame)).toBe(0.5)
  })

  it('leaves under the pointer what was there', () => {
    const at = { x: 500, y: 120 }
    const under = (view: typeof wholePicture) => {
      const { left, top, one } = placed(view, picture, frame)
      return [(at.x - left) / one, (at.y - top) / one]
    }
    const near = scaledAt({ scale: 3, x: 0.5, y: 0.5 }, 4, at, picture, frame)
    const before = under({ scale: 3, x: 0.5, y: 0.5 })
    expect(near.scale).toBe(4)
    expect(under(near)[0]).toBeCloseTo(before[0] ?? NaN)
    expect(under(near)[1]).toBeCloseTo(before[1] ?? NaN)
  })

  it('is neither smaller than its frame nor larger than one can use', () => {
    expect(scaledAt(wholePicture, 0.1, { x: 0, y: 0 }, picture, frame)).toEqual(wholePicture)
    expect(within({ ...wholePicture, scale: 1e6 }, picture, frame).scale).toBe(8)
    expect(within({ ...wholePicture, scale: 1e6 }, { width: 8000, height: 4000 }, frame).scale).toBe(80)
  })

  it('is moved no further than its edge', () => {
    const view = { scale: 4, x: 0.5, y: 0.5 }
    const right = moved(view, { x: 1e6, y: 1e6 }, picture, frame)
    const { left, top } = placed(right, picture, frame)
    expect([left, top]).toEqual([0, 0])
    // Where there is room for all of it, it stays in the middle.
    expect(moved(wholePicture, { x: 50, y: 50 }, picture, frame)).toEqual(wholePicture)
  })

  it('shows the same part of a picture of another size', () => {
    const view = { scale: 4, x: 0.25, y: 0.75 }
    for (const other of [picture, { width: 1024, height: 1024 }]) {
      const { left, top, one } = placed(view, other, frame)
      expect((frame.width / 2 - left) / (other.width * one)).toBeCloseTo(0.25)
      expect((frame.height / 2 - top) / (other.height * one)).toBeCloseTo(0.75)
    }
  })
})
