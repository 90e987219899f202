import { describe, expect, it } from 'vitest'
import { activity, columns, type Ended } from '../src/jobs/activity'
import { belongs, filterInWords, filterOf, queryOf } from '../src/jobs/filters'
import { priorityFor } from '../src/jobs/order'
import { outlookInWords } from '../src/jobs/outlook'

describe('job filter', () => {
  it('is what its own address names', () => {
    const filter = {
      states: ['queued', 'failed'] as const,
      kind: 'tag' as const,
      preset: 'demo',
      owner: 'ada',
    }
    const query = queryOf({ ...filter, states: [...filter.states] })
    expect(query).toEqual({ state: 'queued,failed', kind: 'tag', preset: 'demo', owner: 'ada' })
    expect(filterOf(query as Record<string, string>)).toEqual(filter)
  })

  it('leaves out what is unknown or empty, and has one address however it was typed', () => {
    expect(filterOf({ state: 'failed,asleep,queued,failed', kind: 'toString', preset: '' })).toEqual({
      states: ['queued', 'failed'],
    })
    expect(queryOf(filterOf({}))).toEqual({})
  })

  it('takes a job that has everything that it asks for', () => {
    const job = { kind: 'generate', preset: 'demo', owner: 'ada' } as const
    expect(belongs(job, { states: [] })).toBe(true)
    expect(belongs(job, { states: [], preset: 'demo', owner: 'ada', kind: 'generate' })).toBe(true)
    expect(belongs(job, { states: [], preset: 'demo', owner: 'bob' })).toBe(false)
  })

  it('is told in words', () => {
    expect(filterInWords({ states: [] })).toBe('jobs')
    expect(filterInWords({ states: [], kind: 'generate', preset: 'demo', owner: 'ada' })).toBe(
      'picture jobs of demo for ada',
    )
  })
})

describe('priority for a place', () => {
  it.each([
    ['before one of its own priority', [0, 0, 0], 2, 1, 1],
    ['before a more urgent one', [5, 0], 1, 0, 6],
    ['behind one of its own priority', [0, 0], 0, 1, -1],
    ['behind a less urgent one', [3, -10], 0, 1, -11],
    ['before one that it outranks already', [0, 7], 1, 0, 8],
    ['nowhere', [0, 0], 1, 1, undefined],
    ['above what is allowed', [100, 0], 1, 0, undefined],
    ['below what is allowed', [0, -100], 0, 1, undefined],
    ['with nobody else', [0], 0, 0, undefined],
  ])('%s', (_, priorities, from, to, wanted) => {
    expect(priorityFor(priorities, from, to)).toBe(wanted)
  })
})

describe('activity', () => {
  const minute = 60_000
  const window = { from: 0, to: 3 * minute, column: minute }
  const stamp = (ms: number) => new Date(ms).toISOString()
  const job = (change: Partial<Ended> & { ended: number; wait?: number }): Ended => ({
    state: 'succeeded',
    preset: 'demo',
    device: 'studio/cpu',
    attempt: 1,
    created_at: stamp(0),
    started_at: stamp(change.wait ?? 0),
    finished_at: stamp(change.ended),
    ...change,
  })

  it('counts by column and group, busiest first, and takes the median wait', () => {
    const groups = activity(
      [
        job({ ended: 10, wait: 2_000 }),
        job({ ended: minute + 1, wait: 4_000 }),
        job({ ended: minute + 2, wait: 5_000 }),
        job({ ended: 2 * minute, wait: 9_000, preset: 'other', state: 'failed' }),
      ],
      'preset',
      window,
    )
    expect(groups).toEqual([
      {
        name: 'demo',
        done: 3,
        failed: 0,
        doneIn: [1, 2, 0],
        failedIn: [0, 0, 0],
        waitIn: [2_000, 4_500, null],
        wait: 4_000,
      },
      {
        name: 'other',
        done: 0,
        failed: 1,
        doneIn: [0, 0, 0],
        failedIn: [0, 0, 1],
        waitIn: [null, null, 9_000],
        wait: 9_000,
      },
    ])
  })

  it('leaves out what was cancelled or ended outside, and a wait that a later attempt has hidden', () => {
    const groups = activity(
      [
        job({ ended: 10, state: 'cancelled' }),
        job({ ended: -1 }),
        job({ ended: 3 * minute }),
        job({ ended: 20, attempt: 2, wait: 50_000 }),
        job({ ended: 30, state: 'failed', device: null, started_at: null }),
      ],
      'device',
      window,
    )
    expect(groups.map(({ name, done, failed, wait }) => [name, done, failed, wait])).toEqual([
      ['never started', 0, 1, null],
      ['studio/cpu', 1, 0, null],
    ])
  })

  it('has a column for each part of the window', () => {
    expect(columns({ from: 0, to: 2 * minute + 1, column: minute })).toEqual([0, minute, 2 * minute])
  })
})

describe('outlook in words', () => {
  const estimate = {
    device: 'studio/gpu0',
    plan: 'vae_tiling',
    need: 5222,
    start_in_s: 12.2,
    run_s: 80,
  } as const

  it('says where, when, how long and at which cost', () => {
    expect(outlookInWords(estimate)).toBe(
      'Runs on studio/gpu0 in about 12 s, for about 1 min 20 s; needs 5.1 GiB, VAE tiled.',
    )
  })

  it('says nothing of a plan that gives nothing up', () => {
    expect(outlookInWords({ ...estimate, plan: 'full', start_in_s: 0, run_s: 0.4 })).toBe(
      'Runs on studio/gpu0 at once, for about 1 s; needs 5.1 GiB.',
    )
  })
})
