import { describe, expect, it } from 'vitest'
import type { Schemas } from '../src/api/types'
import {
  anyRuns,
  importsOf,
  keptBy,
  lossInWords,
  offerOf,
  type Operation,
  operationInWords,
  percentOf,
  withKept,
} from '../src/models/operations'

const mib = 1_048_576
const operation = (change: Partial<Operation> = {}): Operation => ({
  model: 'painter',
  kind: 'pull',
  state: 'running',
  done: 4 * mib,
  total: 17 * mib,
  started_at: '2026-01-01T00:00:00Z',
  ...change,
})
type State = Schemas['FileState']
const model = (states: State[], last?: Operation) => ({
  name: 'painter',
  architecture: 'Z-Image',
  licence: 'MIT',
  size: 17 * mib,
  files: states.map((state, at) => ({ path: `painter/${at}.gguf`, state })),
  ...(last ? { operation: last } : {}),
})
const models = (change: Partial<Schemas['Models']> = {}): Schemas['Models'] => ({
  files: [],
  catalogue: [],
  importable: [],
  importing: [],
  ...change,
})

describe('what is done with a model', () => {
  it.each<[Partial<Operation>, string]>([
    [{}, 'Comes: 4 MiB of 17 MiB'],
    [{ kind: 'verify' }, 'Is read: 4 MiB of 17 MiB'],
    [{ kind: 'remove', state: 'done' }, 'Its files are deleted.'],
    [{ kind: 'remove', done: 0, total: 0 }, 'Is removed…'],
    [{ state: 'done' }, 'Pulled, each file as the catalogue says.'],
    [
      { state: 'cancelled' },
      'Cancelled at 4 MiB of 17 MiB. What has come is kept: the next pull goes on from there.',
    ],
    [{ state: 'cancelled', done: 0 }, 'Cancelled. What has come is kept: the next pull goes on from there.'],
    [{ kind: 'import', state: 'cancelled' }, 'Cancelled.'],
    [
      { kind: 'verify', state: 'failed', error: 'a.gguf is missing' },
      'Not as the catalogue says. a.gguf is missing.',
    ],
    [{ state: 'failed', error: 'no room.' }, 'The pull failed. No room.'],
    [{ state: 'failed', error: null }, 'The pull failed.'],
  ])('%o', (change, words) => {
    expect(operationInWords(operation(change))).toBe(words)
  })

  it('has a share where the whole is known', () => {
    expect(percentOf(operation())).toBe(23)
    expect(percentOf(operation({ done: 18 * mib }))).toBe(100)
    expect(percentOf(operation({ total: 0 }))).toBeUndefined()
  })

  it('goes on from what the pull before has left, also before the server has looked', () => {
    const kept = keptBy(operation({ state: 'cancelled' }))
    expect(kept).toBe(4 * mib)
    expect(withKept(operation({ done: 0 }), kept).done).toBe(4 * mib)
    expect(withKept(operation({ done: 5 * mib }), kept).done).toBe(5 * mib)
    expect(withKept(operation({ kind: 'verify', done: 0 }), kept).done).toBe(0)
    expect(keptBy(operation({ kind: 'remove', state: 'done' }))).toBe(0)
    expect(keptBy(operation({ state: 'done' }))).toBe(0)
    expect(keptBy(undefined)).toBe(0)
  })

  it('is looked at often while any of it runs, imports too', () => {
    expect(anyRuns(undefined)).toBe(false)
    expect(anyRuns(models({ catalogue: [model(['here'], operation({ state: 'done' }))] }))).toBe(false)
    expect(anyRuns(models({ catalogue: [model(['missing'], operation())] }))).toBe(true)
    expect(anyRuns(models({ importing: [operation({ kind: 'import' })] }))).toBe(true)
  })

  it('of what is in no catalogue shows imports that are under way or did not work', () => {
    const importing = [
      operation({ kind: 'import' }),
      operation({ kind: 'import', state: 'failed' }),
      operation({ kind: 'import', state: 'done' }),
      operation({ kind: 'remove', state: 'done' }),
    ]
    expect(importsOf(models({ importing })).map(({ state }) => state)).toEqual(['running', 'failed'])
  })
})

describe('what may be done with a model', () => {
  it.each<[State[], Operation | undefined, object]>([
    [['here', 'here'], undefined, { pull: undefined, verify: true, remove: true }],
    [['missing'], undefined, { pull: 'Pull', verify: false, remove: false }],
    [['here', 'missing'], undefined, { pull: 'Pull', verify: true, remove: true }],
    [['corrupt'], undefined, { pull: 'Pull again', verify: true, remove: true }],
    [
      ['here'],
      operation({ kind: 'verify', state: 'failed' }),
      { pull: 'Pull again', verify: true, remove: true },
    ],
    [['missing'], operation({ state: 'cancelled' }), { pull: 'Go on', verify: false, remove: true }],
    [['missing'], operation({ state: 'failed' }), { pull: 'Try again', verify: false, remove: true }],
    [
      ['missing'],
      operation({ kind: 'remove', state: 'done' }),
      { pull: 'Pull', verify: false, remove: false },
    ],
  ])('%j after %o', (states, last, offer) => {
    expect(offerOf(model(states, last))).toEqual(offer)
  })

  it('names the presets that lose it before it is removed', () => {
    const files = [
      { path: 'painter/0.gguf', size: 1, presets: ['demo', 'fast'] },
      { path: 'painter/1.gguf', size: 1, presets: ['demo'] },
      { path: 'else.gguf', size: 1, presets: ['other'] },
    ]
    const loss = lossInWords(model(['here', 'here']), models({ files }))
    expect(loss).toMatch(/^Its 2 files go .*No worker can serve demo, fast any more/)
    expect(lossInWords(model(['here']), models())).toMatch(/^Its file goes .*No preset names it\./)
  })
})
