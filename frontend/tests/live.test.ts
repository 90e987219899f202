import { describe, expect, it } from 'vitest'
import { everything, staleAfter, staleAfterChanges } from '../src/api/topics'
import { keepProgressOf, noteProgress, progressOf } from '../src/jobs/liveProgress'

describe('live progress', () => {
  const at = (step: number) => ({ phase: 'sampling', step, of: 20, index: 0, attempt: 1 }) as const

  it('never goes back and is forgotten with its job', () => {
    noteProgress('a', at(5))
    noteProgress('a', at(4))
    expect(progressOf('a', at(3))).toEqual(at(5))
    expect(progressOf('a', at(6))).toEqual(at(6))
    keepProgressOf(['b'])
    expect(progressOf('a', null)).toBeUndefined()
  })
})

describe('stale topics', () => {
  it('are few for events that the page knows and all for others', () => {
    expect(staleAfter('tagged')).toEqual(['images'])
    expect(staleAfter('something_new')).toEqual(everything)
    expect(staleAfterChanges(['pauses', 'images'])).toEqual(['queue', 'pauses', 'images'])
    expect(staleAfterChanges(['something_new'])).toEqual(everything)
    expect(staleAfterChanges([])).toEqual(everything)
  })
})
