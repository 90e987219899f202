import { presetProblem } from '../jobs/presets'
import type { Picture, Preset } from '../api/types'

/** A preset that enlarges, and what it makes of one picture. */
export interface Enlarger {
  name: string
  /** "to 512 × 512 with larger". */
  words: string
  /** Why it does not take this picture. */
  refusal: string | undefined
  /** Why a job of it can't start at the moment. */
  problem: string | undefined
}

/** The presets that enlarge, those that take this picture first. */
export function enlargersFor(
  presets: readonly Preset[],
  { width, height }: Pick<Picture, 'width' | 'height'>,
): Enlarger[] {
  const found = presets.flatMap((preset) => {
    if (preset.engine !== 'upscaler') {
      return []
    }
    const { name, scale, max_side: most, workers } = preset
    return {
      name,
      words: `to ${width * scale} × ${height * scale} with ${name}`,
      refusal:
        Math.max(width, height) > most ? `It takes pictures of up to ${most} × ${most} pixels.` : undefined,
      problem: presetProblem(workers),
    }
  })
  return [
    ...found.filter(({ refusal }) => refusal === undefined),
    ...found.filter(({ refusal }) => refusal !== undefined),
  ]
}
