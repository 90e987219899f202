import type { Schemas } from '../api/types'
import { mibInWords } from '../devices/memory'

/** Bytes for people; sizes of files are told in the ledger's units. */
export function bytesInWords(bytes: number): string {
  return bytes < 1_048_576 ? `${Math.ceil(bytes / 1024)} KiB` : mibInWords(bytes / 1_048_576)
}

/** How a model of the catalogue is, of how its files are: what is broken counts before what is missing. */
export function stateOf(
  files: readonly Schemas['CatalogueFile'][],
  last?: Pick<Schemas['ModelOperation'], 'kind' | 'state'> | null,
): {
  state: Schemas['FileState']
  words: string
} {
  const count = (state: Schemas['FileState']) => files.filter((file) => file.state === state).length
  const [corrupt, missing] = [count('corrupt'), count('missing')]
  if (corrupt > 0) {
    return {
      state: 'corrupt',
      words: files.length === 1 ? 'Broken' : `${corrupt} of ${files.length} files broken`,
    }
  }
  if (missing > 0) {
    const all = missing === files.length
    const removed = last?.kind === 'remove' && last.state === 'done'
    return {
      state: 'missing',
      words: all ? (removed ? 'Removed' : 'Not here') : `${missing} of ${files.length} files missing`,
    }
  }
  return { state: 'here', words: 'Here' }
}
