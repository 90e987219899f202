import { describe, expect, it } from 'vitest'
import { idempotencyKeys } from '../src/jobs/idempotency'
import { presetProblem } from '../src/jobs/presets'

describe('idempotency key', () => {
  it('is the same for a request that was not answered, another for another request or the next one', () => {
    const keys = idempotencyKeys()
    const first = keys.keyFor({ prompt: 'a' })
    expect(keys.keyFor({ prompt: 'a' })).toBe(first)
    expect(keys.keyFor({ prompt: 'b' })).not.toBe(first)
    const second = keys.keyFor({ prompt: 'a' })
    keys.answered()
    expect(keys.keyFor({ prompt: 'a' })).not.toBe(second)
  })
})

describe('preset', () => {
  it('has no problem where one worker can run it', () => {
    expect(presetProblem([{ problem: 'a file is missing' }, {}])).toBeUndefined()
  })

  it('says why no worker can run it', () => {
    expect(presetProblem([{ problem: 'demo.gguf is missing.' }])).toBe(
      'No worker can run this preset: demo.gguf is missing. A job for it waits until one can.',
    )
    expect(presetProblem([])).toBe(
      'No worker that is up can run this preset. A job for it waits until one can.',
    )
  })
})
