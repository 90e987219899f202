import { describe, expect, it } from 'vitest'
import { importedInWords } from '../src/images/imported'

describe('what came of an import', () => {
  it.each([
    [{ added: 1, known: 0, binned: 0 }, '1 picture imported.'],
    [{ added: 2, known: 1, binned: 0 }, '2 pictures imported. 1 picture was here already.'],
    [{ added: 0, known: 3, binned: 2 }, '3 pictures were here already, 2 in the bin.'],
    [{ added: 0, known: 0, binned: 0 }, 'Nothing was imported.'],
  ])('%j', (came, words) => {
    expect(importedInWords({ ...came, refused: [] })).toBe(words)
  })
})
