import { describe, expect, it } from 'vitest'
import { allHashed, circumstancesOf, differencesOf, filesOf, type Receipt } from '../src/receipts/receipt'

const file = (role: string, path: string, sha256: string | null = 'aa') => ({
  role,
  path,
  bytes: 17 * 1_048_576,
  sha256,
})
const made = {
  version: '0.1.0',
  libraries: { sd: '2', ggml: '1' },
  device: { id: 'a/cpu', kind: 'cpu', name: 'A processor' },
  sampler: 'euler',
  scheduler: 'discrete',
  files: [file('files.model', 'a.gguf'), file('files.taesd', 'a.gguf'), file('files.vae', 'b.gguf', null)],
  loras: [file('ink', 'l/ink.safetensors', 'bb')],
}
const receipt = (change: object = {}, rest: object = {}) =>
  ({ plan: 'full', made_with: { ...made, ...change }, ...rest }) as unknown as Receipt

describe('a receipt', () => {
  it('names each file once, with all that it was for, and says what is not known', () => {
    expect(filesOf(receipt())).toEqual([
      { path: 'a.gguf', words: 'Checkpoint, Tiny autoencoder · 17 MiB', sha256: 'aa' },
      { path: 'b.gguf', words: 'VAE · 17 MiB', sha256: undefined },
      { path: 'l/ink.safetensors', words: 'LoRA ink · 17 MiB', sha256: 'bb' },
    ])
    expect(allHashed(receipt())).toBe(false)
    expect(allHashed(receipt({ files: [] }))).toBe(true)
  })

  it('calls a use that the page does not know as the preset does', () => {
    expect(filesOf(receipt({ files: [file('files.new_part', 'c.gguf')], loras: [] }))[0]?.words).toBe(
      'new part · 17 MiB',
    )
  })

  it('tells the device and the versions, or that they are not known', () => {
    const rows = Object.fromEntries(circumstancesOf(receipt({ libraries: {} })))
    expect(rows).toMatchObject({ Device: 'A processor (cpu)', Libraries: 'their versions are not known' })
    expect(circumstancesOf(receipt({}, { made_with: null })).map(([name]) => name)).toEqual(['Plan'])
    expect(filesOf(receipt({}, { made_with: null }))).toEqual([])
  })
})

describe('what differs between two that should be the same', () => {
  const whole = { files: [file('files.model', 'a.gguf')] }
  const first = receipt(whole)

  it.each<[object, string[]]>([
    [{}, []],
    [{ libraries: { ggml: '1', sd: '2' } }, []],
    [{ version: '0.2.0' }, ['Engine: 0.1.0; now 0.2.0.']],
    [{ libraries: { sd: '3', ggml: '1' } }, ['Libraries: ggml 1, sd 2; now ggml 1, sd 3.']],
    [
      { device: { id: 'b', kind: 'cuda', name: 'A card' } },
      ['Device: A processor (cpu); now A card (cuda).'],
    ],
    [{ sampler: 'heun' }, ['Sampler: euler; now heun.']],
    [{ scheduler: 'karras' }, ['Schedule: discrete; now karras.']],
    [{ files: [file('files.model', 'a.gguf', 'cc')] }, ['a.gguf: its content is another now.']],
    [{ files: [file('files.model', 'z.gguf', 'cc')] }, ['a.gguf: it was that, and is z.gguf now.']],
    [
      { files: [file('files.model', 'a.gguf', null)] },
      ['a.gguf: whether it is still the same isn’t known, as nobody has read it.'],
    ],
    [{ loras: [] }, ['l/ink.safetensors: it is not there any more.']],
  ])('%j', (change, sentences) => {
    expect(differencesOf(first, receipt({ ...whole, ...change }))).toEqual(sentences)
  })

  it('is also the plan, and that one is from before it was noted', () => {
    expect(differencesOf(first, receipt(whole, { plan: 'streamed' }))[0]).toMatch(/^Plan: Full/)
    expect(differencesOf(receipt({}, { made_with: null }), first)[0]).toMatch(/isn’t known/)
  })

  it('is said once of a file that was two things', () => {
    const both = { files: [file('files.model', 'a.gguf'), file('files.taesd', 'a.gguf')] }
    const now = both.files.map((it) => ({ ...it, sha256: 'cc' }))
    expect(differencesOf(receipt(both), receipt({ files: now }))).toHaveLength(1)
  })
})
