import { onScopeDispose, type Ref, ref } from 'vue'

const name = 'image'

/** The picture that is open, kept in the address so that it can be linked to and the back button closes it. */
export function useOpenPicture(): {
  open: Ref<string | undefined>
  show: (id: string) => void
  close: () => void
} {
  const inAddress = () => new URLSearchParams(window.location.search).get(name) ?? undefined
  const open = ref(inAddress())
  // Whether the entry before this one in the history is this page without the picture.
  let pushed = false

  const onPopState = () => {
    open.value = inAddress()
    pushed = false
  }
  window.addEventListener('popstate', onPopState)
  onScopeDispose(() => {
    window.removeEventListener('popstate', onPopState)
  })

  return {
    open,
    show(id) {
      const address = new URL(window.location.href)
      address.searchParams.set(name, id)
      history.pushState(null, '', address)
      pushed = true
      open.value = id
    },
    close() {
      if (open.value === undefined) {
        return
      }
      if (pushed) {
        history.back()
        return
      }
      const address = new URL(window.location.href)
      address.searchParams.delete(name)
      history.replaceState(null, '', address)
      open.value = undefined
    },
  }
}
