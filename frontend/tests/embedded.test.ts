import { describe, expect, it } from 'vitest'
import { settingsIn, textChunks } from '../src/images/embedded'

const bytes = (text: string) => [...new TextEncoder().encode(text)]

/** A PNG of these chunks; nobody here checks their sums. */
function png(...chunks: [type: string, data: number[]][]): Uint8Array {
  const parts = chunks.flatMap(([type, data]) => [
    data.length >>> 24,
    (data.length >>> 16) & 255,
    (data.length >>> 8) & 255,
    data.length & 255,
    ...bytes(type),
    ...data,
    ...[0, 0, 0, 0],
  ])
  return new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, ...parts])
}
const text = (keyword: string, value: string): [string, number[]] => [
  'tEXt',
  [...bytes(keyword), 0, ...bytes(value)],
]

const own = {
  prompt: 'a red circle',
  negative_prompt: '',
  width: 128,
  height: 128,
  steps: 8,
  cfg: 3,
  seed: 40,
  batch: 4,
  sampler: 'euler',
  tag_preset: 'demo-tagger',
  image_seed: 42,
  preset: 'demo',
  plan: 'full',
}

describe('settings in a picture', () => {
  it('are those of this one picture of its job', () => {
    const file = png(['IHDR', [0, 0]], text('mysticanvas', JSON.stringify(own)), ['IEND', []])
    expect(settingsIn(file)).toEqual({
      prompt: 'a red circle',
      width: 128,
      height: 128,
      steps: 8,
      cfg: 3,
      sampler: 'euler',
      seed: 42,
      preset: 'demo',
    })
  })

  it('may hold every letter', () => {
    const chunk: [string, number[]] = [
      'iTXt',
      [
        ...bytes('mysticanvas'),
        0,
        0,
        0,
        ...bytes('en'),
        0,
        0,
        ...bytes(JSON.stringify({ prompt: 'Füchse 狐' })),
      ],
    ]
    expect(settingsIn(png(chunk))).toEqual({ prompt: 'Füchse 狐' })
  })

  it('are read from what other programs write', () => {
    const words =
      'a fox,\nin snow\nNegative prompt: blur,\nnoise\nSteps: 20, Sampler: Euler a, CFG scale: 6.5, Seed: 7, Size: 512x768, Model: x'
    expect(settingsIn(png(text('parameters', words)))).toEqual({
      prompt: 'a fox,\nin snow',
      negative_prompt: 'blur,\nnoise',
      steps: 20,
      cfg: 6.5,
      seed: 7,
      width: 512,
      height: 768,
    })
  })

  it.each([
    ['no PNG', new Uint8Array([1, 2, 3])],
    ['no text', png(['IHDR', [0]])],
    ['text about something else', png(text('Comment', 'hello'))],
    ['text that is no JSON', png(text('mysticanvas', '{'))],
    ['a chunk that ends too early', png(text('mysticanvas', '{}')).subarray(0, 30)],
  ])('are missed in a file with %s', (_, file) => {
    expect(settingsIn(file)).toHaveProperty('problem')
  })

  it('are in chunks by keyword', () => {
    expect(textChunks(png(text('a', '1'), text('b', '2')))).toEqual(
      new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
    )
  })
})
