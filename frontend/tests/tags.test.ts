import { describe, expect, it } from 'vitest'
import { shownTags, sourcesInWords, tagsInWords } from '../src/images/tags'

describe('tags', () => {
  it('shows a name once, with the surest source first', () => {
    const shown = shownTags([
      { name: 'circle', source: 'llm', confidence: 0.871 },
      { name: 'red', source: 'llm', confidence: 0.5 },
      { name: 'circle', source: 'user', confidence: 1 },
    ])
    expect(shown.map(({ name }) => name)).toEqual(['circle', 'red'])
    expect(shown.map(sourcesInWords)).toEqual(['by hand, language model 87 %', 'language model 50 %'])
  })

  it.each([
    ['pending', 0, 'Tags are on their way…'],
    ['failed', 0, 'Tagging failed.'],
    ['done', 0, 'No tags found.'],
    ['done', 3, ''],
    ['none', 0, 'Not tagged.'],
    ['none', 1, ''],
  ])('%s with %i', (state, count, words) => {
    expect(tagsInWords(state, count)).toBe(words)
  })
})
