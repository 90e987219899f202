import { defineStore } from 'pinia'
import { ref } from 'vue'
import { answered, api, ApiError, failureInWords } from '../api/client'
import { failureInWords as endInWords } from './failures'
import { idempotencyKeys } from './idempotency'
import { type Request, useSubmit } from './queries'

const ended = ['succeeded', 'failed', 'cancelled']
/** Milliseconds between two attempts to reach a server that is away. */
const pause = 2_000

/** Draws one picture after the other, each with another seed, as long as this tab is open and nothing goes wrong. */
export const useEndless = defineStore('endless', () => {
  const on = ref(false)
  const made = ref(0)
  const wrong = ref('')
  const submit = useSubmit()
  const goesOn = () => on.value

  /** Keeps on trying while the server can't be reached; what it refuses is thrown. */
  async function insist<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        if (error instanceof ApiError && error.status < 500) {
          throw error
        }
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
    }
  }

  async function start(what: () => Request) {
    if (on.value) {
      return
    }
    on.value = true
    made.value = 0
    wrong.value = ''
    const keys = idempotencyKeys()
    try {
      while (goesOn()) {
        // Asked anew each time, so that an edit shows in the next picture.
        const { seed: _, ...request } = what()
        const key = keys.keyFor(request)
        let job = await insist(() => submit.mutateAsync({ request, key }))
        keys.answered()
        while (!ended.includes(job.state)) {
          const params = { path: { id: job.id }, query: { wait: '10s' } }
          job = await insist(() => answered(api.GET('/api/v1/jobs/{id}', { params })))
        }
        if (job.state !== 'succeeded') {
          wrong.value = job.error ? endInWords(job.error) : 'Its job was cancelled.'
          break
        }
        made.value += job.images_done
      }
    } catch (error) {
      wrong.value = failureInWords(error)
    } finally {
      on.value = false
    }
  }

  function stop() {
    on.value = false
  }

  return { on, made, wrong, start, stop }
})
