/**
 * Work documents: reading, writing, importing and editing the markdown of tasks, specs, incidents, probes and learning
 * requests (spec 01 §2). All of it follows the tables of document-fields.ts. Nothing here knows folders or states.
 *
 * Bad input is a value: every reader gives the document or a list of faults, never throws, and takes time linear in
 * the text. Only a programming mistake, such as an edit that makes a document invalid, throws.
 */
import { editFields } from './document-edit.ts'
import { type KindTable, TABLES } from './document-fields.ts'
import { scanLines } from './document-lines.ts'
import { readJson, readText } from './document-read.ts'
import { oneLine, textFromValue } from './document-values.ts'
import { MillraceError } from './errors.ts'
import { parseTimestamp } from './timestamp.ts'

export const DOCUMENT_KINDS = ['task', 'spec', 'incident', 'probe', 'learning_request'] as const
export type DocumentKind = (typeof DOCUMENT_KINDS)[number]

export type JsonValue = null | boolean | number | string | JsonValue[] | JsonObject
export type JsonObject = { [key: string]: JsonValue }
/** Text, identifiers, times and choices are strings; a list is an array of strings. */
export type FieldValue = string | boolean | string[] | JsonObject

export interface WorkDocument {
  kind: DocumentKind
  id: string
  title: string
  /** `created_at` or `opened_at`, as ISO text. */
  createdAt: string
  /**
   * Keyed by JSON name, id and title included, in the order of the table. What is absent and has no default is not
   * there; lists are always there. Values are normalised: times in the written form, metadata with sorted keys.
   */
  fields: Record<string, FieldValue>
  /** What a person wrote beyond the fields: no known label in it, no blank line at either end. */
  body: string
}

export interface DocumentFault {
  /** 1-based; null where the fault is something missing, or the document is JSON. */
  line: number | null
  /** JSON name of the field concerned. */
  field: string | null
  message: string
}

type DocumentResult = { ok: true; document: WorkDocument } | { ok: false; faults: DocumentFault[] }

/** A document above 1 MiB is malformed. */
export const DOCUMENT_BYTES_MAX = 1024 * 1024
/** Faults as one text for an operator: `line 3: …; line 7: …`. */
export function faultsText(faults: readonly DocumentFault[]): string {
  return faults.map(({ line, message }) => (line === null ? message : `line ${line}: ${message}`)).join('; ')
}

/** Reads a document whose kind is known from its folder or command. Reports every fault, first lines first. */
export function parseDocument(kind: DocumentKind, text: string): DocumentResult {
  const outright = unreadable(text)
  if (outright !== null) return outright
  const read = readText(TABLES[kind], text)
  return read.ok ? { ok: true, document: documentOf(TABLES[kind], read.fields, read.scan.body) } : read
}

/** As `parseDocument`, for the bytes of a file; a byte order mark is ignored. */
export function parseDocumentBytes(kind: DocumentKind, bytes: Uint8Array): DocumentResult {
  const decoded = decode(bytes)
  return typeof decoded === 'string' ? parseDocument(kind, decoded) : decoded
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function malformed(message: string): { ok: false; faults: DocumentFault[] } {
  return { ok: false, faults: [{ line: null, field: null, message }] }
}

const TOO_LARGE = `the document is larger than ${DOCUMENT_BYTES_MAX} bytes`

function decode(bytes: Uint8Array): string | ReturnType<typeof malformed> {
  if (bytes.length > DOCUMENT_BYTES_MAX) return malformed(TOO_LARGE)
  try {
    return utf8.decode(bytes)
  } catch {
    return malformed('the document is not UTF-8 text')
  }
}

function unreadable(text: string): ReturnType<typeof malformed> | null {
  if (text.length > DOCUMENT_BYTES_MAX) return malformed(TOO_LARGE)
  if (text.includes('\0')) return malformed('the document is not text: it holds NUL bytes')
  return text.trim() === '' ? malformed('the document is empty') : null
}

function documentOf(table: KindTable, fields: Record<string, FieldValue>, body: string): WorkDocument {
  return {
    kind: table.kind,
    id: fields[table.idField] as string,
    title: fields.title as string,
    createdAt: fields[table.createdField] as string,
    fields,
    body,
  }
}

/** The canonical markdown of a document (spec 01 §2.3). `parseDocument` of it gives the document again. */
export function renderDocument(document: WorkDocument): string {
  const table = TABLES[document.kind]
  let scalars = ''
  let lists = ''
  for (const field of table.fields) {
    const value = document.fields[field.name]
    if (value === undefined || (field.fallback !== undefined && sameValue(value, field.fallback))) continue
    if (Array.isArray(value)) lists += `\n${field.label}:\n${value.map((item) => `- ${oneLine(item)}\n`).join('')}`
    else scalars += `${field.label}: ${textFromValue(value)}\n`
  }
  const body = plainBody(table, document.body)
  return `${`# ${oneLine(document.title)}\n\n${scalars}${lists}${body === '' ? '' : `\n${body}`}`.trimEnd()}\n`
}

function sameValue(a: FieldValue | undefined, b: FieldValue | undefined): boolean {
  return a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b))
}

