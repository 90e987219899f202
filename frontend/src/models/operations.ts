import type { Schemas } from '../api/types'
import { sentence } from '../app/words'
import { bytesInWords, stateOf } from './words'

export type Operation = Schemas['ModelOperation']
type Models = Schemas['Models']
type CatalogueModel = Schemas['CatalogueModel']

export const isRunning = (operation: Pick<Operation, 'state'> | null | undefined) =>
  operation?.state === 'running'

/** Whether anything is just done with a model. */
export function anyRuns(models: Models | undefined): boolean {
  return models !== undefined && allOf(models).some(isRunning)
}

const allOf = ({ catalogue, importing }: Models) => [
  ...importing,
  ...catalogue.flatMap(({ operation }) => operation ?? []),
]

/** What brings models in that the catalogue doesn't have yet, and what has kept others from it. */
export const importsOf = ({ importing }: Models): Operation[] =>
  importing.filter(({ kind, state }) => kind === 'import' && state !== 'done')

/** Per cent that is done, 0 to 100, whole numbers; nothing where the whole isn't known. */
export function percentOf({ done, total }: Pick<Operation, 'done' | 'total'>): number | undefined {
  return total > 0 ? Math.floor((100 * Math.min(done, total)) / total) : undefined
}

const underWay: Record<Operation['kind'], string> = {
  pull: 'Comes',
  verify: 'Is read',
  import: 'Is taken in',
  remove: 'Is removed',
}

const successes: Record<Operation['kind'], string> = {
  pull: 'Pulled, each file as the catalogue says.',
  verify: 'Verified: each file is as the catalogue says.',
  import: 'Imported.',
  remove: 'Its files are deleted.',
}

const failures: Record<Operation['kind'], string> = {
  pull: 'The pull failed',
  verify: 'Not as the catalogue says',
  import: 'The import failed',
  remove: 'It could not be removed',
}

/** "Comes: 4 MiB of 17 MiB": how far an operation is, or what came of it. */
export function operationInWords({ kind, state, done, total, error }: Operation): string {
  const far = `${bytesInWords(done)} of ${bytesInWords(total)}`
  switch (state) {
    case 'running':
      return total > 0 ? `${underWay[kind]}: ${far}` : `${underWay[kind]}…`
    case 'done':
      return successes[kind]
    case 'cancelled':
      return kind === 'pull'
        ? `Cancelled${done > 0 ? ` at ${far}` : ''}. What has come is kept: the next pull goes on from there.`
        : 'Cancelled.'
    default:
      return error ? `${failures[kind]}. ${sentence(error)}` : `${failures[kind]}.`
  }
}

/** Bytes that a pull has left for the next one to go on from. */
export const keptBy = (operation: Operation | null | undefined) =>
  operation?.kind === 'pull' && ['cancelled', 'failed'].includes(operation.state) ? operation.done : 0

/** An operation as it is shown: a pull that goes on counts from nothing until the server has looked at what is there. */
export function withKept(operation: Operation, kept: number): Operation {
  const unseen = operation.kind === 'pull' && isRunning(operation) && operation.done === 0
  return unseen ? { ...operation, done: kept } : operation
}

export interface Offer {
  /** What the button that brings it says; nothing where all of it is there. */
  pull: string | undefined
  verify: boolean
  remove: boolean
}

/** What may be done with a model of the catalogue, while nothing is. */
export function offerOf({ files, operation }: Pick<CatalogueModel, 'files' | 'operation'>): Offer {
  const { state } = stateOf(files)
  const some = files.some((file) => file.state !== 'missing')
  const broken = operation?.kind === 'pull' ? operation.state : undefined
  const unfinished = broken === 'cancelled' || broken === 'failed'
  /** Of the right size, and yet another file. */
  const wrong = state === 'here' && operation?.kind === 'verify' && operation.state === 'failed'
  const again = unfinished ? (broken === 'failed' ? 'Try again' : 'Go on') : 'Pull again'
  return {
    pull: state === 'here' && !wrong ? undefined : state === 'missing' && !unfinished ? 'Pull' : again,
    verify: some,
    remove: some || unfinished,
  }
}

/** What is lost with a model, for the question before it is removed. */
export function lossInWords(model: Pick<CatalogueModel, 'files' | 'name'>, models: Models): string {
  const paths = new Set(model.files.map(({ path }) => path))
  const presets = models.files.filter(({ path }) => paths.has(path)).flatMap((file) => file.presets)
  const named = [...new Set(presets)]
  const files = paths.size === 1 ? 'Its file goes' : `Its ${paths.size} files go`
  const then =
    named.length === 0
      ? 'No preset names it.'
      : `No worker can serve ${named.join(', ')} any more until it is back.`
  return `${files} from the models directory. ${then} What was pulled can be pulled again; what was imported has to be imported anew.`
}
