import { describe, expect, it } from 'vitest'
import { countInWords, durationInWords } from '../src/app/time'

describe('durations', () => {
  it.each([
    [-5, '0 ms'],
    [850, '850 ms'],
    [4_240, '4.2 s'],
    [9_960, '10 s'],
    [59_600, '1 min'],
    [200_000, '3 min 20 s'],
    [3_600_000, '1 h'],
    [7_500_000, '2 h 5 min'],
    [90_000_000, '1 d 1 h'],
  ])('%d ms are %s', (ms, words) => {
    expect(durationInWords(ms)).toBe(words)
  })

  it('count in whole seconds', () => {
    expect(countInWords(4_240)).toBe('4 s')
    expect(countInWords(61_000)).toBe('1 min 1 s')
  })
})
