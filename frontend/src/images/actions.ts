import type { Picture, Schemas } from '../api/types'

export type BulkAction = Schemas['BulkAction']
export type BulkChanged = Schemas['BulkChanged']

/** What an action makes of a picture in a list, where that is sure before the server answers. */
export function foreseen(action: BulkAction): ((picture: Picture) => Picture | undefined) | undefined {
  switch (action.action) {
    case 'mark':
      return (picture) => ({
        ...picture,
        rating: action.rating ?? picture.rating,
        favourite: action.favourite ?? picture.favourite,
      })
    case 'bin':
    case 'restore':
    case 'delete':
      return () => undefined
    default:
      return undefined
  }
}

const pictures = (count: number) => (count === 1 ? '1 picture' : `${count.toLocaleString()} pictures`)

/** "3 pictures are in the bin.": what came of an action, and what didn't. */
export function outcomeInWords(action: BulkAction, { matched, changed }: BulkChanged): string {
  const are = changed === 1 ? 'is' : 'are'
  const done = {
    mark: () => `${pictures(changed)} marked.`,
    tag: () => `${pictures(changed)} tagged.`,
    untag: () => `${pictures(changed)} without it now.`,
    retag: () => `${pictures(changed)} ${are} being tagged anew.`,
    bin: () => `${pictures(changed)} ${are} in the bin.`,
    restore: () => `${pictures(changed)} ${are} out of the bin.`,
    delete: () => `${pictures(changed)} deleted for good.`,
  }[action.action]()
  const left = matched - changed
  return left === 0 ? done : `${done} ${pictures(left)} stayed as before: ${whyLeft[action.action]}.`
}

const whyLeft: Record<BulkAction['action'], string> = {
  mark: 'it was so already',
  tag: 'no more tags fit',
  untag: 'it was not there',
  retag: 'tags are on their way already',
  bin: 'jobs are still at work',
  restore: 'they were not there',
  delete: 'jobs are still at work',
}
