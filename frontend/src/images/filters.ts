import type { LocationQuery } from 'vue-router'

/** Which pictures are shown; what is absent is not asked for. */
export interface PictureFilter {
  /** Words of prompt, tags or what was avoided, as web searches have them. */
  q?: string
  /** Tags that it has, separated by commas. */
  tags?: string
  preset?: string
  owner?: string
  job?: string
}

export const filterNames: Record<keyof PictureFilter, string> = {
  q: 'Found by',
  tags: 'Tags',
  preset: 'Preset',
  owner: 'Owner',
  job: 'Job',
}

/** The filter that an address names. */
export function pictureFilterOf(query: LocationQuery): PictureFilter {
  const named = (Object.keys(filterNames) as (keyof PictureFilter)[]).flatMap((name) => {
    const value = query[name]
    return typeof value === 'string' && value.trim() !== '' ? [[name, value.trim()] as const] : []
  })
  return Object.fromEntries(named)
}

/** The filter in the API's terms: of a list the API takes one text, with commas. */
export function questionOf({ tags, ...rest }: PictureFilter) {
  return tags === undefined ? rest : { ...rest, tags: [tags] }
}
