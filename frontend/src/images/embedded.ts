import type { Request } from '../jobs/queries'

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

/** The text chunks of a PNG by keyword, uncompressed ones alone; nothing for a file that isn't a PNG. */
export function textChunks(file: Uint8Array): Map<string, string> | undefined {
  if (!signature.every((byte, at) => file[at] === byte)) {
    return undefined
  }
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const found = new Map<string, string>()
  for (let at = signature.length; at + 12 <= file.length;) {
    const length = view.getUint32(at)
    if (at + 12 + length > file.length) {
      break
    }
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8))
    const data = file.subarray(at + 8, at + 8 + length)
    const end = data.indexOf(0)
    const keyword = end < 0 ? '' : String.fromCharCode(...data.subarray(0, end))
    if (keyword !== '' && type === 'tEXt') {
      found.set(keyword, new TextDecoder('iso-8859-1').decode(data.subarray(end + 1)))
    } else if (keyword !== '' && type === 'iTXt' && data[end + 1] === 0) {
      // After the two flags come the language and the translated keyword, each ended by a zero.
      const language = data.indexOf(0, end + 3)
      const translated = language < 0 ? -1 : data.indexOf(0, language + 1)
      if (translated >= 0) {
        found.set(keyword, new TextDecoder().decode(data.subarray(translated + 1)))
      }
    }
    at += 12 + length
  }
  return found
}

const isText = (value: unknown) => typeof value === 'string' && value !== ''
const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value)
const fields = {
  prompt: isText,
  negative_prompt: isText,
  width: isNumber,
  height: isNumber,
  steps: isNumber,
  cfg: isNumber,
  sampler: isText,
  scheduler: isText,
}

/** What we wrote into the file: the settings of this one picture, whichever of its job it was. */
function ours(text: string): Partial<Request> | undefined {
  let told: unknown
  try {
    told = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof told !== 'object' || told === null) {
    return undefined
  }
  const from = told as Record<string, unknown>
  const known = Object.entries(fields).filter(([name, fits]) => fits(from[name]))
  return {
    ...Object.fromEntries(known.map(([name]) => [name, from[name]])),
    ...(isNumber(from.image_seed) ? { seed: from.image_seed as number } : {}),
    ...(isText(from.preset) ? { preset: from.preset as string } : {}),
  }
}

/** The text that other programs write: prompt, what to avoid, then "Steps: 20, CFG scale: 7, Seed: 1, Size: 512x512". */
function theirs(text: string): Partial<Request> | undefined {
  const lines = text.split('\n')
  const last = lines.findLastIndex((line) => /^Steps: \d+/.test(line))
  if (last < 0) {
    return undefined
  }
  const number = (name: string) => {
    const value = new RegExp(`(?:^|, )${name}: (\\d+(?:\\.\\d+)?)`).exec(lines[last] ?? '')?.[1]
    return value === undefined ? undefined : Number(value)
  }
  const size = /(?:^|, )Size: (\d+)x(\d+)/.exec(lines[last] ?? '')
  const avoided = lines.findIndex((line) => line.startsWith('Negative prompt: '))
  const until = avoided < 0 ? last : avoided
  const negative = lines.slice(until, last).join('\n').replace('Negative prompt: ', '').trim()
  const told = {
    prompt: lines.slice(0, until).join('\n').trim(),
    negative_prompt: negative === '' ? undefined : negative,
    steps: number('Steps'),
    cfg: number('CFG scale'),
    seed: number('Seed'),
    width: size ? Number(size[1]) : undefined,
    height: size ? Number(size[2]) : undefined,
  }
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined))
}

/** The settings in a picture's file, ours or another program's; or why there are none. */
export function settingsIn(file: Uint8Array): Partial<Request> | { problem: string } {
  const chunks = textChunks(file)
  if (!chunks) {
    return { problem: 'This is not a PNG.' }
  }
  const settings =
    ours(chunks.get('mysticanvas') ?? '') ?? theirs(chunks.get('parameters') ?? '') ?? undefined
  return settings ?? { problem: 'There are no settings in this picture.' }
}
