import { onScopeDispose, ref } from 'vue'

/** Where something would be dropped: on one of a list, before or behind it. */
export interface Aim {
  id: string
  behind: boolean
}

export interface Box {
  id: string
  top: number
  bottom: number
}

/** What a height in a list aims at: the one whose middle is nearest; nothing where the list is empty. */
export function aimAt(y: number, boxes: readonly Box[]): Aim | undefined {
  let nearest: (Aim & { away: number }) | undefined
  for (const { id, top, bottom } of boxes) {
    const past = y - (top + bottom) / 2
    if (!nearest || Math.abs(past) < nearest.away) {
      nearest = { id, behind: past > 0, away: Math.abs(past) }
    }
  }
  return nearest && { id: nearest.id, behind: nearest.behind }
}

/** The place among the others of what is dropped: those behind its old place move up by one. */
export function placeAfterDrop(from: number, at: number, behind: boolean): number {
  const to = at + (behind ? 1 : 0)
  return to > from ? to - 1 : to
}

/** Pixels from the window's upper and lower edge within which the page scrolls along, and how far it does at a time. */
const [edge, stride] = [96, 10]

/**
 * Drags things of a list up and down, by mouse, pen or finger, from the press on a handle (which needs `touch-action: none`)
 * until it is let go; Escape leaves all as it was. `boxes` are the list as it stands without the drag.
 */
export function useDrag(boxes: () => readonly Box[], drop: (id: string, aim: Aim) => void) {
  const dragged = ref<string>()
  const aim = ref<Aim>()
  /** Pixels that the pointer has moved over the page. */
  const moved = ref(0)
  let [begun, y] = [0, 0]
  let listening = new AbortController()

  function release() {
    listening.abort()
    dragged.value = undefined
    aim.value = undefined
    moved.value = 0
  }

  function look() {
    moved.value = y + window.scrollY - begun
    const found = aimAt(y, boxes())
    aim.value = found?.id === dragged.value ? undefined : found
  }

  function scrollAlong() {
    if (dragged.value === undefined) {
      return
    }
    const step = y < edge ? -stride : y > window.innerHeight - edge ? stride : 0
    if (step !== 0) {
      window.scrollBy(0, step)
      look()
    }
    requestAnimationFrame(scrollAlong)
  }

  function lift(event: PointerEvent, id: string) {
    if (event.button !== 0 || !event.isPrimary) {
      return
    }
    // No selection of text on the way.
    event.preventDefault()
    release()
    const { pointerId } = event
    ;(event.currentTarget as HTMLElement).setPointerCapture(pointerId)
    listening = new AbortController()
    const { signal } = listening
    dragged.value = id
    y = event.clientY
    begun = y + window.scrollY
    const mine = (does: (event: PointerEvent) => void) => (event: PointerEvent) => {
      if (event.pointerId === pointerId) {
        does(event)
      }
    }
    // On the window: a handle whose row is moved meanwhile loses the pointer.
    window.addEventListener(
      'pointermove',
      mine((event) => {
        if (event.buttons === 0) {
          release()
          return
        }
        y = event.clientY
        look()
      }),
      { signal },
    )
    window.addEventListener(
      'pointerup',
      mine(() => {
        const [what, where] = [dragged.value, aim.value]
        release()
        if (what !== undefined && where) {
          drop(what, where)
        }
      }),
      { signal },
    )
    window.addEventListener('pointercancel', mine(release), { signal })
    window.addEventListener(
      'keydown',
      ({ key }) => {
        if (key === 'Escape') {
          release()
        }
      },
      { signal },
    )
    requestAnimationFrame(scrollAlong)
  }

  onScopeDispose(release)
  return { dragged, aim, moved, lift }
}
