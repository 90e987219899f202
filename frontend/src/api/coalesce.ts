export interface Coalescer<Topic> {
  /** Asks for a refresh of these topics, soon. */
  add(...topics: Topic[]): void
  /** Forgets what was asked for and asks for nothing more. */
  stop(): void
}

/**
 * Turns many requests to refresh into few: one refresh at a time, the next at least `gap` milliseconds after the
 * one before has ended, each for everything that was asked for meanwhile. What is asked for during a refresh is
 * refreshed again, since the answer under way may be older than the request.
 */
export function coalesce<Topic>(
  refresh: (topics: ReadonlySet<Topic>) => Promise<unknown>,
  gap: number,
): Coalescer<Topic> {
  let wanted = new Set<Topic>()
  let state: 'idle' | 'busy' | 'stopped' = 'idle'
  let timer: ReturnType<typeof setTimeout> | undefined

  const next = () => {
    if (state === 'stopped') {
      return
    }
    if (wanted.size === 0) {
      state = 'idle'
      return
    }
    state = 'busy'
    const topics = wanted
    wanted = new Set()
    const rest = () => {
      timer = setTimeout(next, gap)
    }
    // A refresh that failed is tried again by the query itself.
    refresh(topics).then(rest, rest)
  }

  return {
    add(...topics) {
      for (const topic of topics) {
        wanted.add(topic)
      }
      if (state === 'idle') {
        state = 'busy'
        // The rest of a burst arrives in the same turn of the event loop.
        timer = setTimeout(next, 0)
      }
    },
    stop() {
      state = 'stopped'
      wanted.clear()
      clearTimeout(timer)
    },
  }
}
