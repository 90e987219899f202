import { describe, expect, it } from 'vitest'
import { deviceInWords, modelInWords, sizesInWords, spanInWords, workerInWords } from '../src/devices/words'

describe('devices in words', () => {
  it.each([
    [0, '0 s'],
    [59.4, '59 s'],
    [60, '1 min'],
    [3599, '1 h'],
    [7300, '2 h'],
  ])('%d seconds are %s', (seconds, words) => {
    expect(spanInWords(seconds)).toBe(words)
  })

  it('tells a model at work from an idle one', () => {
    const model = { preset: 'demo', state: 'ready', booked: 321, idle_s: 12 }
    expect(modelInWords(model, false)).toBe('321 MiB · loaded, idle for 12 s')
    expect(modelInWords(model, true)).toBe('321 MiB · loaded, at work')
    expect(modelInWords({ ...model, state: 'loading' }, false)).toBe('321 MiB · loading')
  })

  it('says only what the device knows', () => {
    const card = { host: 'studio', kind: 'cuda', turns: 2, turns_taken: 1 }
    expect(deviceInWords(card)).toBe('studio · 1 of 2 turns taken')
    expect(deviceInWords({ ...card, utilisation: 0, temperature: 61, power: 312 })).toBe(
      'studio · 1 of 2 turns taken · 0 % busy · 61 °C · 312 W',
    )
  })
})

describe('workers in words', () => {
  const now = Date.parse('2026-01-01T00:01:00Z')
  const worker = { state: 'ready', beat_at: '2026-01-01T00:00:57Z', gone_at: null }

  it.each([
    [{}, 'well', 'Ready, heard 3 s ago'],
    [{ state: 'draining' }, 'ending', 'Draining: it ends after what it runs'],
    [{ beat_at: '2026-01-01T00:00:20Z' }, 'silent', 'Silent for 40 s'],
    [{ state: 'gone', beat_at: '2026-01-01T00:00:20Z' }, 'gone', 'Gone, last heard 40 s ago'],
  ])('%j is %s', (change, health, words) => {
    expect(workerInWords({ ...worker, ...change }, now)).toEqual({ health, words })
  })
})

describe('sizes in words', () => {
  it('are squares as large as the pictures, and text has none', () => {
    expect(sizesInWords({ pixels_from: 16_384, pixels_below: 23_171 })).toBe(
      'Pictures as large as 128 × 128 to 152 × 152',
    )
    expect(sizesInWords({ pixels_from: null, pixels_below: null })).toBe('Text')
  })
})
