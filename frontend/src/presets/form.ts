import type { Preset } from '../api/types'

/** A field of a preset, by the API's name. */
export interface Entry {
  path: string
  label: string
  kind: 'text' | 'file' | 'number' | 'tick' | 'maybe'
  hint?: string
}

export interface Section {
  title: string
  entries: readonly Entry[]
  /** Whether most presets leave all of it out. */
  rare?: boolean
}

/** What a preset's model is for. */
export type Engine = Preset['engine']

const number = (path: string, label: string, hint?: string): Entry => ({
  path,
  label,
  kind: 'number',
  ...(hint === undefined ? {} : { hint }),
})
const file = (path: string, label: string, hint?: string): Entry => ({
  path,
  label,
  kind: 'file',
  ...(hint === undefined ? {} : { hint }),
})

/** What each engine's presets say, besides name and title. */
export const sections: Record<Engine, readonly Section[]> = {
  sd: [
    {
      title: 'Files, below the models directory',
      entries: [
        file('files.model', 'Checkpoint'),
        file('files.diffusion_model', 'Diffusion network alone'),
        file('files.vae', 'VAE'),
        file('files.taesd', 'Tiny autoencoder'),
        file('files.clip_l', 'CLIP-L'),
        file('files.clip_g', 'CLIP-G'),
        file('files.t5xxl', 'T5-XXL'),
        file('files.llm', 'Language model as encoder'),
      ],
    },
    {
      title: 'What a request that says nothing gets',
      entries: [
        number('defaults.width', 'Width'),
        number('defaults.height', 'Height'),
        number('defaults.steps', 'Steps'),
        number('defaults.cfg', 'Guidance'),
        { path: 'defaults.sampler', label: 'Sampler', kind: 'text', hint: 'the model’s own where empty' },
        { path: 'defaults.scheduler', label: 'Schedule', kind: 'text', hint: 'the model’s own where empty' },
        { path: 'defaults.negative_prompt', label: 'What to avoid', kind: 'text' },
      ],
    },
    {
      title: 'What a request may ask for',
      entries: [
        number('limits.min_side', 'Smallest side', 'pixels'),
        number('limits.max_side', 'Largest side', 'pixels'),
        number('limits.multiple', 'Sides are multiples of', 'pixels'),
        number('limits.max_hires_side', 'Largest side of a second pass', 'pixels'),
        number('limits.max_steps', 'Most steps'),
        number('limits.max_batch', 'Most pictures'),
      ],
    },
    {
      title: 'How it is loaded',
      rare: true,
      entries: [
        { path: 'flags.flash_attention', label: 'Flash attention', kind: 'maybe' },
        { path: 'flags.diffusion_conv_direct', label: 'Direct convolutions in the network', kind: 'tick' },
        { path: 'flags.vae_conv_direct', label: 'Direct convolutions in the VAE', kind: 'tick' },
        { path: 'flags.mmap', label: 'Weights mapped, not read', kind: 'tick' },
      ],
    },
    {
      title: 'How its memory grows',
      rare: true,
      entries: [
        number('memory.decode_bytes_per_pixel', 'Decoding', 'bytes a pixel, 6656 where empty'),
        number('memory.tile_side', 'Side of a tile', 'pixels, 256 where empty'),
        number('memory.latent_scale', 'Pixels per latent cell', '8 where empty'),
        number('memory.activation_factor', 'Activation factor', '2 where empty'),
      ],
    },
  ],
  llm: [
    {
      title: 'The model',
      entries: [
        file('file', 'File, below the models directory'),
        file('mmproj', 'What lets it see (mmproj)', 'tags come from the prompt where empty'),
        number('context', 'Context', 'tokens'),
        number('layers', 'Layers'),
        number('kv_heads', 'Key-value heads'),
        number('head_dim', 'Size of a head'),
      ],
    },
  ],
  upscaler: [
    {
      title: 'The network',
      entries: [
        file('file', 'File, below the models directory'),
        number('scale', 'Times as large', '1, 2 or 4, as it was trained'),
        number('max_side', 'Largest side of a picture to enlarge', 'pixels'),
        number('tile', 'Side of a tile', 'pixels, 128 where empty'),
      ],
    },
  ],
}

