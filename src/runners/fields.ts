/** Reading members of what a harness printed. What is not of the expected kind reads as nothing; what is kept is bounded. */
import { clip } from '../core/clip.ts'

export type Fields = Record<string, unknown>

export const fieldsOf = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null

/** Null for an empty text as well. */
export const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** The first of the members that is a count. */
export function countOf(fields: Fields, ...names: string[]): number | null {
  for (const name of names) {
    const value = fields[name]
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number
  }
  return null
}

/** Of errors and warnings, which are kept in records, a line may hold a megabyte. */
const TOLD_CHARS_MAX = 1000
const ID_CHARS_MAX = 200
const LAST_LINES_CHARS_MAX = 500

export function toldBy(value: unknown): string | null {
  const text = textOf(value)
  return text === null ? null : clip(text, TOLD_CHARS_MAX)
}

export function idOf(value: unknown): string | null {
  const id = textOf(value)
  return id !== null && id.length <= ID_CHARS_MAX ? id : null
}

/** The end of what a program printed on stderr; null if that is nothing. */
export function lastLines(stderr: string | null): string | null {
  const text = stderr?.trim().slice(-LAST_LINES_CHARS_MAX)
  return text ? text : null
}
