import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'

export interface Verification {
  /** The job that draws the picture again. */
  job: string
  /** What it drew; nothing until then. */
  drawn?: { id: string; same: boolean }
}

/** Pictures that are drawn again, by their ids; kept here, so that other pictures may be looked at meanwhile. */
export const useVerifications = defineStore('verifications', () => {
  const known = shallowReactive<Record<string, Verification>>({})
  return {
    of: (picture: string): Verification | undefined => known[picture],
    begin(picture: string, job: string) {
      known[picture] = { job }
    },
    end(picture: string, drawn: { id: string; same: boolean }) {
      const begun = known[picture]
      if (begun) {
        known[picture] = { ...begun, drawn }
      }
    },
  }
})
