import { describe, expect, it } from 'vitest'
import {
  cancelledInWords,
  deletedInWords,
  endedOf,
  endingsInWords,
  retriedInWords,
} from '../src/jobs/outcomes'

describe('which jobs can be deleted', () => {
  it('is those of the filter that have ended, and none where it names no state', () => {
    expect(endedOf([])).toEqual([])
    expect(endedOf(['queued', 'running'])).toEqual([])
    expect(endedOf(['queued', 'cancelled', 'failed'])).toEqual(['failed', 'cancelled'])
  })

  it('is said before it is done', () => {
    expect(endingsInWords(['succeeded'])).toBe('are done')
    expect(endingsInWords(['failed', 'cancelled'])).toBe('failed or were cancelled')
  })
})

describe('what came of a request for many', () => {
  it.each([
    [cancelledInWords({ cancelled: 3, requested: 0 }), '3 cancelled.'],
    [cancelledInWords({ cancelled: 3, requested: 1 }), '3 cancelled, 1 running one ends within seconds.'],
    [cancelledInWords({ cancelled: 0, requested: 2 }), '0 cancelled, 2 running ones end within seconds.'],
    [retriedInWords({ queued: 2, refused: 0 }), '2 queued again.'],
    [
      retriedInWords({ queued: 2, refused: 1 }),
      '2 queued again. 1 can’t be: their presets take no jobs any more.',
    ],
    [deletedInWords({ deleted: 5, kept: 0 }), '5 deleted.'],
    [
      deletedInWords({ deleted: 0, kept: 4 }),
      '0 deleted. 4 kept: their pictures exist, or their engine may not have ended.',
    ],
  ])('%s', (said, expected) => {
    expect(said).toBe(expected)
  })
})
