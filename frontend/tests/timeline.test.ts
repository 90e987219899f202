import { describe, expect, it } from 'vitest'
import { eventInWords } from '../src/jobs/events'
import { spansOf, waitAndRun } from '../src/jobs/timeline'

const at = (ms: number) => new Date(ms).toISOString()
const attempt = {
  attempt: 1,
  worker: 'w',
  device: 'studio/cpu',
  plan: 'full',
  started_at: at(1_000),
  finished_at: at(6_000),
} as const

describe('spans of an attempt', () => {
  it('add up to its length, with what no phase has claimed', () => {
    const times = { loading_ms: 1_000, encoding_ms: 0, sampling_ms: 3_000, decoding_ms: 500, saving_ms: 100 }
    expect(spansOf({ ...attempt, times }, 9_000)).toEqual([
      { part: 'loading', ms: 1_000 },
      { part: 'sampling', ms: 3_000 },
      { part: 'decoding', ms: 500 },
      { part: 'saving', ms: 100 },
      { part: 'other', ms: 400 },
    ])
  })

  it('go on while it goes on', () => {
    expect(spansOf({ ...attempt, finished_at: null }, 9_000)).toEqual([{ part: 'running', ms: 8_000 }])
  })
})

describe('wait and run', () => {
  it('split a job’s life, several attempts together', () => {
    const attempts = [attempt, { started_at: at(10_000), finished_at: null }]
    expect(waitAndRun({ created_at: at(0), finished_at: null }, attempts, 12_000)).toEqual({
      wait: 5_000,
      run: 7_000,
    })
    expect(waitAndRun({ created_at: at(0), finished_at: at(8_000) }, [], 99_000)).toEqual({
      wait: 8_000,
      run: 0,
    })
  })
})

describe('events in words', () => {
  it.each([
    ['leased', { device: 'studio/cpu', plan: 'vae_tiling' }, 'Given to studio/cpu, VAE tiled'],
    ['leased', { device: 'studio/cpu', plan: 'full' }, 'Given to studio/cpu'],
    ['image', { index: 0 }, 'Picture 1 saved'],
    ['reprioritised', { priority: -3 }, 'Priority is now −3'],
    ['something_new', null, 'something new'],
  ])('%s', (kind, data, words) => {
    expect(eventInWords({ kind, data })).toBe(words)
  })
})
