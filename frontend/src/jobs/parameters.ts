import type { Schemas } from '../api/types'

/** What a preset lets a request say of one parameter, as the server tells it. */
export type Parameter = Schemas['Parameter']
export type Parameters = Readonly<Record<string, Parameter>>

export interface Size {
  width?: number | undefined
  height?: number | undefined
}

/** What an empty field stands for in a picture of this size; nothing where chance or the model decides. */
export function standardOf(
  parameters: Parameters,
  name: string,
  { width, height }: Size = {},
): Schemas['Scalar'] | undefined {
  const parameter = parameters[name]
  const side = Math.max(
    width ?? Number(parameters.width?.default ?? 0),
    height ?? Number(parameters.height?.default ?? 0),
  )
  // Smallest first, so that the last that the picture exceeds is meant.
  const sized = parameter?.steps_by_size?.findLast(({ above }) => side > above)
  return sized?.steps ?? parameter?.default ?? undefined
}

/** "64 to 2048, in steps of 8": what is allowed, in a few words; nothing where nothing is limited. */
export function allowedInWords({ minimum, maximum, multiple }: Parameter): string | undefined {
  if (minimum == null || maximum == null) {
    return minimum == null ? (maximum == null ? undefined : `up to ${maximum}`) : `${minimum} or more`
  }
  if (minimum === maximum) {
    return `${minimum}, no other`
  }
  return `${minimum} to ${maximum}${multiple != null && multiple > 1 ? `, in steps of ${multiple}` : ''}`
}

/** Why a number is none that the parameter may have, in the words of its hint. */
export function numberProblem(value: number, parameter: Parameter | undefined): string | undefined {
  if (!parameter) {
    return undefined
  }
  const { minimum, maximum, multiple } = parameter
  const small = typeof minimum === 'number' && value < minimum
  const large = typeof maximum === 'number' && value > maximum
  const between = multiple != null && multiple > 0 && value % multiple !== 0
  return small || large || between ? `Allowed: ${allowedInWords(parameter) ?? 'other values'}.` : undefined
}

/** Why a text is none that the parameter may have. */
export function choiceProblem(value: string, parameter: Parameter | undefined): string | undefined {
  const choices = parameter?.choices
  return choices && !choices.includes(value) ? `Allowed: ${choices.join(', ')}.` : undefined
}
