import { defineStore } from 'pinia'
import { ref } from 'vue'

/** A prompt that a language model writes out; kept here, so that another page may be looked at meanwhile. */
export const useEnhancement = defineStore('enhancement', () => {
  /** The job that writes; nothing where nobody asked. */
  const job = ref<string>()
  /** The prompt as somebody wrote it. */
  const own = ref('')
  /** Whether what was written stands in the form. */
  const taken = ref(false)
  return {
    job,
    own,
    taken,
    /** Follows this job, which writes out this prompt. */
    follow(id: string, prompt: string) {
      job.value = id
      own.value = prompt
      taken.value = false
    },
    /** Leaves things as they are. */
    close() {
      job.value = undefined
      taken.value = false
    },
  }
})
