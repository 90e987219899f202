import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { coalesce } from '../src/api/coalesce'

describe('coalesced refreshes', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  /** A refresh whose end the test decides. */
  function controlled() {
    const calls: string[][] = []
    let finish: () => void = () => undefined
    const refresh = (topics: ReadonlySet<string>) => {
      calls.push([...topics].sort())
      return new Promise<void>((resolve) => {
        finish = resolve
      })
    }
    return {
      calls,
      refresh,
      finish: () => {
        finish()
      },
    }
  }

  it('makes one refresh of a burst', async () => {
    const { calls, refresh } = controlled()
    const refreshes = coalesce(refresh, 400)
    for (let i = 0; i < 50; i += 1) {
      refreshes.add('queue', 'jobs')
    }
    await vi.advanceTimersByTimeAsync(0)
    expect(calls).toEqual([['jobs', 'queue']])
  })

  it('refreshes again what was asked for during a refresh, and not before that has ended', async () => {
    const { calls, refresh, finish } = controlled()
    const refreshes = coalesce(refresh, 400)
    refreshes.add('queue')
    await vi.advanceTimersByTimeAsync(0)
    refreshes.add('queue')
    refreshes.add('images')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(calls).toHaveLength(1)
    finish()
    await vi.advanceTimersByTimeAsync(399)
    expect(calls).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(calls).toEqual([['queue'], ['images', 'queue']])
  })

  it('goes on after a refresh that failed', async () => {
    const calls: string[][] = []
    const refreshes = coalesce((topics: ReadonlySet<string>) => {
      calls.push([...topics])
      return Promise.reject(new Error('down'))
    }, 400)
    refreshes.add('queue')
    await vi.advanceTimersByTimeAsync(1_000)
    refreshes.add('queue')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(calls).toEqual([['queue'], ['queue']])
  })

  it('does nothing after it was stopped', async () => {
    const { calls, refresh } = controlled()
    const refreshes = coalesce(refresh, 400)
    refreshes.add('queue')
    refreshes.stop()
    refreshes.add('queue')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(calls).toEqual([])
  })
})
