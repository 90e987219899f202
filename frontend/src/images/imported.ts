/** What came of the files that somebody chose. */
export interface Imported {
  /** Pictures that were not here before. */
  added: number
  /** Those that were. */
  known: number
  /** Those of them that the bin has. */
  binned: number
  /** Names of the files that are none of that, and why. */
  refused: { name: string; why: string }[]
}

const pictures = (count: number) => (count === 1 ? '1 picture' : `${count.toLocaleString()} pictures`)

/** "2 pictures imported. 1 picture was here already.": what came of it but for what was refused. */
export function importedInWords({ added, known, binned }: Imported): string {
  const were = known === 1 ? 'was' : 'were'
  return [
    added > 0 ? `${pictures(added)} imported.` : '',
    known > 0 ? `${pictures(known)} ${were} here already${binned > 0 ? `, ${binned} in the bin` : ''}.` : '',
    added + known === 0 ? 'Nothing was imported.' : '',
  ]
    .filter((part) => part !== '')
    .join(' ')
}
