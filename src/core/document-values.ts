/**
 * One value of a work document: from a line of markdown, from JSON, and back to a line. Rules are those of the field's
 * type; which fields there are and where they stand is not decided here.
 */
import type { FieldValue, JsonObject, JsonValue } from './document.ts'
import type { Field } from './document-fields.ts'
import { canonicalJson, ID_LENGTH_MAX, isSafeId } from './ids.ts'
import { nearest } from './nearest.ts'
import { parseTimestamp } from './timestamp.ts'

/** Called with what is wrong, as the end of a sentence that begins with the field. */
export type Problem = (whatIsWrong: string) => void

const NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/
/** Nesting beyond this is no metadata, and would exhaust the stack of every reader. */
const JSON_DEPTH_MAX = 32
const TRUE = new Set(['true', 'yes', 'on', '1', 't', 'y'])
const FALSE = new Set(['false', 'no', 'off', '0', 'f', 'n'])
const PLACEHOLDERS = new Set(['none', 'n/a', '-'])
const BREAKS = /[\r\n\0]+/

/** A text as it can stand on one line: line breaks and NUL become a space. */
export function oneLine(text: string): string {
  return (BREAKS.test(text) ? text.replace(/[\r\n\0]+/g, ' ') : text).trim()
}

/** Shortened and quoted for a message. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}

/** The value of one scalar, or one list item, written as `text` (trimmed, not empty). Undefined after a problem. */
export function valueFromText(field: Field, text: string, problem: Problem): string | boolean | JsonObject | undefined {
  switch (field.type) {
    case 'text':
      return text
    case 'id':
      if (isSafeId(text)) return text
      problem(
        text.length > ID_LENGTH_MAX
          ? `is longer than ${ID_LENGTH_MAX} characters`
          : `${quoted(text)} is not a safe identifier (letters, digits, ".", "_" and "-", first a letter or digit)`,
      )
      return undefined
    case 'name':
      if (NAME.test(text)) return text
      problem(`${quoted(text)} is not a name (lower-case letters and digits, joined by ".", "_" or "-")`)
      return undefined
    case 'timestamp': {
      const time = parseTimestamp(text)
      if (time === null) problem(`${quoted(text)} is not a time such as 2026-03-02T09:15:00Z`)
      return time?.text
    }
    case 'boolean': {
      const word = text.toLowerCase()
      if (TRUE.has(word)) return true
      if (FALSE.has(word)) return false
      problem(`${quoted(text)} is neither true nor false`)
      return undefined
    }
    case 'enum': {
      if (field.values.includes(text)) return text
      const near = nearest(text.toLowerCase(), field.values)
      problem(`${quoted(text)} is not one of ${field.values.join(', ')}${near ? ` (did you mean ${near}?)` : ''}`)
      return undefined
    }
    case 'json':
      return jsonFromText(text, problem)
  }
}

function jsonFromText(text: string, problem: Problem): JsonObject | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    problem(`is not JSON: ${oneLine((error as Error).message).slice(0, 120)}`)
    return undefined
  }
  return jsonObject(value, problem)
}

/** Checks and normalises: keys sorted, only what survives being written and read again. */
function jsonObject(value: unknown, problem: Problem): JsonObject | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    problem('must be a JSON object, such as {"key":"value"}')
    return undefined
  }
  const wrong = notJson(value, 1)
  if (wrong !== null) {
    problem(wrong)
    return undefined
  }
  return JSON.parse(canonicalJson(value)) as JsonObject
}

function notJson(value: unknown, depth: number): string | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return null
  if (typeof value === 'number') return Number.isFinite(value) ? null : 'holds a number out of range'
  if (typeof value !== 'object') return 'holds something that is not JSON'
  if (depth > JSON_DEPTH_MAX) return `is nested more than ${JSON_DEPTH_MAX} levels deep`
  for (const member of Object.values(value)) {
    const wrong = notJson(member, depth + 1)
    if (wrong !== null) return wrong
  }
  return null
}

/** True for list items that only say "nothing" where the field allows saying so. */
export function isPlaceholder(field: Field, item: string): boolean {
  return field.placeholders && PLACEHOLDERS.has(item.toLowerCase())
}

/** The value of a field given as JSON. Undefined after a problem, or when a text is blank, which means absent. */
export function valueFromJson(field: Field, value: JsonValue, problem: Problem): FieldValue | undefined {
  if (!field.list) return scalarFromJson(field, value, problem)
  if (!Array.isArray(value)) {
    problem('must be a list')
    return undefined
  }
  const items: string[] = []
  let sound = true
  value.forEach((member, index) => {
    const wrong: Problem = (what) => {
      sound = false
      problem(`item ${index + 1} ${what}`)
    }
    if (typeof member === 'string' && member.trim() === '') wrong('is blank')
    else {
      const item = scalarFromJson(field, member, wrong)
      if (typeof item === 'string' && !isPlaceholder(field, item)) items.push(item)
    }
  })
  return sound ? items : undefined
}

function scalarFromJson(field: Field, value: JsonValue, problem: Problem): string | boolean | JsonObject | undefined {
  if (field.type === 'json') return jsonObject(value, problem)
  if (field.type === 'boolean') {
    if (typeof value === 'boolean') return value
    problem('must be true or false')
    return undefined
  }
  if (typeof value !== 'string') {
    problem('must be text')
    return undefined
  }
  if (BREAKS.test(value)) {
    problem('must be one line of text')
    return undefined
  }
  if (field.type !== 'text') return valueFromText(field, value, problem)
  return value.trim() || undefined
}

/** A scalar value as written after its label. */
export function textFromValue(value: FieldValue): string {
  if (typeof value === 'string') return oneLine(value)
  return typeof value === 'object' && !Array.isArray(value) ? canonicalJson(value) : String(value)
}

/** The value of an absent field, if it has one. Lists and objects are fresh: whoever gets the document may change it. */
export function freshFallback(field: Field): FieldValue | undefined {
  return typeof field.fallback === 'object' ? structuredClone(field.fallback) : field.fallback
}
