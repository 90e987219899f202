import type { LocationQuery } from 'vue-router'
import type { Failure, Job } from '../api/types'
import { failureNames } from './failures'

/** Which failed jobs are shown; what is absent is not asked for. */
export interface FailureFilter {
  why?: Failure['kind']
  preset?: string
  owner?: string
}

type Failed = Pick<Job, 'id' | 'preset' | 'error' | 'finished_at' | 'created_at'>

export interface FailureGroup<Of extends Failed> {
  kind: Failure['kind']
  preset: string
  /** Newest first. */
  jobs: Of[]
  newest: Of
}

const kindOf = (job: Pick<Job, 'error'>) => job.error?.kind ?? 'internal'
const endOf = (job: Failed) => Date.parse(job.finished_at ?? job.created_at)

/** Failed jobs by the type of failure and the preset, the class that met its latest first. */
export function groupFailures<Of extends Failed>(jobs: readonly Of[]): FailureGroup<Of>[] {
  const groups = new Map<string, FailureGroup<Of>>()
  for (const job of jobs.toSorted((a, b) => endOf(b) - endOf(a))) {
    const kind = kindOf(job)
    const key = `${kind} ${job.preset}`
    const group = groups.get(key)
    if (group) {
      group.jobs.push(job)
    } else {
      groups.set(key, { kind, preset: job.preset, jobs: [job], newest: job })
    }
  }
  return [...groups.values()]
}

/** The filter that an address names; what it says beyond that is left alone. */
export function failureFilterOf(query: LocationQuery): FailureFilter {
  const text = (name: string) => {
    const value = query[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const [why, preset, owner] = [text('why'), text('preset'), text('owner')]
  return {
    ...(why !== undefined && Object.hasOwn(failureNames, why) ? { why: why as Failure['kind'] } : {}),
    ...(preset === undefined ? {} : { preset }),
    ...(owner === undefined ? {} : { owner }),
  }
}
