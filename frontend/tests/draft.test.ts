import { describe, expect, it } from 'vitest'
import { type Draft, draftOfRequest, fieldOf, requestOfDraft } from '../src/jobs/draft'
import { allowedInWords, standardOf } from '../src/jobs/parameters'
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
      styles: ['ink', 'soft'],
      loras: [{ name: 'glow', weight: '0.6' }],
      strength: '0.4',
      init: { upload: 'u' },
      mask: { upload: 'm' },
      'hires.scale': '2',
      'hires.strength': '0.5',
      'hires.steps': '4',
      'hires.upscaler': 'Latent',
    }
    const { request, problems } = requestOfDraft(draft)
    expect(problems).toEqual({})
    expect(request).toEqual({
      preset: 'demo',
      prompt: 'a red circle',
      negative_prompt: 'blur',
      width: 128,
      height: 256,
      steps: 20,
      cfg: 3.5,
      sampler: 'euler',
      scheduler: 'karras',
      seed: 42,
      batch: 2,
      styles: ['ink', 'soft'],
      loras: [{ name: 'glow', weight: 0.6 }],
      strength: 0.4,
      init: { upload: 'u' },
      mask: { upload: 'm' },
      hires: { scale: 2, strength: 0.5, steps: 4, upscaler: 'Latent' },
    })
    expect(draftOfRequest(request)).toEqual(draft)
  })

  it('has a strength and a mask with a start alone, and a second pass by its scale alone', () => {
    const loose = { ...blank, strength: '0.5', mask: { upload: 'm' }, 'hires.steps': '4' }
    expect(requestOfDraft(loose).request).toEqual({ preset: 'demo', prompt: 'a red circle' })
    const { request } = requestOfDraft({ ...loose, init: { image: 'i' }, 'hires.scale': '1.5' })
    expect(request).toMatchObject({ init: { image: 'i' }, strength: 0.5, hires: { scale: 1.5, steps: 4 } })
  })

  it('says which fields hold no number', () => {
    const { request, problems } = requestOfDraft({
      ...blank,
      width: 'wide',
      steps: '2.5',
      cfg: 'x',
      seed: '1e3',
      loras: [{ name: 'glow', weight: 'much' }],
    })
    expect(Object.keys(problems).sort()).toEqual(['cfg', 'loras[0].weight', 'seed', 'steps', 'width'])
    expect(request).toEqual({
      preset: 'demo',
      prompt: 'a red circle',
      loras: [{ name: 'glow', weight: 1 }],
    })
  })

  it('keeps the rules that the preset tells', () => {
    const parameters = {
      width: { default: 512, minimum: 64, maximum: 2048, multiple: 8 },
      cfg: { default: 7, minimum: 0, maximum: 30 },
      seed: { minimum: 0, maximum: 9_007_199_254_739_967 },
      sampler: { choices: ['euler', 'heun'] },
    }
    const wrong = { ...blank, width: '100', cfg: '30.5', seed: '-1', sampler: 'magic' }
    expect(requestOfDraft(wrong, parameters)).toEqual({
      request: { preset: 'demo', prompt: 'a red circle' },
      problems: {
        width: 'Allowed: 64 to 2048, in steps of 8.',
        cfg: 'Allowed: 0 to 30.',
        seed: 'Allowed: 0 to 9007199254739967.',
        sampler: 'Allowed: euler, heun.',
      },
    })
    const right = { ...blank, width: '104', cfg: '30', seed: ' 0 ', sampler: 'heun' }
    expect(requestOfDraft(right, parameters).problems).toEqual({})
    expect(requestOfDraft({ ...blank, seed: '99999999999999999999' }, parameters).problems).toHaveProperty(
      'seed',
    )
  })
})

describe('what a preset tells of its parameters', () => {
  const parameters = {
    width: { default: 512, minimum: 64, maximum: 2048 },
    height: { default: 512 },
    steps: {
      default: 20,
      steps_by_size: [
        { above: 1024, steps: 30 },
        { above: 1536, steps: 40 },
      ],
    },
    sampler: { choices: ['euler'] },
  }

  it.each([
    [{}, 20],
    [{ width: 1024 }, 20],
    [{ width: 1032 }, 30],
    [{ width: 64, height: 2048 }, 40],
  ])('has other steps for larger pictures: %j', (size, steps) => {
    expect(standardOf(parameters, 'steps', size)).toBe(steps)
  })

  it('says what an empty field stands for, and what is allowed', () => {
    expect(standardOf(parameters, 'width')).toBe(512)
    expect(standardOf(parameters, 'sampler')).toBeUndefined()
    expect(allowedInWords({ minimum: 1, maximum: 50 })).toBe('1 to 50')
    expect(allowedInWords({ minimum: 128, maximum: 128, multiple: 8 })).toBe('128, no other')
    expect(allowedInWords({ minimum: 64, maximum: 128, multiple: 8 })).toBe('64 to 128, in steps of 8')
    expect(allowedInWords({ maximum: 4 })).toBe('up to 4')
    expect(allowedInWords({})).toBeUndefined()
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
    ['params.loras[1].weight', 'loras[1].weight'],
    ['params.styles[0]', 'styles'],
    ['params.init.upload', 'init'],
    ['params.hires.steps', 'hires.steps'],
    ['params.hires', 'hires.scale'],
    ['params', 'form'],
    ['params.colour', 'form'],
    [undefined, 'form'],
  ])('about %j is shown at %s', (field, place) => {
    expect(fieldOf(field)).toBe(place)
  })
})
