import { type Frame, frameReader } from './frames'

export type Connection = 'connecting' | 'live' | 'reconnecting'

export interface StreamOptions {
  url: string
  onFrame: (frame: Frame) => void
  onConnection: (connection: Connection) => void
  /** Silence in milliseconds after which a connection counts as dead; the server says something every 10 s. */
  silence?: number
}

const firstPause = 500
const longestPause = 3_000

/**
 * Keeps an event stream open until `stop` is called: reconnects after any end, error or silence, telling the server
 * the last event it has seen. `fetch` instead of `EventSource`, which gives up on an error status and can't see that
 * a connection has died in silence.
 */
export function openStream(options: StreamOptions): { stop: () => void } {
  const silence = options.silence ?? 25_000
  const stopped = new AbortController()
  let lastId = ''
  let pause = firstPause
  let wake: () => void = () => undefined

  const connect = async () => {
    const broken = new AbortController()
    const signal = AbortSignal.any([stopped.signal, broken.signal])
    let watch: ReturnType<typeof setTimeout> | undefined
    const alive = () => {
      clearTimeout(watch)
      watch = setTimeout(() => {
        broken.abort()
      }, silence)
    }
    try {
      alive()
      const headers: Record<string, string> = { Accept: 'text/event-stream' }
      if (lastId) {
        headers['Last-Event-ID'] = lastId
      }
      const response = await fetch(options.url, { headers, signal, cache: 'no-store' })
      if (!response.ok || !response.body) {
        return
      }
      options.onConnection('live')
      pause = firstPause
      const read = frameReader((frame) => {
        if (frame.id) {
          lastId = frame.id
        }
        options.onFrame(frame)
      })
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) {
          return
        }
        alive()
        read(value)
      }
    } catch {
      // Every way to lose the connection ends in the same place: the next attempt.
    } finally {
      clearTimeout(watch)
      broken.abort()
    }
  }

  const run = async () => {
    for (;;) {
      await connect()
      if (stopped.signal.aborted) {
        return
      }
      options.onConnection('reconnecting')
      await new Promise<void>((resolve) => {
        wake = resolve
        // Spread, so that a hundred pages don't come back to a restarted server in the same instant.
        setTimeout(resolve, pause * (0.75 + Math.random() / 2))
      })
      pause = Math.min(longestPause, pause * 2)
    }
  }

  const hurry = () => {
    if (document.visibilityState === 'visible') {
      pause = firstPause
      wake()
    }
  }
  window.addEventListener('online', hurry, { signal: stopped.signal })
  document.addEventListener('visibilitychange', hurry, { signal: stopped.signal })

  options.onConnection('connecting')
  void run()
  return {
    stop: () => {
      stopped.abort()
      wake()
    },
  }
}
