import { describe, expect, it } from 'vitest'
import type { Job, Picture, Preset } from '../src/api/types'
import { enlargersFor } from '../src/images/enlarging'
import { originOf, parametersOf as parametersOfPicture } from '../src/images/settings'
import { jobName } from '../src/jobs/names'
import { percentDone, phaseBars, progressInWords } from '../src/jobs/progress'
import { parametersOf, requestOf } from '../src/jobs/repeat'
import { partName } from '../src/jobs/timeline'

const preset = (name: string, scale: number, max_side: number, workers: object[] = [{}]) =>
  ({ name, engine: 'upscaler', scale, max_side, workers }) as Preset
const drawing = { name: 'demo', engine: 'sd', workers: [{}] } as unknown as Preset

describe('what enlarges a picture', () => {
  const picture = { width: 512, height: 256 }

  it('is nothing where no preset does', () => {
    expect(enlargersFor([drawing], picture)).toEqual([])
  })

  it('says what it makes of the picture', () => {
    expect(enlargersFor([drawing, preset('four', 4, 512)], picture)).toEqual([
      { name: 'four', words: 'to 2048 × 1024 with four', refusal: undefined, problem: undefined },
    ])
  })

  it('comes last where the picture is too large for it', () => {
    const found = enlargersFor([preset('small', 4, 511), preset('large', 2, 512)], picture)
    expect(found.map(({ name, refusal }) => [name, refusal])).toEqual([
      ['large', undefined],
      ['small', 'It takes pictures of up to 511 × 511 pixels.'],
    ])
  })

  it('says that its job would wait where no worker can run it', () => {
    const [found] = enlargersFor([preset('away', 2, 512, [])], picture)
    expect(found?.problem).toBe('No worker that is up can run this preset. A job for it waits until one can.')
  })
})

describe('a job that enlarges', () => {
  const job = {
    kind: 'upscale',
    preset: 'larger',
    priority: 0,
    max_attempts: 5,
    params: { source: { image: 'a', sha256: 'x' }, width: 128, height: 96, scale: 2 },
  } as unknown as Job

  it('is called by what it makes, and has no steps', () => {
    expect(jobName(job)).toBe('A picture, enlarged from 128 × 96 to 256 × 192')
    expect(parametersOf(job)).toEqual([
      ['Enlarged', '128 × 96 to 256 × 192'],
      ['Started from', 'a picture'],
      ['Preset', 'larger'],
      ['Priority', '0'],
      ['Attempts', '5 at most'],
    ])
  })

  it('is no request for another picture', () => {
    expect(requestOf(job)).toBeUndefined()
  })

  it('goes on by tiles, through no phase that it does not have', () => {
    const half = { phase: 'sampling', step: 2, of: 4, index: 0, attempt: 1 } as const
    expect(progressInWords(half, 1, 'upscale')).toBe('Enlarging, tile 2 of 4')
    expect(phaseBars(half, 'upscale').map(({ phase }) => phase)).toEqual(['loading', 'sampling', 'saving'])
    expect(percentDone(half, 1, 'upscale')).toBe(52)
    expect(percentDone({ ...half, phase: 'saving', step: 1, of: 1 }, 1, 'upscale')).toBe(100)
    expect(partName('sampling', 'upscale')).toBe('Enlarging')
  })
})

describe('an enlarged picture', () => {
  const params = { prompt: 'sea', negative_prompt: '', steps: 20, cfg: 7, batch: 1 }
  const upscale = { source: { image: 'a', sha256: 'x' }, width: 512, height: 512, scale: 4 }
  const picture = {
    job: 'j',
    preset: 'larger',
    seed: 9,
    width: 2048,
    height: 2048,
    plan: 'full',
    attempt: 1,
    index: 0,
    sha256: 's',
    times: { sampling_ms: 2_000 },
    created_at: '2026-11-28T10:00:00Z',
    params,
    upscale,
  } as unknown as Picture
  const said = (of: Picture) => Object.fromEntries(parametersOfPicture(of))

  it('says from what it was enlarged, beside what that was drawn with', () => {
    expect(said(picture)).toMatchObject({
      Enlarged: '512 × 512 to 2048 × 2048',
      Size: '2048 × 2048',
      Steps: '20',
      Seed: '9',
    })
    expect(originOf(picture).map(([name]) => name)).toContain('Enlarging')
    expect(originOf(picture).map(([name]) => name)).not.toContain('Decoding')
  })

  it('of an upload says nothing of steps that nobody made', () => {
    const unknown = { ...picture, seed: 0, params: { ...params, steps: 0, cfg: 0 } } as Picture
    expect(Object.keys(said(unknown))).not.toContain('Steps')
    expect(Object.keys(said(unknown))).not.toContain('Seed')
    expect(said({ ...picture, upscale: null })).not.toHaveProperty('Enlarged')
  })
})
