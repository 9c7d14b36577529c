/**
 * Work documents: reading, writing, importing and editing the markdown of tasks, specs, incidents, probes and learning
 * requests (spec 01 §2). All of it follows the tables of document-fields.ts. Nothing here knows folders or states.
 *
 * Bad input is a value: every reader gives the document or a list of faults, never throws, and takes time linear in
 * the text. Only a programming mistake, such as an edit that makes a document invalid, throws.
 */
import { editFields } from './document-edit.ts'
import { type Field, type KindTable, type LabelUse, TABLES } from './document-fields.ts'
import { type Entry, type Scan, scanLines } from './document-lines.ts'
import { isPlaceholder, oneLine, textFromValue, valueFromJson, valueFromText } from './document-values.ts'
import { MillraceError } from './errors.ts'
import { nearest } from './nearest.ts'
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

export type DocumentResult = { ok: true; document: WorkDocument } | { ok: false; faults: DocumentFault[] }

/** A document above 1 MiB is malformed. */
export const DOCUMENT_BYTES_MAX = 1024 * 1024
const FAULTS_MAX = 50

type Fault = (line: number | null, field: string | null, message: () => string) => void

/** Collects faults up to a bound, so that a megabyte of nonsense gives a page of them. */
function collectFaults(): { faults: DocumentFault[]; fault: Fault } {
  const faults: DocumentFault[] = []
  const fault: Fault = (line, field, message) => {
    if (faults.length < FAULTS_MAX) faults.push({ line, field, message: message() })
    else if (faults.length === FAULTS_MAX)
      faults.push({ line: null, field: null, message: `there is more; these are the first ${FAULTS_MAX}` })
  }
  return { faults, fault }
}

/** Faults as one text for an operator: `line 3: …; line 7: …`. */
export function faultsText(faults: readonly DocumentFault[]): string {
  return faults.map(({ line, message }) => (line === null ? message : `line ${line}: ${message}`)).join('; ')
}

