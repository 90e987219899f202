/** Pixels that a picture's card takes at least. */
const narrowest = 150
const fewest = 2

/** How many pictures stand in a row of this width. */
export function columnsFor(width: number, gap: number): number {
  return Math.max(fewest, Math.floor((width + gap) / (narrowest + gap)))
}

/** Things in rows of so many. */
export function inRows<T>(things: readonly T[], columns: number): T[][] {
  const rows = Math.ceil(things.length / columns)
  return Array.from({ length: rows }, (_, row) => things.slice(row * columns, (row + 1) * columns))
}

/** The place that a key leads to from this one; nothing for another key, or where it ends. */
export function moveInGrid(key: string, from: number, columns: number, count: number): number | undefined {
  const last = count - 1
  const inLastRow = Math.floor(from / columns) === Math.floor(last / columns)
  const places: Record<string, number> = {
    ArrowLeft: from - 1,
    ArrowRight: from + 1,
    ArrowUp: from - columns,
    // The last row may be shorter.
    ArrowDown: inLastRow ? from : Math.min(from + columns, last),
    Home: 0,
    End: last,
  }
  const to = places[key]
  return to !== undefined && to !== from && to >= 0 && to < count ? to : undefined
}

/** The pictures before and behind a place in a list; one that has left it is followed by what took its place. */
export function beside(
  ids: readonly string[],
  id: string,
  last: number,
): { before?: number; behind?: number } {
  const at = ids.indexOf(id)
  const before = at >= 0 ? at - 1 : last - 1
  const behind = at >= 0 ? at + 1 : last
  return last < 0 && at < 0
    ? {}
    : { ...(before >= 0 ? { before } : {}), ...(behind < ids.length ? { behind } : {}) }
}