/**
 * The body in the form the parser gives it. A body the runtime was handed, say an agent's report, may hold lines that
 * would read as fields; those are quoted, so that text never turns into a field.
 */
function plainBody(table: KindTable, body: string): string {
  if (body === '') return ''
  const plain = body
    .replace(/\r\n?/g, '\n')
    .replaceAll('\0', '\uFFFD')
    .replace(/^(?:[^\S\n]*\n)+/, '')
    .trimEnd()
  let sound = true
  const scan = scanLines(`# -\n\n${plain}`, table.labels, () => {
    sound = false
  })
  if (sound && scan.entries.length === 0 && scan.body === plain) return plain
  const quote = (line: string) => (table.labels.has(line.trimStart().split(':', 1)[0]!) ? `> ${line}` : line)
  return plain.split('\n').map(quote).join('\n')
}

/** Imports the JSON form (spec 01 §2.11): field names in snake_case, `kind` and `schema_version` optional. */
export function documentFromJson(kind: DocumentKind, value: unknown): DocumentResult {
  const table = TABLES[kind]
  const read = readJson(table, value)
  if (!read.ok) return read
  const document = documentOf(table, read.fields, '')
  return isTooLarge(renderDocument(document)) ? malformed(TOO_LARGE) : { ok: true, document }
}

const UTF8_BYTES_PER_UNIT_MAX = 3

function isTooLarge(text: string): boolean {
  if (text.length * UTF8_BYTES_PER_UNIT_MAX <= DOCUMENT_BYTES_MAX) return false
  return new TextEncoder().encode(text).length > DOCUMENT_BYTES_MAX
}

/**
 * A document the runtime itself writes; a `body` may be any text. Throws `document_invalid` if the fields, in their JSON
 * form, make no document, or the whole is too large.
 */
export function newDocument(kind: DocumentKind, fields: Record<string, unknown>, body = ''): WorkDocument {
  const made = documentFromJson(kind, fields)
  if (!made.ok) throw new MillraceError('document_invalid', `A new ${kind} is not valid: ${faultsText(made.faults)}.`)
  const document = { ...made.document, body: plainBody(TABLES[kind], body) }
  if (isTooLarge(renderDocument(document)))
    throw new MillraceError('document_invalid', `A new ${kind} is not valid: ${TOO_LARGE}.`)
  return document
}

/**
 * The text with some fields changed, everything else byte for byte as it was. Null takes a field out. Throws
 * `document_invalid` if the text is no valid document, or would not be one afterwards.
 */
