import { describe, expect, it } from 'vitest'
import { type DeviceMemory, memoryInWords, mibInWords, nextTakes, splitMemory } from '../src/devices/memory'

const device: DeviceMemory = { total: 8192, capacity: 7680, resident: 2000, working: 1000, others: 500 }
const figures = (memory: DeviceMemory) =>
  Object.fromEntries(splitMemory(memory).map(({ part, mib }) => [part, mib]))

describe('memory bar', () => {
  it('splits a device into what each part takes', () => {
    expect(figures(device)).toEqual({
      residents: 2000,
      working: 1000,
      others: 500,
      next: 0,
      free: 4180,
      reserve: 512,
    })
  })

  it('takes what the next job needs out of what is free, and no more', () => {
    const withNext = (mib: number) =>
      Object.fromEntries(splitMemory(device, mib).map(({ part, mib }) => [part, mib]))
    expect(withNext(180)).toMatchObject({ next: 180, free: 4000, reserve: 512 })
    expect(withNext(9000)).toMatchObject({ next: 4180, free: 0, reserve: 512 })
  })

  it.each([
    ['nothing booked', { resident: 0, working: 0, others: 0 }],
    ['others beyond what is left', { others: 9000 }],
    ['others into the reserve', { resident: 7000, working: 680, others: 300 }],
    ['bookings up to capacity', { resident: 7680, working: 0, others: 0 }],
    ['more booked than there is', { resident: 9000, working: 9000, others: 9000 }],
    ['negative telemetry', { others: -40 }],
  ])('adds up to the total with %s', (_, change) => {
    const segments = splitMemory({ ...device, ...change })
    expect(segments.reduce((sum, { mib }) => sum + mib, 0)).toBe(8192)
    expect(segments.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
    expect(segments.every(({ mib }) => mib >= 0)).toBe(true)
  })

  it('counts a model that is loaded already as taken', () => {
    const next = { need: 145, preset: 'demo' }
    expect(nextTakes(next, [{ preset: 'demo', booked: 113, state: 'ready' }])).toBe(32)
    expect(nextTakes(next, [{ preset: 'demo', booked: 113, state: 'evicting' }])).toBe(145)
    expect(nextTakes(next, [{ preset: 'other', booked: 113, state: 'ready' }])).toBe(145)
    expect(nextTakes(next, [{ preset: 'demo', booked: 200, state: 'ready' }])).toBe(0)
  })

  it('lets others eat into the reserve, never into bookings', () => {
    expect(figures({ ...device, resident: 7000, working: 680, others: 300 })).toEqual({
      residents: 7000,
      working: 680,
      others: 300,
      next: 0,
      free: 0,
      reserve: 212,
    })
  })

  it('draws nothing for a device without memory', () => {
    const nothing = { total: 0, capacity: 0, resident: 0, working: 0, others: 0 }
    expect(splitMemory(nothing).every(({ share }) => share === 0)).toBe(true)
  })

  it.each([
    [0, '0 MiB'],
    [1023, '1023 MiB'],
    [1024, '1 GiB'],
    [6656, '6.5 GiB'],
  ])('writes %i MiB as %s', (mib, words) => {
    expect(mibInWords(mib)).toBe(words)
  })

  it('says the whole bar in one sentence and leaves out what is empty', () => {
    expect(memoryInWords('studio', { ...device, working: 0 })).toBe(
      'Memory of studio, 8 GiB: models 2 GiB, others 500 MiB, free 5.1 GiB, kept back 512 MiB',
    )
  })
})
