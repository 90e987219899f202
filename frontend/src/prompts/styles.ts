/** Styles under what they are listed under, each in the order of its people's names; those under nothing come last. */
export function byCategory<Listed extends { category: string; label: string }>(
  all: readonly Listed[],
): { category: string; styles: Listed[] }[] {
  const sorted = all.toSorted((a, b) => a.label.localeCompare(b.label))
  return [...new Set(all.map(({ category }) => category))]
    .map((category) => ({ category, styles: sorted.filter((style) => style.category === category) }))
    .sort(
      (a, b) => Number(a.category === '') - Number(b.category === '') || a.category.localeCompare(b.category),
    )
}
