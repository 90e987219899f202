/** What the page keeps of the server's state; server events name the topics that they make stale. */
export type Topic = 'queue' | 'jobs' | 'images' | 'devices' | 'presets' | 'pauses' | 'prompt-templates'

/** A topic, or one job with all that belongs to it. */
export type Stale = Topic | `job/${string}`

/** The beginning of the keys under which queries keep it. */
export function keyOf(stale: Stale): string[] {
  return stale.split('/')
}

const afterEvent: Record<string, readonly Topic[]> = {
  queued: ['queue', 'jobs'],
  leased: ['queue', 'jobs', 'devices'],
  running: ['queue', 'jobs', 'devices'],
  helped: ['queue', 'jobs', 'devices'],
  expired: ['queue', 'jobs', 'devices'],
  retried: ['queue', 'jobs', 'devices'],
  cancel_requested: ['queue', 'jobs'],
  reprioritised: ['queue'],
  image: ['queue', 'images'],
  tagged: ['images'],
  succeeded: ['queue', 'jobs', 'devices'],
  failed: ['queue', 'jobs', 'images', 'devices'],
  cancelled: ['queue', 'jobs', 'images', 'devices'],
}

/** Everything that a lost event could have changed. */
export const everything: readonly Topic[] = [
  'queue',
  'jobs',
  'images',
  'devices',
  'presets',
  'pauses',
  'prompt-templates',
]

/** By the name of what somebody changed. */
const afterChange: Record<string, readonly Topic[]> = {
  images: ['images'],
  image_tags: ['images'],
  jobs: ['queue', 'jobs'],
  pauses: ['queue', 'pauses'],
  presets: ['presets'],
  prompt_templates: ['prompt-templates'],
}

/** The topics that are stale after these were changed; no name at all means that anything may have been. */
export function staleAfterChanges(changed: readonly string[]): readonly Topic[] {
  return changed.length === 0 ? everything : changed.flatMap((name) => afterChange[name] ?? everything)
}

/** The topics that an event of this kind makes stale; a kind that the page doesn't know makes all of them so. */
export function staleAfter(kind: string): readonly Topic[] {
  return afterEvent[kind] ?? everything
}
