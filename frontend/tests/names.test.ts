import { describe, expect, it } from 'vitest'
import { workName } from '../src/jobs/names'

describe('a job on a device', () => {
  const job = { kind: 'generate', params: { prompt: 'sea', steps: 20 }, picture: 2 } as unknown as Parameters<
    typeof workName
  >[0]

  it('is called by its prompt', () => {
    expect(workName(job)).toBe('sea')
  })

  it('is said to help where it draws a picture of another’s batch', () => {
    expect(workName({ ...job, helps: 'other' })).toBe('Helps “sea”: picture 3')
  })
})
