/**
 * The law every parser keeps: on any bytes it gives a value or refuses in the way it documents, soon, in a sentence of
 * bounded length, and leaves no mark on the objects everybody shares.
 */
import { MillraceError } from '../../src/core/errors.ts'
import type { Parser } from './parsers.ts'

/** One input of ordinary size takes no longer than this, on the slowest and busiest machine. */
const PARSE_MS_MAX = 20_000
/** A sentence somebody is to read, in a terminal or in a journal record. */
const SENTENCE_CHARS_MAX = 20_000

const shared = () => [Object.prototype, Array.prototype, Function.prototype].map(Object.getOwnPropertyNames).join()
const untouched = shared()

/** What is wrong with how a parser took these bytes; null if nothing is. */
export async function breach(parser: Parser, bytes: Uint8Array): Promise<string | null> {
  const began = performance.now()
  const thrown = await refusalOf(parser, bytes)
  const ms = performance.now() - began
  if (shared() !== untouched) return 'a prototype was changed'
  if (ms > PARSE_MS_MAX) return `it took ${Math.round(ms)} ms for ${bytes.length} bytes`
  if (thrown === null) return null
  const { error } = thrown
  if (!isAllowed(parser, error)) return `it threw ${error instanceof Error ? (error.stack ?? error.message) : error}`
  const { message } = error as Error
  return message.length > SENTENCE_CHARS_MAX ? `its sentence has ${message.length} characters` : null
}

export async function refusalOf(parser: Parser, bytes: Uint8Array): Promise<{ error: unknown } | null> {
  try {
    await parser.parse(bytes)
    return null
  } catch (error) {
    return { error }
  }
}

function isAllowed({ refusals }: Parser, error: unknown): boolean {
  if (refusals === 'never throws') return false
  if (refusals === 'throws an Error')
    return error instanceof Error && [Error, SyntaxError].includes(error.constructor as typeof Error)
  return MillraceError.is(error) && error.code !== 'internal'
}
