import { mibInWords } from './memory'

interface Loaded {
  preset: string
  state: string
  booked: number
  idle_s: number
}

const states: Record<string, string> = { loading: 'loading', ready: 'loaded', evicting: 'unloading' }

/** "demo · 321 MiB · loaded, idle for 2 min"; a model with a lease on it is at work. */
export function modelInWords(model: Loaded, atWork: boolean): string {
  const state = states[model.state] ?? model.state
  const use = atWork ? ', at work' : model.state === 'ready' ? `, idle for ${spanInWords(model.idle_s)}` : ''
  return `${mibInWords(model.booked)} · ${state}${use}`
}

/** Seconds for people. */
export function spanInWords(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) {
    return `${whole} s`
  }
  const minutes = Math.round(whole / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.round(whole / 3600)} h`
}

interface Told {
  host: string
  kind: string
  turns: number
  turns_taken: number
  utilisation?: number | null | undefined
  temperature?: number | null | undefined
  power?: number | null | undefined
}

/** What a device says of itself beside its memory, the parts that it knows. */
export function deviceInWords(device: Told): string {
  return [
    device.kind === 'cpu' ? `${device.host}, system memory` : device.host,
    `${device.turns_taken} of ${device.turns} ${device.turns === 1 ? 'turn' : 'turns'} taken`,
    device.utilisation == null ? '' : `${device.utilisation} % busy`,
    device.temperature == null ? '' : `${device.temperature} °C`,
    device.power == null ? '' : `${device.power} W`,
  ]
    .filter((part) => part !== '')
    .join(' · ')
}

interface Beating {
  state: string
  beat_at: string
  gone_at?: string | null | undefined
}

/** Milliseconds of silence after which a worker is shown as silent: its jobs are about to be taken back. */
const silence = 20_000

/** How a worker is, and since when it was heard. */
export function workerInWords(
  worker: Beating,
  now: number,
): { health: 'well' | 'ending' | 'silent' | 'gone'; words: string } {
  const since = spanInWords((now - Date.parse(worker.beat_at)) / 1_000)
  if (worker.state === 'gone' || worker.gone_at) {
    return { health: 'gone', words: `Gone, last heard ${since} ago` }
  }
  if (now - Date.parse(worker.beat_at) > silence) {
    return { health: 'silent', words: `Silent for ${since}` }
  }
  return worker.state === 'draining'
    ? { health: 'ending', words: 'Draining: it ends after what it runs' }
    : { health: 'well', words: `Ready, heard ${since} ago` }
}

/** "128 × 128 to 181 × 181": squares as large as the pictures that are meant. */
export function sizesInWords(range: {
  pixels_from?: number | null | undefined
  pixels_below?: number | null | undefined
}): string {
  if (range.pixels_from == null || range.pixels_below == null) {
    return 'Text'
  }
  const [from, to] = [range.pixels_from, range.pixels_below - 1].map((pixels) =>
    Math.floor(Math.sqrt(Math.max(0, pixels))),
  )
  return `Pictures as large as ${from} × ${from} to ${to} × ${to}`
}
