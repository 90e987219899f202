/** One server-sent event. */
export interface Frame {
  id: string
  event: string
  data: string
}

/**
 * Reads server-sent events from text as it arrives. Feed it chunks; it calls `emit` for each whole event.
 * Follows the HTML standard's event stream format; `retry` is left alone since the page has its own back-off.
 */
export function frameReader(emit: (frame: Frame) => void): (chunk: string) => void {
  let rest = ''
  let id = ''
  let event = ''
  let data: string[] = []

  const line = (text: string) => {
    if (text === '') {
      if (data.length > 0) {
        emit({ id, event: event || 'message', data: data.join('\n') })
      }
      event = ''
      data = []
      return
    }
    const colon = text.indexOf(':')
    const field = colon < 0 ? text : text.slice(0, colon)
    const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') {
      data.push(value)
    } else if (field === 'event') {
      event = value
    } else if (field === 'id' && !value.includes('\0')) {
      id = value
    }
  }

  return (chunk) => {
    rest += chunk
    // A carriage return at the end may be the first half of a line end.
    const ready = rest.endsWith('\r') ? rest.length - 1 : rest.length
    const lines = rest.slice(0, ready).split(/\r\n|\n|\r/)
    rest = (lines.pop() ?? '') + rest.slice(ready)
    for (const text of lines) {
      line(text)
    }
  }
}
