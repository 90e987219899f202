/** How many pictures are rated so high or higher, for each rating, from how many have each. */
export function atLeast(ratings: readonly { value: string; count: number }[]): Map<number, number> {
  return new Map(
    [5, 4, 3, 2, 1].map((least) => [
      least,
      ratings.reduce((sum, { value, count }) => (Number(value) >= least ? sum + count : sum), 0),
    ]),
  )
}
