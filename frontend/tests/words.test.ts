import { describe, expect, it } from 'vitest'
import { sentence } from '../src/app/words'

describe('a message', () => {
  it.each([
    ['the attempt took longer than 1 s', 'The attempt took longer than 1 s.'],
    ['no, not today.', 'No, not today.'],
    ['Is it?', 'Is it?'],
    ['painter.gguf is missing', 'painter.gguf is missing.'],
    ['demo/painter: gone', 'demo/painter: gone.'],
  ])('%j is a sentence', (message, said) => {
    expect(sentence(message)).toBe(said)
  })
})
