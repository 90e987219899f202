/** Pixels that a picture's card takes at least. */
const narrowest = 150
const fewest = 2

/** How many pictures stand in a row of this width. */
export function columnsFor(width: number, gap: number): number {
  return Math.max(fewest, Math.floor((width + gap) / (narrowest + gap)))
}