export function setFields(text: string, kind: DocumentKind, changes: Record<string, FieldValue | null>): string {
  const table = TABLES[kind]
  const before = unreadable(text) ?? readText(table, text)
  if (!before.ok)
    throw new MillraceError('document_invalid', `The ${kind} cannot be edited: ${faultsText(before.faults)}.`)
  const given = { ...before.fields, ...changes }
  const made = documentFromJson(kind, Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)))
  if (!made.ok)
    throw new MillraceError('document_invalid', `The ${kind} would not be valid: ${faultsText(made.faults)}.`)
  const wanted = { ...made.document, body: before.scan.body }
  const changed = table.fields.filter(({ name }) => !sameValue(wanted.fields[name], before.fields[name]))
  const edited = editFields(text, table, before.scan, changed, wanted.fields)
  const after = parseDocument(kind, edited)
  // In an odd layout, taking lines out can make its neighbours read differently. Then the canonical form is the safe one.
  const isRight = after.ok && JSON.stringify(after.document) === JSON.stringify(wanted)
  const result = isRight ? edited : renderDocument(wanted)
  if (isTooLarge(result)) throw new MillraceError('document_invalid', `The ${kind} would not be valid: ${TOO_LARGE}.`)
  return result
}

/** What indexes and claims need to know of a document. */
interface DocumentHead {
  id: string
  title: string
  createdAt: string
  /** Milliseconds since the epoch, microseconds as a fraction. */
  createdMs: number
  dependsOn: string[]
  rootSpecId: string | null
  rootIdeaId: string | null
  effectiveRoot: string | null
  /** Items the document was opened on account of: an incident names its source task or spec. */
  sourceIds: string[]
}

/** Validates a document in full and gives its summary; the text of the document is not kept in memory by it. */
export function headOf(
  kind: DocumentKind,
  bytes: Uint8Array,
): { ok: true; head: DocumentHead } | { ok: false; faults: DocumentFault[] } {
  const parsed = parseDocumentBytes(kind, bytes)
  if (!parsed.ok) return parsed
  const { document } = parsed
  return {
    ok: true,
    head: {
      id: detached(document.id),
      title: detached(document.title),
      createdAt: detached(document.createdAt),
      createdMs: parseTimestamp(document.createdAt)!.ms,
      dependsOn: listField(document, 'depends_on').map(detached),
      rootSpecId: detachedField(document, 'root_spec_id'),
      rootIdeaId: detachedField(document, 'root_idea_id'),
      effectiveRoot: detachedOrNull(effectiveRootSpec(document)),
      sourceIds: ['source_task_id', 'source_spec_id'].flatMap((name) => detachedField(document, name) ?? []),
    },
  }
}

/** Shorter slices of a string are copies; longer ones point into the whole string and keep it alive. */
const SLICE_CHARS_MIN = 13

/** A copy of its own: an index of many documents must not hold the text of them all. */
function detached(text: string): string {
  return text.length < SLICE_CHARS_MIN ? text : ` ${text}`.slice(1)
}

function detachedOrNull(text: string | null): string | null {
  return text === null ? null : detached(text)
}

function detachedField(document: WorkDocument, name: string): string | null {
  return detachedOrNull(textField(document, name))
}

/** A text-like field, or null if absent. */
export function textField(document: WorkDocument, name: string): string | null {
  const value = document.fields[name]
  return typeof value === 'string' ? value : null
}

/** A list field; empty if the kind has none of that name. */
export function listField(document: WorkDocument, name: string): readonly string[] {
  const value = document.fields[name]
  return Array.isArray(value) ? value : []
}

/** A spec that an idea or a person brought, rather than other work. */
function isSelfRooted(document: WorkDocument): boolean {
  const source = textField(document, 'source_type')
  return document.kind === 'spec' && (source === 'idea' || source === 'manual')
}

/** The root spec whose closure a document counts towards (spec 01 §2.12); null if it belongs to no lineage. */
export function effectiveRootSpec(document: WorkDocument): string | null {
  const root = textField(document, 'root_spec_id')
  if (root !== null) return root
  if (document.kind === 'task') return textField(document, 'spec_id')
  if (document.kind === 'incident') return textField(document, 'source_spec_id')
  return isSelfRooted(document) ? document.id : null
}

/** True for a spec that may become a closure target (spec 01 §2.12). */
export function isRootSpec(document: WorkDocument): boolean {
  if (document.kind !== 'spec') return false
  if (textField(document, 'root_spec_id') === document.id) return true
  const parent = textField(document, 'parent_spec_id')
  return isSelfRooted(document) && (parent === null || parent.toLowerCase() === 'none')
}
