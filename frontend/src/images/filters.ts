import type { LocationQuery } from 'vue-router'

/** Which pictures are shown; what is absent is not asked for. */
export interface PictureFilter {
  /** Words of prompt, tags or what was avoided, as web searches have them. */
  q?: string
  /** It has all of these tags. */
  tags?: string[]
  /** It has one of these tags at least. */
  any_tags?: string[]
  /** It has none of these tags. */
  no_tags?: string[]
  preset?: string
  /** Rated so high, or higher. */
  rating_min?: number
  favourite?: true
  /** Width and height in pixels, as `512x768`. */
  size?: string
  /** The first day, as `2026-11-28`, of this browser's time zone. */
  from?: string
  /** The last day. */
  to?: string
  owner?: string
  job?: string
  /** The picture that it was made from. */
  parent?: string
  seed?: number
  /** Those in the bin, which nothing else shows. */
  bin?: true
  /** What fits `q` best comes first, in place of the newest. */
  sort?: 'relevance'
}

export type TagMode = 'tags' | 'any_tags' | 'no_tags'
export const tagModes: Record<TagMode, string> = { tags: 'All of', any_tags: 'Any of', no_tags: 'None of' }
const modes = Object.keys(tagModes) as TagMode[]

const text = (typed: string) => typed
const list = (typed: string) => {
  const names = typed.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]))
  return names.length > 0 ? [...new Set(names)] : undefined
}
const day = (typed: string) =>
  /^\d{4}-\d\d-\d\d$/.test(typed) && !Number.isNaN(Date.parse(typed)) ? typed : undefined
const yes = (typed: string) => (typed === 'true' ? true : undefined)
const whole = (least: number, most: number) => (typed: string) => {
  const value = /^\d+$/.test(typed) ? Number(typed) : NaN
  return value >= least && value <= most ? value : undefined
}

/** How each part is read from an address; what can't be read is not asked for. */
const readers: { [Name in keyof PictureFilter]-?: (typed: string) => PictureFilter[Name] } = {
  q: text,
  tags: list,
  any_tags: list,
  no_tags: list,
  preset: text,
  rating_min: whole(1, 5),
  favourite: yes,
  size: (typed) => (/^[1-9]\d{0,4}x[1-9]\d{0,4}$/.test(typed) ? typed : undefined),
  from: day,
  to: day,
  owner: text,
  job: text,
  parent: text,
  seed: whole(0, Number.MAX_SAFE_INTEGER),
  bin: yes,
  sort: (typed) => (typed === 'relevance' ? typed : undefined),
}

/** The filter that an address names. */
export function pictureFilterOf(query: LocationQuery): PictureFilter {
  const named = Object.entries(readers).flatMap(([name, read]) => {
    const typed = query[name]
    const value = typeof typed === 'string' && typed.trim() !== '' ? read(typed.trim()) : undefined
    return value === undefined ? [] : [[name, value] as const]
  })
  return Object.fromEntries(named)
}

/** The address that names the filter; equal filters have equal addresses. */
export function addressOf(filter: PictureFilter): Record<string, string> {
  const named = (Object.keys(readers) as (keyof PictureFilter)[]).flatMap((name) => {
    const value = filter[name]
    return value === undefined || String(value) === '' ? [] : [[name, String(value)] as const]
  })
  return Object.fromEntries(named)
}

/** The filter without some of its parts. */
export function without(filter: PictureFilter, ...parts: (keyof PictureFilter)[]): PictureFilter {
  return Object.fromEntries(
    Object.entries(filter).filter(([name]) => !parts.includes(name as keyof PictureFilter)),
  )
}

/** How the filter has a tag, if it has it. */
export function modeOf(filter: PictureFilter, tag: string): TagMode | undefined {
  return modes.find((mode) => filter[mode]?.includes(tag))
}

export function withoutTag(filter: PictureFilter, tag: string): PictureFilter {
  return modes.reduce((left, mode) => {
    const names = left[mode]?.filter((name) => name !== tag) ?? []
    return names.length > 0 ? { ...left, [mode]: names } : without(left, mode)
  }, filter)
}

/** The filter with the tag in this way and in no other. */
export function withTag(filter: PictureFilter, mode: TagMode, tag: string): PictureFilter {
  const left = withoutTag(filter, tag)
  return { ...left, [mode]: [...(left[mode] ?? []), tag] }
}

/** One part of the filter in words, and the filter without it. */
export interface Chip {
  words: string
  rest: PictureFilter
}

const inWords: Partial<Record<keyof PictureFilter, (filter: PictureFilter) => string>> = {
  preset: ({ preset = '' }) => `Preset: ${preset}`,
  rating_min: ({ rating_min = 0 }) => (rating_min < 5 ? `Rated ${rating_min} or higher` : 'Rated 5'),
  favourite: () => 'Favourites',
  size: ({ size = '' }) => `Size: ${size.replace('x', ' × ')}`,
  from: ({ from = '' }) => `From: ${from}`,
  to: ({ to = '' }) => `Until: ${to}`,
  owner: ({ owner = '' }) => `Owner: ${owner}`,
  job: ({ job = '' }) => `Job: ${job}`,
  parent: ({ parent = '' }) => `Made from: ${parent}`,
  seed: ({ seed = 0 }) => `Seed: ${seed}`,
}

/** What narrows the pictures beside the words searched for, each to be taken back by itself. */
export function chipsOf(filter: PictureFilter): Chip[] {
  const tags = modes.flatMap((mode) =>
    (filter[mode] ?? []).map((tag) => ({
      words: `${mode === 'tags' ? 'Tag' : tagModes[mode]}: ${tag}`,
      rest: withoutTag(filter, tag),
    })),
  )
  const others = (Object.keys(inWords) as (keyof PictureFilter)[]).flatMap((name) => {
    const words = filter[name] === undefined ? undefined : inWords[name]?.(filter)
    return words === undefined ? [] : [{ words, rest: without(filter, name) }]
  })
  return [...tags, ...others]
}

/** The start of a day of this browser's time zone, or of one that many days later. */
function startOf(date: string, later = 0): string {
  const [year = 0, month = 1, day = 1] = date.split('-').map(Number)
  return new Date(year, month - 1, day + later).toISOString()
}

/** The filter in the API's terms, as lists, counts and changes of many take it. */
export function questionOf(filter: PictureFilter) {
  const { size, from, to, sort: _, ...same } = filter
  const [width, height] = size?.split('x').map(Number) ?? []
  return {
    ...same,
    ...(width && height
      ? { min_width: width, max_width: width, min_height: height, max_height: height }
      : {}),
    ...(from ? { from: startOf(from) } : {}),
    ...(to ? { to: startOf(to, 1) } : {}),
  }
}

export type Question = ReturnType<typeof questionOf>
