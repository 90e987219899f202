import type { LocationQuery, LocationQueryRaw } from 'vue-router'
import type { Job, JobState } from '../api/types'
import { stateNames } from './names'

/** Which jobs a list shows; what is absent is not asked for. */
export interface JobFilter {
  states: JobState[]
  kind?: Job['kind']
  preset?: string
  owner?: string
}

export const kinds: Record<Job['kind'], string> = {
  generate: 'Pictures',
  tag: 'Tags',
  enhance: 'Prompts',
  upscale: 'Larger pictures',
}

/** Jobs of a kind, in words that follow a count. */
const jobNames: Record<Job['kind'], string> = {
  generate: 'picture jobs',
  tag: 'tagging jobs',
  enhance: 'prompt jobs',
  upscale: 'upscale jobs',
}

const text = (value: LocationQuery[string] | undefined) =>
  typeof value === 'string' && value !== '' ? value : undefined
const isState = (name: string): name is JobState => Object.hasOwn(stateNames, name)
const isKind = (name: string | undefined): name is Job['kind'] =>
  name !== undefined && Object.hasOwn(kinds, name)

/** The filter that an address names; what it says beyond that is left alone. */
export function filterOf(query: LocationQuery): JobFilter {
  const kind = text(query.kind)
  const preset = text(query.preset)
  const owner = text(query.owner)
  const named = (text(query.state) ?? '').split(',').filter(isState)
  return {
    // In a job's order of life, each once, so that equal filters have equal addresses.
    states: (Object.keys(stateNames) as JobState[]).filter((state) => named.includes(state)),
    ...(isKind(kind) ? { kind } : {}),
    ...(preset === undefined ? {} : { preset }),
    ...(owner === undefined ? {} : { owner }),
  }
}

/** The address that names the filter. */
export function queryOf({ states, kind, preset, owner }: JobFilter): LocationQueryRaw {
  return {
    ...(states.length > 0 ? { state: states.join(',') } : {}),
    ...(kind ? { kind } : {}),
    ...(preset ? { preset } : {}),
    ...(owner ? { owner } : {}),
  }
}

/** Whether the job is one of those, its state aside. */
export function belongs(job: Pick<Job, 'kind' | 'preset' | 'owner'>, filter: JobFilter): boolean {
  return (
    (!filter.kind || job.kind === filter.kind) &&
    (!filter.preset || job.preset === filter.preset) &&
    (!filter.owner || job.owner === filter.owner)
  )
}

/** "pictures of demo for ada": which jobs, in words that follow a count. */
export function filterInWords({ kind, preset, owner }: JobFilter): string {
  return [kind ? jobNames[kind] : 'jobs', preset ? `of ${preset}` : '', owner ? `for ${owner}` : '']
    .filter((part) => part !== '')
    .join(' ')
}
