import { useMutation, useQueryClient } from '@tanstack/vue-query'
import { answered, api, failureInWords } from '../api/client'
import { type BulkAction, foreseen, outcomeInWords } from './actions'
import { changeMany, type Subject } from './bulk'
import { changeCached } from './cached'
import { type Binned, useNotice } from './notice'

export interface Change {
  subject: Subject
  action: BulkAction
  /** Those in the bin are meant. */
  bin?: boolean
  /** The newest of a question's pictures: by the moment that it goes into the bin the others are known. */
  newest?: string
}

/** By what those that just went into the bin are found again. */
async function binnedBy({ subject, newest }: Change): Promise<Binned | undefined> {
  if ('ids' in subject) {
    return subject
  }
  if (newest === undefined) {
    return undefined
  }
  const { binned_at } = await answered(api.GET('/api/v1/images/{id}', { params: { path: { id: newest } } }))
  return binned_at ? { ...subject, since: binned_at } : undefined
}

/** Whether what came of a change is seen where it was made. */
function seenAtOnce({ subject, action }: Change): boolean {
  const few = 'ids' in subject && (action.action === 'mark' || subject.ids.length === 1)
  return few && ['mark', 'tag', 'untag'].includes(action.action)
}

/** Changes pictures, one or many; what is sure of named ones is shown at once. */
export function useChange() {
  const queries = useQueryClient()
  const notice = useNotice()
  return useMutation({
    mutationKey: ['images', 'change'],
    mutationFn: ({ subject, action, bin }: Change) => changeMany(subject, action, bin),
    onMutate: async ({ subject, action }) => {
      const change = foreseen(action)
      if ('ids' in subject && change) {
        await changeCached(queries, subject.ids, change)
      }
    },
    onSuccess: async (outcome, change) => {
      const { action } = change
      if (!seenAtOnce(change) || outcome.changed < outcome.matched) {
        const undo = action.action === 'bin' ? await binnedBy(change) : undefined
        notice.say(outcomeInWords(action, outcome), undo)
      }
    },
    onError: (error) => {
      notice.say(`That didn’t work: ${failureInWords(error)}`)
    },
    // Once the last of several changes is done: an answer in between would show the next one undone.
    onSettled: () =>
      queries.isMutating({ mutationKey: ['images'] }) === 1
        ? queries.invalidateQueries({ queryKey: ['images'] })
        : undefined,
  })
}
