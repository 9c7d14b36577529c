/**
 * Edits fields in the text of a work document where they stand, leaving every other byte alone. Places a field that is
 * not there yet behind its neighbour in the table. Whether the result reads as intended is checked by the caller.
 */
import type { FieldValue } from './document.ts'
import type { Field, KindTable } from './document-fields.ts'
import { type Entry, isFieldLine, type Scan } from './document-lines.ts'
import { textFromValue } from './document-values.ts'

interface Splice {
  start: number
  end: number
  insert: string
}

/**
 * Writes the value that `fields` has for each field in `changed`; a field with no value, or no items, is taken out.
 * `scan` is the scan of `text`, which must hold a valid document.
 */
export function editFields(
  text: string,
  table: KindTable,
  scan: Scan,
  changed: readonly Field[],
  fields: Record<string, FieldValue>,
): string {
  const eol = /\r\n?|\n/.exec(text)?.[0] ?? '\n'
  const splices = changed.flatMap((field) => spliceFor(text, table, scan, field, fields[field.name], eol))
  let edited = ''
  let at = 0
  for (const { start, end, insert } of splices.sort((a, b) => a.start - b.start || a.end - b.end)) {
    edited += text.slice(at, start) + insert
    at = Math.max(at, end)
  }
  return edited + text.slice(at)
}

function spliceFor(
  text: string,
  table: KindTable,
  scan: Scan,
  field: Field,
  value: FieldValue | undefined,
  eol: string,
): Splice[] {
  const splices: Splice[] = []
  if (field.name === 'title' && scan.heading) splices.push(replaceLines(text, scan.heading, `# ${value}`, eol))
  const entry = entryOf(scan, field)
  const lines = linesOf(field, value, eol)
  if (lines === null) return entry ? [removeLines(text, entry)] : []
  if (entry !== undefined) {
    const closes = field.list && continuesList(text, entry.end) ? eol : ''
    return [...splices, replaceLines(text, entry, lines + closes, eol)]
  }
  return field.name === 'title' ? splices : [insertLines(text, anchor(table, scan, field), field, lines, eol)]
}

/** Null: nothing to write. */
function linesOf(field: Field, value: FieldValue | undefined, eol: string): string | null {
  if (value === undefined || value === '') return null
  if (!Array.isArray(value)) return `${field.label}: ${textFromValue(value)}`
  return value.length === 0 ? null : [`${field.label}:`, ...value.map((item) => `- ${item}`)].join(eol)
}

/** The entry that gives the field its value, else an unfilled one, which is as good a place. */
function entryOf(scan: Scan, field: Field): Entry | undefined {
  const own = scan.entries.filter((entry) => entry.use.field === field)
  return own.find((entry) => entry.value !== '' || field.list) ?? own[0]
}

function replaceLines(text: string, place: { start: number; end: number }, lines: string, eol: string): Splice {
  const old = text.slice(place.start, place.end)
  const indent = old.slice(0, old.length - old.trimStart().length)
  return { start: place.start, end: place.end, insert: indent + lines + (/[\r\n]$/.test(old) ? eol : '') }
}

/** A blank line on both sides becomes one. */
function removeLines(text: string, entry: Entry): Splice {
  const blankBefore = /(?:\r\n?|\n)[^\S\r\n]*(\r\n|\r|\n)$/.exec(
    text.slice(Math.max(0, entry.start - 200), entry.start),
  )
  const extra = blankBefore && lineAt(text, entry.end).trim() === '' ? blankBefore[1]!.length : 0
  return { start: entry.start - extra, end: entry.end, insert: '' }
}

function insertLines(text: string, at: number, field: Field, lines: string, eol: string): Splice {
  const lead = /[\r\n]$/.test(text.slice(0, at)) ? '' : eol
  if (!field.list) return { start: at, end: at, insert: `${lead}${lines}${eol}` }
  const tail = lineAt(text, at).trim() === '' ? '' : eol
  return { start: at, end: at, insert: `${lead}${eol}${lines}${eol}${tail}` }
}

/**
 * Where a new field goes: behind the nearest field of its sort before it in the table, a first list behind the last
 * scalar. There always is one: the id comes first in the table and no document is without it.
 */
function anchor(table: KindTable, scan: Scan, field: Field): number {
  const index = table.fields.indexOf(field)
  const filled = scan.entries.filter((entry) => (entry.use.list ? entry.items.length > 0 : entry.value !== ''))
  const before = filled.filter((entry) => entry.use.list === field.list && entry.use.index < index)
  if (before.length > 0) return before.reduce((a, b) => (b.use.index > a.use.index ? b : a)).end
  return Math.max(...filled.filter((entry) => !entry.use.list).map((entry) => entry.end))
}

/** True if the line at `offset` would be read as part of a list that ends just before it. */
function continuesList(text: string, offset: number): boolean {
  const line = lineAt(text, offset)
  return line.trim() !== '' && !isFieldLine(line)
}

function lineAt(text: string, offset: number): string {
  const rest = /[^\r\n]*/y
  rest.lastIndex = offset
  return rest.exec(text)![0]
}
