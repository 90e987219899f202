import type { paths } from './schema'
import type { Failure, Job, JobState, Problem } from './types'

/** Which jobs a request for many is about; but for the states, what is absent is not asked for. */
export interface JobsOf {
  state: JobState[]
  kind?: Job['kind']
  preset?: string
  owner?: string
  /** Those that met this. */
  failure?: Failure['kind']
}

interface Operation<Query, Path, Responses> {
  parameters: { query?: Query; path?: Path; header?: never; cookie?: never }
  requestBody?: never
  responses: Responses & { default: { content: { 'application/problem+json': Problem } } }
}

type Post<Query, Answer> = Record<
  'get' | 'put' | 'delete' | 'options' | 'head' | 'patch' | 'trace',
  never
> & {
  post: Operation<Query, never, { 200: { content: { 'application/json': Answer } } }> & {
    parameters: { query: Query }
  }
}

interface Deletion {
  delete: Operation<never, { id: string }, { 204: { content?: never } }> & {
    parameters: { path: { id: string } }
  }
}

/** What the server takes that its document does not name yet. */
export type Paths = Omit<paths, '/api/v1/jobs/{id}'> & {
  '/api/v1/jobs/{id}': Omit<paths['/api/v1/jobs/{id}'], 'delete'> & Deletion
  '/api/v1/jobs/delete': Post<JobsOf, { deleted: number; kept: number }>
  '/api/v1/jobs/retry': Post<JobsOf, { queued: number; refused: number }>
}
