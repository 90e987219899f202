import type { Schemas } from '../api/types'
import { planNames } from '../images/settings'
import { bytesInWords } from '../models/words'
import { labelOf } from '../presets/form'

export type Receipt = Schemas['Receipt']
type MadeWith = Schemas['MadeWith']
type HashedFile = Schemas['HashedFile']

/** What a file is for; one that this page doesn't know is called as the preset's field is. */
const roleInWords = (role: string) => labelOf(role) ?? role.replace(/^files\./, '').replaceAll('_', ' ')

const librariesOf = ({ libraries }: MadeWith) =>
  Object.entries(libraries)
    .map(([name, version]) => `${name} ${version}`)
    .sort()
    .join(', ')

const deviceOf = ({ device }: MadeWith) => `${device.name} (${device.kind})`

/** With what a picture was made, its files apart, as pairs of a name and a value. */
export function circumstancesOf(receipt: Receipt): [string, string][] {
  const made = receipt.made_with
  const plan: [string, string] = ['Plan', planNames[receipt.plan]]
  return made
    ? [
        ['Device', deviceOf(made)],
        plan,
        // Nothing samples what is enlarged.
        ...(made.sampler ? [['Sampler', made.sampler] satisfies [string, string]] : []),
        ...(made.scheduler ? [['Schedule', made.scheduler] satisfies [string, string]] : []),
        ['Engine', made.version],
        ['Libraries', librariesOf(made) || 'their versions are not known'],
      ]
    : [plan]
}

export interface ReceiptFile {
  path: string
  /** "Checkpoint, small decoder · 17 MiB". */
  words: string
  /** Its SHA-256; nothing where it isn't known. */
  sha256: string | undefined
}

/** The files that a picture was made with, each once, whatever it was for. */
export function filesOf({ made_with }: Receipt): ReceiptFile[] {
  const found = new Map<string, { file: HashedFile; uses: string[] }>()
  const add = (use: string, file: HashedFile) => {
    const key = `${file.path} ${file.sha256 ?? ''}`
    const known = found.get(key)
    if (known) {
      known.uses.push(use)
    } else {
      found.set(key, { file, uses: [use] })
    }
  }
  for (const file of made_with?.files ?? []) {
    add(roleInWords(file.role), file)
  }
  for (const file of made_with?.loras ?? []) {
    add(`LoRA ${file.role}`, file)
  }
  return [...found.values()].map(({ file, uses }) => ({
    path: file.path,
    words: `${uses.join(', ')} · ${bytesInWords(file.bytes)}`,
    sha256: file.sha256 ?? undefined,
  }))
}

/** Whether the content of every file is known; also where it never will be told with what a picture was made. */
export function allHashed({ made_with }: Receipt): boolean {
  return [...(made_with?.files ?? []), ...(made_with?.loras ?? [])].every(({ sha256 }) => sha256)
}

/** What two pictures that should be the same were made with, where that differs or isn't known, a sentence each. */
export function differencesOf(first: Receipt, second: Receipt): string[] {
  const sentences: string[] = []
  const differ = (what: string, before: string, now: string) => {
    if (before !== now) {
      sentences.push(`${what}: ${before}; now ${now}.`)
    }
  }
  const [before, now] = [first.made_with, second.made_with]
  differ('Plan', planNames[first.plan], planNames[second.plan])
  if (!before || !now) {
    return [...sentences, 'With what the picture was made isn’t known: it is from before that was noted.']
  }
  differ('Device', deviceOf(before), deviceOf(now))
  differ('Sampler', before.sampler ?? 'none', now.sampler ?? 'none')
  differ('Schedule', before.scheduler ?? 'none', now.scheduler ?? 'none')
  differ('Engine', before.version, now.version)
  differ('Libraries', librariesOf(before), librariesOf(now))
  for (const part of ['files', 'loras'] as const) {
    for (const file of before[part]) {
      const same = now[part].find(({ role }) => role === file.role)
      const sentence = differingFile(file, same)
      if (sentence) {
        sentences.push(sentence)
      }
    }
  }
  return [...new Set(sentences)]
}

function differingFile(before: HashedFile, now: HashedFile | undefined): string | undefined {
  if (!now) {
    return `${before.path}: it is not there any more.`
  }
  if (!before.sha256 || !now.sha256) {
    return `${before.path}: whether it is still the same isn’t known, as nobody has read it.`
  }
  if (before.sha256 === now.sha256) {
    return undefined
  }
  return now.path === before.path
    ? `${before.path}: its content is another now.`
    : `${before.path}: it was that, and is ${now.path} now.`
}
