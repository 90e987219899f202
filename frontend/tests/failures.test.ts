import { describe, expect, it } from 'vitest'
import type { Failure } from '../src/api/types'
import { failureFilterOf, groupFailures } from '../src/jobs/failureGroups'

const failed = (id: string, kind: Failure['kind'], preset: string, minute: number) => ({
  id,
  preset,
  error: { kind, message: `${id} says so` },
  created_at: '2026-11-28T10:00:00Z',
  finished_at: `2026-11-28T10:${String(minute).padStart(2, '0')}:00Z`,
})

describe('failures', () => {
  const jobs = [
    failed('a', 'timeout', 'demo', 1),
    failed('b', 'out_of_memory', 'demo', 5),
    failed('c', 'timeout', 'demo', 9),
    failed('d', 'timeout', 'large', 3),
  ]

  it('are of one class by type and preset, the latest first', () => {
    const groups = groupFailures(jobs)
    expect(
      groups.map(({ kind, preset, jobs, newest }) => [kind, preset, jobs.map(({ id }) => id), newest.id]),
    ).toEqual([
      ['timeout', 'demo', ['c', 'a'], 'c'],
      ['out_of_memory', 'demo', ['b'], 'b'],
      ['timeout', 'large', ['d'], 'd'],
    ])
  })

  it('have a class where the server said nothing of them', () => {
    const silent = {
      id: 'x',
      preset: 'demo',
      error: null,
      finished_at: null,
      created_at: '2026-11-28T10:00:00Z',
    }
    expect(groupFailures([silent])).toMatchObject([{ kind: 'internal', preset: 'demo' }])
  })

  it('are named by an address, which may say nonsense', () => {
    expect(failureFilterOf({ why: 'timeout', preset: 'demo', owner: 'ada' })).toEqual({
      why: 'timeout',
      preset: 'demo',
      owner: 'ada',
    })
    expect(failureFilterOf({ why: 'toString', preset: '', owner: ['a', 'b'] })).toEqual({})
  })
})
