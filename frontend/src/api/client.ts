import createClient from 'openapi-fetch'
import type { paths } from './schema'
import type { Problem } from './types'

/** Milliseconds after which a request counts as lost; it is then tried again. */
const patience = 15_000

/** As `patience`, for what takes its time: a change of many, a file that is sent. */
const longPatience = 300_000

/** For requests that take their time. */
export const slowly = (request: Request) => fetch(request, { signal: AbortSignal.timeout(longPatience) })

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

function refused({ error, response }: Answer<unknown>): ApiError {
  return new ApiError(response.status, typeof error === 'object' && error !== null ? error : {})
}

/** The answer's data; anything but success is thrown as an `ApiError`. */
export async function answered<Data>(answer: Promise<Answer<Data>>): Promise<Data> {
  const given = await answer
  if (!given.response.ok || given.data === undefined) {
    throw refused(given)
  }
  return given.data
}

/** That it was done, where success has nothing to say. */
export async function done(answer: Promise<Answer<unknown>>): Promise<void> {
  const given = await answer
  if (!given.response.ok) {
    throw refused(given)
  }
}

/** A sentence for people, whatever was thrown. */
export function failureInWords(thrown: unknown): string {
  return thrown instanceof ApiError ? thrown.message : 'The server can’t be reached at the moment.'
}
