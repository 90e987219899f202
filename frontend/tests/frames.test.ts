import { describe, expect, it } from 'vitest'
import { type Frame, frameReader } from '../src/api/frames'

const stream =
  ': hello\n\nid: 7\nevent: queued\ndata: {"job":"a"}\n\nevent: progress\r\ndata: 1\r\ndata: 2\r\n\r\ndata:x\n\n'
const frames: Frame[] = [
  { id: '7', event: 'queued', data: '{"job":"a"}' },
  { id: '7', event: 'progress', data: '1\n2' },
  { id: '7', event: 'message', data: 'x' },
]

describe('event stream', () => {
  it.each([1, 2, 3, 7, 1000])('is read alike in chunks of %i characters', (size) => {
    const seen: Frame[] = []
    const read = frameReader((frame) => seen.push(frame))
    for (let at = 0; at < stream.length; at += size) {
      read(stream.slice(at, at + size))
    }
    expect(seen).toEqual(frames)
  })

  it('keeps an unfinished event to itself', () => {
    const seen: Frame[] = []
    frameReader((frame) => seen.push(frame))('event: queued\ndata: {"job":')
    expect(seen).toEqual([])
  })
})
