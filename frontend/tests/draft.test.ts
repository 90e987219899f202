import { describe, expect, it } from 'vitest'
import { type Draft, draftOfRequest, fieldOf, requestOfDraft } from '../src/jobs/draft'
import { requestOf } from '../src/jobs/repeat'

const blank = draftOfRequest({ preset: 'demo', prompt: 'a red circle' })

describe('draft', () => {
  it('asks for nothing where nothing was typed', () => {
    expect(requestOfDraft(blank)).toEqual({
      request: { preset: 'demo', prompt: 'a red circle' },
      problems: {},
    })
  })

  it('asks for what was typed, and is the same again when made of that', () => {
    const draft: Draft = {
      preset: 'demo',
      prompt: 'a red circle',
      negative_prompt: 'blur',
      width: '128',
      height: '256',
      steps: '20',
      cfg: '3.5',
      sampler: 'euler',
      scheduler: 'karras',
      seed: '42',
      batch: '2',
    }
    const { request, problems } = requestOfDraft(draft)
    expect(problems).toEqual({})
    expect(request).toEqual({ ...draft, width: 128, height: 256, steps: 20, cfg: 3.5, seed: 42, batch: 2 })
    expect(draftOfRequest(request)).toEqual(draft)
  })

  it('says which fields hold no number', () => {
    const { request, problems } = requestOfDraft({
      ...blank,
      width: 'wide',
      steps: '2.5',
      cfg: 'x',
      seed: '-1',
    })
    expect(Object.keys(problems).sort()).toEqual(['cfg', 'seed', 'steps', 'width'])
    expect(request).toEqual({ preset: 'demo', prompt: 'a red circle' })
  })
})

describe('repeating a job', () => {
  it('asks for all that made its pictures', () => {
    const params = {
      prompt: 'a red circle',
      negative_prompt: '',
      width: 128,
      height: 128,
      steps: 8,
      cfg: 3,
      seed: 7,
      batch: 1,
      sampler: 'euler',
      scheduler: null,
      tag_preset: 'demo-tagger',
    }
    expect(requestOf({ preset: 'demo', params })).toEqual({
      preset: 'demo',
      prompt: 'a red circle',
      negative_prompt: '',
      width: 128,
      height: 128,
      steps: 8,
      cfg: 3,
      seed: 7,
      batch: 1,
      sampler: 'euler',
    })
    expect(
      requestOf({ preset: 'demo-tagger', params: { image: 'x', prompt: 'a red circle' } }),
    ).toBeUndefined()
  })
})

describe('an answer that refuses', () => {
  it.each([
    ['params.width', 'width'],
    ['preset', 'preset'],
    ['params.colour', 'form'],
    [undefined, 'form'],
  ])('about %j is shown at %s', (field, place) => {
    expect(fieldOf(field)).toBe(place)
  })
})
