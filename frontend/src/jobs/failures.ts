import type { Failure } from '../api/types'

/** The kinds of failures in a few words. */
export const failureNames: Record<Failure['kind'], string> = {
  invalid_input: 'The engine refused the settings',
  model_missing: 'A model file is missing',
  model_corrupt: 'A model file can’t be loaded',
  out_of_memory: 'Memory ran out',
  engine_crashed: 'The engine crashed',
  engine_hung: 'The engine stopped moving',
  device_lost: 'The device is gone',
  disk_full: 'The store is full',
  timeout: 'It took too long',
  worker_lost: 'The worker vanished',
  internal: 'Something went wrong inside',
}

/** The kind of a failure in a few words, the server's sentence after it. */
export function failureInWords(failure: Failure): string {
  return `${failureNames[failure.kind]}: ${failure.message}`
}
