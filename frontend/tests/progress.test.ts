import { describe, expect, it } from 'vitest'
import {
  laterProgress,
  percentDone,
  phaseBars,
  phases,
  type Progress,
  progressInWords,
} from '../src/jobs/progress'

const at = (change: Partial<Progress>): Progress => ({
  phase: 'sampling',
  step: 0,
  of: 20,
  index: 0,
  attempt: 1,
  ...change,
})

describe('progress', () => {
  it('is nothing before the first sighting and everything at the last step', () => {
    expect(percentDone(undefined, 1)).toBe(0)
    expect(percentDone(at({ phase: 'saving', step: 1, of: 1 }), 1)).toBe(100)
  })

  it('never falls as a picture goes through its phases', () => {
    const seen = phases.flatMap((phase) =>
      [0, 1, 2, 3, 4].map((step) => percentDone(at({ phase, step, of: 4 }), 1)),
    )
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(new Set(seen).size).toBeGreaterThan(10)
  })

  it('counts finished pictures of a batch', () => {
    expect(percentDone(at({ phase: 'loading', step: 0, index: 2 }), 4)).toBe(50)
    expect(percentDone(at({ phase: 'saving', step: 1, of: 1, index: 1 }), 4)).toBe(50)
  })

  it('does not reach 100 while a step is left', () => {
    expect(percentDone(at({ phase: 'saving', step: 999, of: 1000, index: 7 }), 8)).toBe(99)
  })

  it('gives an unknown number of steps no share', () => {
    const bar = phaseBars(at({ phase: 'decoding', step: 7, of: 0 }))
    expect(bar.map(({ done }) => done)).toEqual([1, 1, 1, 0, 0])
    expect(bar.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'now', 'ahead'])
  })

  it('keeps the later sighting, whichever comes first', () => {
    const later = [
      [at({ step: 3 }), at({ step: 4 })],
      [at({ step: 20 }), at({ phase: 'decoding', step: 0 })],
      [at({ phase: 'saving', step: 1 }), at({ phase: 'encoding', index: 1 })],
      [at({ phase: 'saving', index: 3 }), at({ phase: 'loading', attempt: 2 })],
    ] as const
    for (const [before, after] of later) {
      expect(laterProgress(before, after)).toBe(after)
      expect(laterProgress(after, before)).toBe(after)
    }
    expect(laterProgress(undefined, at({}))).toEqual(at({}))
  })

  it('says phase, step and picture', () => {
    expect(progressInWords(at({ step: 12, index: 1 }), 4)).toBe('Sampling, step 12 of 20 · picture 2 of 4')
    expect(progressInWords(at({ phase: 'loading', of: 0 }), 1)).toBe('Loading the model')
    expect(progressInWords(undefined, 1)).toBe('Starting')
  })
})