/** Reads a document whose kind is known from its folder or command. Reports every fault, first lines first. */
export function parseDocument(kind: DocumentKind, text: string): DocumentResult {
  const outright = unreadable(text)
  if (outright !== null) return outright
  const read = readText(TABLES[kind], text)
  return read.ok ? { ok: true, document: read.document } : read
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

type TextReading = { ok: true; document: WorkDocument; scan: Scan } | { ok: false; faults: DocumentFault[] }

function readText(table: KindTable, text: string): TextReading {
  const { faults, fault } = collectFaults()
  const scan = scanLines(text, table.labels, (line, use, message) => fault(line, fieldName(use), () => message))
  const found = firstEntries(table, scan, fault)
  checkTitle(table, scan, found, fault)
  const fields: Record<string, FieldValue> = {}
  for (let index = 0; index < table.fields.length; index++) {
    const field = table.fields[index]!
    const entry = found[index]
    if (field.list) fields[field.name] = readItems(field, entry, scan, fault)
    else if (entry !== undefined) {
      const value = valueFromText(field, entry.value, (what) =>
        fault(entry.line, field.name, () => `${field.label} ${what}`),
      )
      if (value !== undefined) fields[field.name] = value
    } else if (field.name === 'title') fields.title = scan.heading?.text ?? ''
    else if (field.required) fault(null, field.name, () => `${field.label} is missing${slip(field, scan)}`)
    else if (field.fallback !== undefined) fields[field.name] = field.fallback
  }
  if (faults.length > 0) {
    const order = (one: DocumentFault) => one.line ?? Number.POSITIVE_INFINITY
    return { ok: false, faults: faults.sort((a, b) => (order(a) === order(b) ? 0 : order(a) - order(b))) }
  }
  return { ok: true, document: documentOf(table, fields, scan.body), scan }
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

function fieldName(use: LabelUse | null): string | null {
  return use === null ? null : (use.field?.name ?? use.label.toLowerCase().replaceAll('-', '_'))
}

/** The entry of each field by its position in the table; faults for labels given twice or of another kind. */
function firstEntries(table: KindTable, scan: Scan, fault: Fault): (Entry | undefined)[] {
  const found = new Array<Entry | undefined>(table.labels.size).fill(undefined)
  for (const entry of scan.entries) {
    const { use } = entry
    // A label with nothing behind it is an unfilled form, not a value.
    if (!use.list && entry.value === '') continue
    const first = found[use.index]
    if (first !== undefined) {
      fault(entry.line, fieldName(use), () => `${use.label} is given twice (first on line ${first.line})`)
      continue
    }
    found[use.index] = entry
    if (use.field === null) fault(entry.line, fieldName(use), () => foreignLabel(use.label, table.kind))
  }
  return found
}

function foreignLabel(label: string, kind: DocumentKind): string {
  const owners = DOCUMENT_KINDS.filter((other) => TABLES[other].labels.get(label)?.field)
  return `${label} is a field of ${owners.join(' and ')} documents, not of a ${kind}`
}

function checkTitle(table: KindTable, scan: Scan, found: (Entry | undefined)[], fault: Fault): void {
  const entry = found[table.labels.get('Title')!.index]
  if (entry === undefined || scan.heading === null || entry.value === scan.heading.text) return
  fault(entry.line, 'title', () => 'Title differs from the heading on line 1')
}

function readItems(field: Field, entry: Entry | undefined, scan: Scan, fault: Fault): string[] {
  const written = entry?.items ?? []
  const items = field.placeholders ? written.filter((item) => !isPlaceholder(field, item)) : written
  if (field.type !== 'text') {
    written.forEach((item, at) => {
      valueFromText(field, item, (what) => fault(entry!.itemsLine + at, field.name, () => `${field.label} ${what}`))
    })
  }
  if (field.required && items.length === 0) {
    const lead = entry === undefined ? `${field.label} is missing${slip(field, scan)};` : `${field.label} is empty;`
    fault(entry?.line ?? null, field.name, () => `${lead} it needs at least one "- item" line`)
  }
  return items
}

/** Points at a label that was probably meant: labels are matched exactly, and unknown ones are passed over. */
function slip(field: Field, scan: Scan): string {
  const near = scan.unknown.find(({ label }) => label.toLowerCase() === field.label.toLowerCase())
  const meant = near ?? scan.unknown.find(({ label }) => nearest(label, [field.label]) !== null)
  return meant ? ` (line ${meant.line} says ${meant.label}, which is not a known label)` : ''
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

function sameValue(a: FieldValue, b: FieldValue): boolean {
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
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return malformed('the document is not a JSON object')
  const { faults, fault } = collectFaults()
  const given = value as Record<string, JsonValue | undefined>
  for (const name of Object.keys(given)) {
    if (name === 'schema_version') {
      if (given[name] !== '1.0') fault(null, name, () => 'schema_version must be "1.0"')
    } else if (name === 'kind') {
      if (given[name] !== kind) fault(null, name, () => `kind must be "${kind}"`)
    } else if (!table.byName.has(name)) {
      const near = nearest(name, [...table.byName.keys()])
      fault(
        null,
        name,
        () => `unknown key ${JSON.stringify(name.slice(0, 60))}${near ? ` (did you mean ${near}?)` : ''}`,
      )
    }
  }
  const fields: Record<string, FieldValue> = {}
  for (const field of table.fields) {
    const { name } = field
    const member = Object.hasOwn(given, name) ? given[name] : undefined
    let sound = true
    let read: FieldValue | undefined
    if (member === null && (field.required || field.fallback !== undefined)) {
      sound = false
      fault(null, name, () => `${name} must not be null`)
    } else if (member !== undefined && member !== null) {
      read = valueFromJson(field, member, (what) => {
        sound = false
        fault(null, name, () => `${name} ${what}`)
      })
    }
    if (!sound) continue
    const empty = read === undefined || (field.list && (read as string[]).length === 0)
    if (empty && field.required)
      fault(null, name, () => `${name} ${member === undefined ? 'is missing' : 'must not be empty'}`)
    const final = read ?? field.fallback
    if (final !== undefined) fields[name] = final
  }
  if (faults.length > 0) return { ok: false, faults }
  const document = documentOf(table, fields, '')
  return renderedTooLarge(document) ? malformed(TOO_LARGE) : { ok: true, document }
}

const UTF8_BYTES_PER_UNIT_MAX = 3

function renderedTooLarge(document: WorkDocument): boolean {
  const text = renderDocument(document)
  if (text.length * UTF8_BYTES_PER_UNIT_MAX <= DOCUMENT_BYTES_MAX) return false
  return new TextEncoder().encode(text).length > DOCUMENT_BYTES_MAX
}

/** A document the runtime itself writes. Throws `document_invalid` if the fields do not make one. */
export function newDocument(kind: DocumentKind, fields: Record<string, unknown>, body = ''): WorkDocument {
  const made = documentFromJson(kind, fields)
  if (made.ok) return { ...made.document, body: plainBody(TABLES[kind], body) }
  throw new MillraceError('document_invalid', `A new ${kind} would not be valid: ${faultsText(made.faults)}.`)
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
  const merged: Record<string, unknown> = { ...before.document.fields }
  for (const [name, value] of Object.entries(changes)) {
    if (value === null && table.byName.has(name)) delete merged[name]
    else merged[name] = value
  }
  const { fields } = newDocument(kind, merged)
  const wanted = documentOf(table, fields, before.document.body)
  const changed = table.fields.filter(
    ({ name }) => JSON.stringify(fields[name]) !== JSON.stringify(before.document.fields[name]),
  )
  const edited = editFields(text, table, before.scan, changed, fields)
  const after = parseDocument(kind, edited)
  // In an odd layout, taking lines out can make its neighbours read differently. Then the canonical form is the safe one.
  return after.ok && JSON.stringify(after.document) === JSON.stringify(wanted) ? edited : renderDocument(wanted)
}

/** What indexes and claims need to know of a document. */
export interface DocumentHead {
  id: string
  title: string
  createdAt: string
  /** Milliseconds since the epoch, microseconds as a fraction. */
  createdMs: number
  dependsOn: string[]
  rootSpecId: string | null
  rootIdeaId: string | null
  effectiveRoot: string | null
  targetStage: string | null
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
      targetStage: detachedField(document, 'target_stage'),
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
