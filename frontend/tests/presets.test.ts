import { describe, expect, it } from 'vitest'
import { bytesInWords, stateOf } from '../src/models/words'
import { bodyOf, formOf, newForm } from '../src/presets/form'

const told = { origin: 'api', parameters: {}, signature: 's', updated_at: '', workers: [], measured: [] }

describe('preset form', () => {
  it('says the same as the preset that it shows', () => {
    const preset = {
      title: 'Painter',
      engine: 'sd' as const,
      files: { model: 'a/b.gguf', taesd: 'a/c.gguf' },
      defaults: {
        width: 128,
        height: 256,
        steps: 8,
        cfg: 3.5,
        sampler: 'euler',
        steps_by_size: [{ above: 200, steps: 12 }],
      },
      limits: { multiple: 8, min_side: 128, max_side: 256, max_steps: 50, max_batch: 64 },
      flags: { flash_attention: false, mmap: true },
      loras: [
        { name: 'ink', file: 'l/ink.safetensors', trigger: 'in ink' },
        { name: 'soft', file: 'l/soft.safetensors' },
      ],
      memory: { tile_side: 96, activation_factor: 0.5 },
    }
    const form = formOf({ ...preset, ...told, name: 'painter' })
    expect(form.name).toBe('painter')
    expect(bodyOf(form)).toEqual(preset)
  })

  it('says the same as a language model', () => {
    const model = { file: 'x.gguf', context: 2048, layers: 30, kv_heads: 3, head_dim: 64 }
    const preset = { title: 'Tagger', engine: 'llm' as const, ...model }
    expect(bodyOf(formOf({ ...preset, ...told, name: 'tagger' }))).toEqual(preset)
  })

  it('leaves out what is empty, and hands over what is no number for the server to refuse', () => {
    const form = newForm('sd')
    form.fields['limits.max_side'] = 'wide'
    form.fields['flags.mmap'] = 'false'
    expect(bodyOf(form)).toEqual({
      title: '',
      engine: 'sd',
      files: {},
      defaults: {},
      limits: { max_side: 'wide' },
    })
  })
})

describe('model', () => {
  it.each([
    [['here', 'here'], 'here', 'Here'],
    [['missing', 'missing'], 'missing', 'Not here'],
    [['here', 'missing'], 'missing', '1 of 2 files missing'],
    [['corrupt', 'missing'], 'corrupt', '1 of 2 files broken'],
    [['corrupt'], 'corrupt', 'Broken'],
  ] as const)('whose files are %j is %s', (files, state, words) => {
    expect(stateOf(files.map((state, at) => ({ path: String(at), state })))).toEqual({ state, words })
  })

  it('is said to be removed for as long as that was the last that was done with it', () => {
    const gone = [{ path: 'a', state: 'missing' }] as const
    const words = (last: { kind: 'remove' | 'pull'; state: string }) => stateOf([...gone], last).words
    expect(words({ kind: 'remove', state: 'done' })).toBe('Removed')
    expect(words({ kind: 'remove', state: 'failed' })).toBe('Not here')
    expect(words({ kind: 'pull', state: 'cancelled' })).toBe('Not here')
  })

  it('has its size in the ledger’s units', () => {
    expect(bytesInWords(1000)).toBe('1 KiB')
    expect(bytesInWords(98 * 1_048_576)).toBe('98 MiB')
    expect(bytesInWords(6 * 1_073_741_824)).toBe('6 GiB')
  })
})
