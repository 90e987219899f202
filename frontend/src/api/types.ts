import type { components, operations } from './schema'

export type Schemas = components['schemas']

export type Problem = Schemas['Problem']
export type Job = Schemas['Job']
export type WaitingJob = Schemas['WaitingJob']
export type JobState = Schemas['JobState']
/** Which jobs a request for many is about. */
export type JobsOf = operations['delete_jobs']['parameters']['query']
export type Attempt = Schemas['AttemptRecord']
export type Estimate = Schemas['Estimate']
export type DryRun = Schemas['DryRun']
export type Pause = Schemas['PauseRecord']
export type PauseScope = Schemas['PauseScope']
export type Failure = Schemas['Failure']
export type Preset = Schemas['PresetRecord']
export type Device = Schemas['DeviceRecord']
export type JobEvent = Schemas['EventRecord']
export type JobProgress = Schemas['JobProgress']
export type Picture = Schemas['Image']
