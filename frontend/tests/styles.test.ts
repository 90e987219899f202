import { expect, it } from 'vitest'
import { byCategory } from '../src/prompts/styles'

it('styles are listed by category and name, those without a category last', () => {
  const style = (label: string, category: string) => ({ label, category })
  expect(
    byCategory([style('Soft', 'Light'), style('Any', ''), style('Ink', 'Art'), style('Hard', 'Light')]).map(
      ({ category, styles }) => [category, styles.map(({ label }) => label)],
    ),
  ).toEqual([
    ['Art', ['Ink']],
    ['Light', ['Hard', 'Soft']],
    ['', ['Any']],
  ])
})
