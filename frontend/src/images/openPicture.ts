import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

const name = 'image'

/** The picture that is open, kept in the address so that it can be linked to and the back button closes it. */
export function useOpenPicture(): {
  open: ComputedRef<string | undefined>
  show: (id: string) => void
  close: () => void
} {
  const route = useRoute()
  const router = useRouter()
  const open = computed(() => {
    const id = route.query[name]
    return typeof id === 'string' && id !== '' ? id : undefined
  })

  return {
    open,
    show(id) {
      // A picture shown after another replaces it: the back button closes, it doesn't page.
      const replace = open.value !== undefined
      const pushed = replace ? (history.state as { pushed?: boolean }).pushed === true : true
      void router.push({
        query: { ...route.query, [name]: id },
        hash: route.hash,
        replace,
        state: { pushed },
      })
    },
    close() {
      if (open.value === undefined) {
        return
      }
      // Whether the entry before this one in the history is this page without the picture; survives a reload.
      if ((history.state as { pushed?: boolean }).pushed === true) {
        router.back()
        return
      }
      const { [name]: _, ...query } = route.query
      void router.replace({ query, hash: route.hash })
    },
  }
}
