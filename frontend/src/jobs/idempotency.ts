/** A random key for `Idempotency-Key`; `crypto.randomUUID` is not there on plain-HTTP addresses other than localhost. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}

/**
 * Gives the same key for the same request until that was answered, so that pressing the button again after a lost
 * reply makes no second job, and a new key for the next request.
 */
export function idempotencyKeys(): { keyFor: (request: unknown) => string; answered: () => void } {
  let open: { request: string; key: string } | undefined
  return {
    keyFor(request) {
      const text = JSON.stringify(request)
      if (open?.request !== text) {
        open = { request: text, key: randomKey() }
      }
      return open.key
    },
    answered() {
      open = undefined
    },
  }
}
