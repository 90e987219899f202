import { useMutation, useQueryClient } from '@tanstack/vue-query'
import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import { binnedSince, changeMany } from './bulk'
import type { Question } from './filters'

/** Pictures that went into the bin together: by their ids, or as those of a question since a moment. */
export type Binned = { ids: readonly string[] } | { question: Question; since: string }

interface Notice {
  words: string
  undo?: Binned
}

/** What came of the last change of pictures; it stays until the next or until it is put away. */
export const useNotice = defineStore('notice', () => {
  const last = shallowRef<Notice>()
  return {
    last,
    say(words: string, undo?: Binned) {
      last.value = { words, ...(undo ? { undo } : {}) }
    },
    forget() {
      last.value = undefined
    },
  }
})

/** Takes what went into the bin last out of it, and nothing that was there before. */
export function useUndo() {
  const queries = useQueryClient()
  const notice = useNotice()
  return useMutation({
    mutationKey: ['images', 'undo'],
    mutationFn: async (binned: Binned) => {
      const ids = 'ids' in binned ? binned.ids : await binnedSince(binned.question, binned.since)
      return changeMany({ ids }, { action: 'restore' }, true)
    },
    onSuccess: () => {
      notice.forget()
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['images'] }),
  })
}
