import { describe, expect, it } from 'vitest'
import { deviceInWords, modelInWords, spanInWords } from '../src/devices/words'

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
