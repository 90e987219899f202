import { ref } from 'vue'
import { ApiError, failureInWords } from '../api/client'
import type { Job } from '../api/types'
import { useChosenPreset } from './chosenPreset'
import { fieldOf, type Problems, requestOfDraft, useDraft } from './draft'
import { idempotencyKeys } from './idempotency'
import { useSubmit } from './queries'

/** The field of the form that a refusal is about, or the form itself. */
export function fieldAtFault(error: unknown) {
  return fieldOf(error instanceof ApiError ? error.problem.field : undefined)
}

/** Sends the draft and says, field by field, what was wrong with it. */
export function useSubmission() {
  const draft = useDraft()
  const { chosen } = useChosenPreset()
  const submit = useSubmit()
  const keys = idempotencyKeys()
  const wrong = ref<Problems>({})
  const said = ref('')

  async function send(): Promise<Job | undefined> {
    if (submit.isPending.value) {
      return undefined
    }
    said.value = ''
    const { request, problems } = requestOfDraft(draft.draft, chosen.value?.parameters)
    wrong.value = request.prompt === '' ? { ...problems, prompt: 'Say what to draw.' } : problems
    if (Object.keys(wrong.value).length > 0) {
      return undefined
    }
    try {
      const job = await submit.mutateAsync({ request, key: keys.keyFor(request) })
      keys.answered()
      said.value = 'In the queue.'
      return job
    } catch (error) {
      if (error instanceof ApiError && error.status < 500) {
        keys.answered()
      }
      wrong.value = { [fieldAtFault(error)]: failureInWords(error) }
      return undefined
    }
  }

  return { draft, wrong, said, pending: submit.isPending, send }
}
