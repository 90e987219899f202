import createClient from 'openapi-fetch'
import type { paths } from './schema'
import type { Problem } from './types'

/** Milliseconds after which a request counts as lost; it is then tried again. */
const patience = 15_000

export const api = createClient<paths>({
  baseUrl: window.location.origin,
  querySerializer: { array: { style: 'form', explode: false } },
  fetch: (request) =>
    fetch(request, { signal: AbortSignal.any([request.signal, AbortSignal.timeout(patience)]) }),
})

/** The server's answer when it didn't do what was asked (RFC 9457). */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Problem>,
  ) {
    super(problem.detail ?? `The server answered with status ${status}.`)
  }
}

interface Answer<Data> {
  data?: Data
  error?: unknown
  response: Response
}

/** The answer's data; anything but success is thrown as an `ApiError`. */
export async function answered<Data>(answer: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await answer
  if (!response.ok || data === undefined) {
    throw new ApiError(response.status, typeof error === 'object' && error !== null ? error : {})
  }
  return data
}

/** A sentence for people, whatever was thrown. */
export function failureInWords(thrown: unknown): string {
  return thrown instanceof ApiError ? thrown.message : 'The server can’t be reached at the moment.'
}
