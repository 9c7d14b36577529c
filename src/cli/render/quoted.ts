/** Lines for programs: texts in quotes, and fields as pairs. */
import type { Value } from '../look.ts'

/** JSON, in ASCII where a terminal could be steered by it. */
export function quoted(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\u009f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Quoted only where the text would not stand as one word. */
export const word = (text: string): string => (/[\s"=\u0000-\u001f\u007f-\u009f]/.test(text) ? quoted(text) : text)

/** `name=value` for each field, in order: absent values are `none`, what is no one word is quoted. */
export const pairs = (fields: Readonly<Record<string, Value>>): string =>
  Object.entries(fields)
    .map(
      ([name, value]) =>
        `${name}=${value === null || value === undefined || value === '' ? 'none' : word(String(value))}`,
    )
    .join(' ')
