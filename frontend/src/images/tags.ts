/** What a picture's tags are at: the set itself, or why it is empty. */
export function tagsInWords(state: string, count: number): string {
  switch (state) {
    case 'pending':
      return count > 0 ? 'More tags are on their way…' : 'Tags are on their way…'
    case 'failed':
      return 'Tagging failed.'
    case 'done':
      return count > 0 ? '' : 'No tags found.'
    default:
      return count > 0 ? '' : 'Not tagged.'
  }
}

interface NamedTag {
  name: string
  source: string
  confidence: number
}

export interface ShownTag {
  name: string
  /** Who gave it, the surest first. */
  sources: { source: string; confidence: number }[]
}

/** Each name once, in the order given; a tag that a person and a model both gave has both as its sources. */
export function shownTags(tags: readonly NamedTag[]): ShownTag[] {
  const byName = new Map<string, ShownTag>()
  for (const { name, source, confidence } of tags) {
    const shown = byName.get(name) ?? { name, sources: [] }
    shown.sources.push({ source, confidence })
    shown.sources.sort((a, b) => b.confidence - a.confidence)
    byName.set(name, shown)
  }
  return [...byName.values()]
}

const sourceNames: Record<string, string> = {
  user: 'by hand',
  llm: 'language model',
  vlm: 'vision model',
}

/** "language model 87 %": who says so, and how sure they are. */
export function sourcesInWords({ sources }: ShownTag): string {
  return sources
    .map(({ source, confidence }) => {
      const by = sourceNames[source] ?? source
      return source === 'user' ? by : `${by} ${Math.round(confidence * 100)} %`
    })
    .join(', ')
}
