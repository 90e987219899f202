import { describe, expect, it } from 'vitest'
import { type WaitReason, waitingInWords } from '../src/jobs/waiting'

const words = (wait_reason: WaitReason) => waitingInWords({ wait_reason })

describe('wait reasons in words', () => {
  it.each<[WaitReason, string]>([
    [{ reason: 'no_worker', preset: 'demo' }, 'No worker that is up can run “demo”.'],
    [{ reason: 'device_lost', device: 'GPU-1' }, 'GPU-1 is lost: it has to be reset, or does not answer.'],
    [
      { reason: 'vram_short', device: 'studio/cpu', need: 6656, free: 900 },
      'Needs 6.5 GiB on studio/cpu, where 900 MiB is free.',
    ],
    [
      { reason: 'too_large', device: 'GPU-1', need: 24576, most: 11776 },
      'Needs 24 GiB, and GPU-1, which comes nearest, has 11.5 GiB at most.',
    ],
    [{ reason: 'model_loading', device: 'GPU-1', preset: 'demo' }, '“demo” is being loaded on GPU-1.'],
    [
      { reason: 'model_loading', device: 'GPU-1', preset: 'demo', percent: 40 },
      '“demo” is being loaded on GPU-1, 40 % so far.',
    ],
    [{ reason: 'behind', n: 0 }, 'Next in line; waits for a turn.'],
    [{ reason: 'behind', n: 1 }, 'One job comes first.'],
    [{ reason: 'behind', n: 12 }, '12 jobs come first.'],
    [{ reason: 'not_before' }, 'Its time has come; waits for the scheduler’s next look.'],
    [{ reason: 'paused', by: { scope: 'queue' } }, 'The queue is paused.'],
    [{ reason: 'paused', by: { scope: 'preset', name: 'demo' } }, 'Paused: preset “demo”.'],
  ])('%o', (reason, sentence) => {
    expect(words(reason)).toBe(sentence)
  })

  it('names the earliest time until that has come', () => {
    const job = { wait_reason: { reason: 'not_before' } as const, not_before: '2026-11-23T10:00:05Z' }
    const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' }).format(new Date(job.not_before))
    expect(waitingInWords(job, new Date('2026-11-23T10:00:04Z'))).toBe(`Starts at ${time} or later.`)
    expect(waitingInWords(job, new Date('2026-11-23T10:00:06Z'))).toMatch(/^Its time has come/)
  })

  it('says that nothing is known yet instead of guessing', () => {
    expect(waitingInWords({})).toBe('Just arrived; the scheduler looks at it next.')
  })

  it('shows a reason that it does not know by its name', () => {
    expect(words({ reason: 'power_cap' } as unknown as WaitReason)).toBe('Waits: power cap.')
  })
})
