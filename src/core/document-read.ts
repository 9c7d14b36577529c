/**
 * Reads the fields of a work document from its text or its JSON form: which label counts, what is missing, what does
 * not belong (spec 01 §2.1, §2.11). The line grammar is in document-lines.ts, the rules of single values in document-values.ts.
 */
import type { DocumentFault, DocumentKind, FieldValue, JsonValue } from './document.ts'
import { type Field, type KindTable, type LabelUse, TABLES } from './document-fields.ts'
import { type Entry, type Scan, scanLines } from './document-lines.ts'
import { freshFallback, isPlaceholder, type Problem, quoted, valueFromJson, valueFromText } from './document-values.ts'
import { nearest } from './nearest.ts'

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

type TextReading = { ok: true; fields: Record<string, FieldValue>; scan: Scan } | { ok: false; faults: DocumentFault[] }

/** Reads and validates every field of a kind. Faults come in the order of their lines, those without a line last. */
export function readText(table: KindTable, text: string): TextReading {
  const { faults, fault } = collectFaults()
  const scan = scanLines(text, table.labels, (line, use, message) => fault(line, fieldName(use), () => message))
  const found = firstEntries(table, scan, fault)
  checkTitle(table, scan, found, fault)
  const fields: Record<string, FieldValue> = {}
  // One closure for all fields, not one each: this runs for every document of a queue.
  let field = table.fields[0]!
  let entry: Entry | undefined
  const problem: Problem = (what) => fault(entry?.line ?? null, field.name, () => `${field.label} ${what}`)
  for (let index = 0; index < table.fields.length; index++) {
    field = table.fields[index]!
    entry = found[index]
    if (field.list) fields[field.name] = readItems(field, entry, scan, fault)
    else if (entry !== undefined) {
      const value = valueFromText(field, entry.value, problem)
      if (value !== undefined) fields[field.name] = value
    } else if (field.name === 'title') fields.title = scan.heading?.text ?? ''
    else if (field.required) problem(`is missing${slip(field, scan)}`)
    else if (field.fallback !== undefined) fields[field.name] = freshFallback(field)!
  }
  if (faults.length > 0) {
    const order = (one: DocumentFault) => one.line ?? Number.POSITIVE_INFINITY
    return { ok: false, faults: faults.sort((a, b) => (order(a) === order(b) ? 0 : order(a) - order(b))) }
  }
  return { ok: true, fields, scan }
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
  const owners = Object.values(TABLES).filter((other) => other.labels.get(label)?.field)
  return `${label} is a field of ${owners.map((owner) => owner.kind).join(' and ')} documents, not of a ${kind}`
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

type JsonReading = { ok: true; fields: Record<string, FieldValue> } | { ok: false; faults: DocumentFault[] }

/** Reads and validates the JSON form. Text is trimmed; a blank one counts as absent, as it would in markdown. */
export function readJson(table: KindTable, value: unknown): JsonReading {
  const { faults, fault } = collectFaults()
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    return { ok: false, faults: [{ line: null, field: null, message: 'the document is not a JSON object' }] }
  }
  const given = value as Record<string, JsonValue | undefined>
  checkKeys(table, given, fault)
  const fields: Record<string, FieldValue> = {}
  for (const field of table.fields) {
    const member = Object.hasOwn(given, field.name) ? given[field.name] : undefined
    const read = readMember(field, member, fault)
    if (read !== undefined) fields[field.name] = read
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, fields }
}

function checkKeys(table: KindTable, given: Record<string, JsonValue | undefined>, fault: Fault): void {
  for (const name of Object.keys(given)) {
    if (name === 'schema_version') {
      if (given[name] !== '1.0') fault(null, name, () => 'schema_version must be "1.0"')
    } else if (name === 'kind') {
      if (given[name] !== table.kind) fault(null, name, () => `kind must be "${table.kind}"`)
    } else if (!table.byName.has(name)) {
      fault(null, name.slice(0, 60), () => {
        const near = nearest(name, [...table.byName.keys()])
        return `unknown key ${quoted(name)}${near ? ` (did you mean ${near}?)` : ''}`
      })
    }
  }
}

/** Null stands for "absent" only where absence has no other value. */
function readMember(field: Field, member: JsonValue | undefined, fault: Fault): FieldValue | undefined {
  let sound = true
  const problem: Problem = (what) => {
    sound = false
    fault(null, field.name, () => `${field.name} ${what}`)
  }
  let value: FieldValue | undefined
  if (member === null) {
    if (field.required || field.fallback !== undefined) problem('must not be null')
  } else if (member !== undefined) value = valueFromJson(field, member, problem)
  const empty = value === undefined || (field.list && (value as string[]).length === 0)
  if (sound && field.required && empty) problem(member === undefined ? 'is missing' : 'must not be empty')
  return value ?? (sound ? freshFallback(field) : undefined)
}
