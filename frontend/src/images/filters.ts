import type { LocationQuery } from 'vue-router'

/** Which pictures are shown; what is absent is not asked for. */
export interface PictureFilter {
  tag?: string
  preset?: string
  owner?: string
  job?: string
}

export const filterNames: Record<keyof PictureFilter, string> = {
  tag: 'Tag',
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