/** What each engine's presets do, in words. */
export const engineNames: Record<Engine, string> = {
  sd: 'Draws pictures',
  llm: 'Writes text',
  upscaler: 'Enlarges pictures',
}

/** A preset as typed. */
export interface Form {
  name: string
  title: string
  engine: Engine
  /** By the API's names of the fields. */
  fields: Record<string, string>
  loras: { name: string; file: string; trigger: string }[]
  steps: { above: string; steps: string }[]
}

const entriesOf = (engine: Engine) => sections[engine].flatMap(({ entries }) => entries)

/** What a field of an image model's preset is called; nothing where it has no such field. */
export const labelOf = (path: string): string | undefined =>
  entriesOf('sd').find((entry) => entry.path === path)?.label

function valueAt(object: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (at, part) =>
        typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part] : undefined,
      object,
    )
}

/** An empty form. */
export function newForm(engine: Engine): Form {
  const fields = Object.fromEntries(entriesOf(engine).map(({ path }) => [path, '']))
  return { name: '', title: '', engine, fields, loras: [], steps: [] }
}

/** A preset in a form that says the same. */
export function formOf(preset: Preset): Form {
  const form = newForm(preset.engine)
  for (const { path } of entriesOf(preset.engine)) {
    const value = valueAt(preset, path)
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
      form.fields[path] = value === false ? 'false' : String(value)
    }
  }
  const rows =
    preset.engine === 'sd'
      ? {
          loras: (preset.loras ?? []).map(({ name, file, trigger }) => ({
            name,
            file,
            trigger: trigger ?? '',
          })),
          steps: (preset.defaults.steps_by_size ?? []).map(({ above, steps }) => ({
            above: String(above),
            steps: String(steps),
          })),
        }
      : {}
  return { ...form, name: preset.name, title: preset.title, ...rows }
}

/** A number where it is one: what else was typed goes as it is, so that the server says what is wrong with which field. */
function numeric(text: string): number | string {
  const value = Number(text)
  return Number.isFinite(value) ? value : text
}

/** What a form asks for, without its name; an empty field is left out. */
export function bodyOf({ title, engine, fields, loras, steps }: Form): Record<string, unknown> {
  const body: Record<string, unknown> = { title: title.trim(), engine }
  const put = (path: string, value: unknown) => {
    const parts = path.split('.')
    const last = parts.pop() ?? ''
    const at = parts.reduce<Record<string, unknown>>(
      (into, part) => (into[part] ??= {}) as Record<string, unknown>,
      body,
    )
    at[last] = value
  }
  for (const { path, kind } of entriesOf(engine)) {
    const text = (fields[path] ?? '').trim()
    if (kind === 'tick') {
      if (text === 'true') {
        put(path, true)
      }
    } else if (text !== '') {
      put(path, kind === 'number' ? numeric(text) : kind === 'maybe' ? text === 'true' : text)
    }
  }
  if (engine === 'sd') {
    // Asked for by the server, with whatever is missing in them.
    for (const part of ['files', 'defaults', 'limits']) {
      body[part] ??= {}
    }
    if (loras.length > 0) {
      body.loras = loras.map(({ name, file, trigger }) => ({
        name: name.trim(),
        file: file.trim(),
        ...(trigger.trim() === '' ? {} : { trigger: trigger.trim() }),
      }))
    }
    if (steps.length > 0) {
      put(
        'defaults.steps_by_size',
        steps.map((row) => ({ above: numeric(row.above.trim()), steps: numeric(row.steps.trim()) })),
      )
    }
  }
  return body
}
