import { describe, expect, it } from 'vitest'
import { type Activity, columns, groups } from '../src/jobs/activity'
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
  const count = (succeeded: number, failed: number, wait_p50_ms: number | null) => ({
    succeeded,
    failed,
    wait_p50_ms,
    wait_p95_ms: wait_p50_ms,
  })
  const lately: Activity = {
    from: '2026-01-01T00:00:00Z',
    column_s: 60,
    columns: 3,
    groups: [
      {
        name: 'w1',
        total: count(3, 1, 4_000),
        columns: [
          { column: 0, ...count(1, 1, 2_000) },
          { column: 2, ...count(2, 0, 5_000) },
        ],
      },
      { name: null, total: count(0, 1, null), columns: [{ column: 1, ...count(0, 1, null) }] },
    ],
  }

  it('has a value for every column, and a name for everybody', () => {
    expect(groups(lately, new Map([['w1', 'sd on studio']]))).toEqual([
      {
        name: 'sd on studio',
        done: 3,
        failed: 1,
        wait: 4_000,
        doneIn: [1, 0, 2],
        failedIn: [1, 0, 0],
        waitIn: [2_000, null, 5_000],
      },
      {
        name: 'never started',
        done: 0,
        failed: 1,
        wait: null,
        doneIn: [0, 0, 0],
        failedIn: [0, 1, 0],
        waitIn: [null, null, null],
      },
    ])
  })

  it('knows where each column begins', () => {
    const first = Date.parse(lately.from)
    expect(columns(lately)).toEqual([first, first + 60_000, first + 120_000])
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
