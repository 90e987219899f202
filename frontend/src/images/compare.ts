import type { Picture } from '../api/types'
import { parametersOf } from './settings'

/** Pictures that stand side by side at most. */
export const mostCompared = 4

/** The pictures that an address names, each once, no more than fit. */
export function comparedIn(named: unknown): string[] {
  const ids = typeof named === 'string' ? named.split(',').filter((id) => id !== '') : []
  return [...new Set(ids)].slice(0, mostCompared)
}

export interface ComparedRow {
  name: string
  /** For each picture in order; nothing where it has no such parameter. */
  values: (string | undefined)[]
  differs: boolean
}

/** The parameters of several pictures beside each other. */
export function compared(pictures: readonly Picture[]): ComparedRow[] {
  const each = pictures.map((picture) => new Map(parametersOf(picture)))
  const names = [...new Set(each.flatMap((one) => [...one.keys()]))]
  return names.map((name) => {
    const values = each.map((one) => one.get(name))
    return { name, values, differs: new Set(values).size > 1 }
  })
}
