/** What holds of every document, not only of the examples. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  DOCUMENT_KINDS,
  type DocumentKind,
  documentFromJson,
  type FieldValue,
  headOf,
  newDocument,
  parseDocument,
  parseDocumentBytes,
  renderDocument,
  setFields,
  type WorkDocument,
} from './document.ts'
import { type Field, TABLES } from './document-fields.ts'

const line = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
    fc.string({ minLength: 1, maxLength: 20 }),
    fc.constantFrom('- x', '# y', 'Task-ID: z', 'a: b', '-', ':', 'none', '\u2028', '> q', '{}'),
  )
  .map((text) => text.replace(/[\r\n\0]/g, ' ').trim())
  .filter((text) => text !== '')
const ID_CHARS = fc.constantFrom(...'abcXYZ019._-')
const id = fc
  .tuple(fc.constantFrom(...'aZ0'), fc.string({ unit: ID_CHARS, maxLength: 12 }))
  .map((parts) => parts.join(''))
const name = fc.constantFrom('a', 'build', 'my-own.stage_2', '0-1')
const time = fc
  .tuple(
    fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
    fc.constantFrom('Z', '', '+02:00', '-0930'),
  )
  .map(
    ([date, zone]) =>
      date
        .toISOString()
        .replace(/\.000Z$/, '')
        .replace('Z', '') + zone,
  )
const metadata = fc.dictionary(fc.string({ unit: 'binary', maxLength: 5 }), fc.jsonValue({ maxDepth: 3 }), {
  maxKeys: 4,
})

function one(field: Field): fc.Arbitrary<unknown> {
  switch (field.type) {
    case 'id':
      return id
    case 'name':
      return name
    case 'text':
      return line
    case 'timestamp':
      return time
    case 'boolean':
      return fc.boolean()
    case 'enum':
      return fc.constantFrom(...field.values)
    case 'json':
      return metadata
  }
}

function jsonOf(kind: DocumentKind): fc.Arbitrary<Record<string, unknown>> {
  const { fields } = TABLES[kind]
  const value = (field: Field) =>
    field.list
      ? fc.array(
          one(field).filter((item) => !(field.placeholders && /^(none|n\/a|-)$/i.test(String(item)))),
          { minLength: field.required ? 1 : 0, maxLength: 3 },
        )
      : one(field)
  const record = Object.fromEntries(fields.map((field) => [field.name, value(field)]))
  return fc.record(record, { requiredKeys: fields.filter((field) => field.required).map((field) => field.name) })
}

/** JSON of a valid document of each kind; optional fields come and go. */
const JSON_BY_KIND = Object.fromEntries(DOCUMENT_KINDS.map((kind) => [kind, jsonOf(kind)])) as Record<
  DocumentKind,
  fc.Arbitrary<Record<string, unknown>>
>

const anyKind = fc.constantFrom(...DOCUMENT_KINDS)
const anyBody = fc.array(
  fc.oneof(
    line,
    fc.constantFrom('', '', '  ', '    code', '## Notes', 'Note: x', '- item', 'Request:', 'Tags:', 'Summary: s'),
  ),
  { maxLength: 8 },
)
const anyDocument = anyKind.chain((kind) =>
  fc
    .tuple(JSON_BY_KIND[kind], anyBody, fc.constantFrom('\n', '\r\n'))
    .map(([fields, body, eol]) => newDocument(kind, fields, body.join(eol))),
)

/** A document as hands leave it: sections in any order, remarks anywhere, forms half filled in, some other line break. */
const handwritten: fc.Arbitrary<{ kind: DocumentKind; text: string }> = fc
  .tuple(
    anyDocument,
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.constantFrom(
          '',
          ' ',
          'prose',
          '- bullet',
          'Note: x',
          'Note:',
          'Request:',
          'Blocks:',
          'Status-Hint:',
          '# again',
          '  indented',
        ),
      ),
    ),
    fc.constantFrom('\n', '\r\n', '\r'),
    fc.nat(),
    fc.boolean(),
  )
  .map(([document, remarks, eol, turn, terminated]) => {
    const [heading, ...rest] = renderDocument(document).trimEnd().split('\n')
    const sections = rest.join('\n').split('\n\n')
    const at = sections.length === 0 ? 0 : turn % sections.length
    const lines = [...sections.slice(at), ...sections.slice(0, at)].join('\n\n').split('\n')
    for (const [place, remark] of remarks) lines.splice(place % (lines.length + 1), 0, remark)
    return { kind: document.kind, text: [heading, ...lines].join(eol) + (terminated ? eol : '') }
  })

function reread(document: WorkDocument): unknown {
  return parseDocument(document.kind, renderDocument(document))
}

describe('reading and writing', () => {
  it('parse(render(document)) is the document', () => {
    fc.assert(
      fc.property(anyDocument, (document) => {
        expect(reread(document)).toEqual({ ok: true, document })
      }),
      { numRuns: 1000 },
    )
  })

  it('render(parse(text)) is the text, where render wrote it', () => {
    fc.assert(
      fc.property(anyDocument, (document) => {
        const text = renderDocument(document)
        const again = parseDocument(document.kind, text)
        expect(again.ok && renderDocument(again.document)).toBe(text)
        expect(text).toMatch(/[^\s]\n$/)
      }),
      { numRuns: 300 },
    )
  })

  it('what a valid text says survives being rendered, and no remark is lost', () => {
    const tried = { valid: 0, all: 0 }
    fc.assert(
      fc.property(handwritten, ({ kind, text }) => {
        tried.all++
        const result = parseDocument(kind, text)
        if (!result.ok) return
        tried.valid++
        const canonical = renderDocument(result.document)
        expect(parseDocument(kind, canonical)).toEqual(result)
        // Captions and empty labels aside, every word is still there.
        const count = (where: string, word: RegExp) =>
          where.split(/[\r\n]+/).filter((one) => word.test(one.trim())).length
        for (const word of [/^prose$/, /^Note: x$/, /^# again$/, /^indented$/])
          expect(count(canonical, word)).toBe(count(text, word))
      }),
      { numRuns: 3000 },
    )
    expect(tried.valid).toBeGreaterThan(tried.all / 6)
  })

  it('the JSON form and the markdown form say the same', () => {
    fc.assert(
      fc.property(anyDocument, (document) => {
        expect(documentFromJson(document.kind, JSON.parse(JSON.stringify(document.fields)))).toEqual({
          ok: true,
          document: { ...document, body: '' },
        })
      }),
      { numRuns: 300 },
    )
  })

  it('a head agrees with the document', () => {
    fc.assert(
      fc.property(handwritten, ({ kind, text }) => {
        const bytes = new TextEncoder().encode(text)
        const [head, result] = [headOf(kind, bytes), parseDocumentBytes(kind, bytes)]
        expect(head.ok).toBe(result.ok)
        if (head.ok && result.ok) {
          const { id, title, createdAt, fields } = result.document
          expect(head.head).toMatchObject({ id, title, createdAt, dependsOn: fields.depends_on ?? [] })
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('bad input', () => {
  const words = fc.constantFrom(...DOCUMENT_KINDS.flatMap((kind) => TABLES[kind].fields.map(({ label }) => label)))
  const pieces = fc.oneof(
    words.map((label) => `${label}:`),
    words.map((label) => `${label}: x`),
    line,
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', '# T', '- x', '{', '\0', '\r', '\r\n', 'a:'),
  )

  it('any text is a document or has faults; a document found in it is a sound one', () => {
    fc.assert(
      fc.property(anyKind, fc.array(pieces, { maxLength: 30 }), (kind, lines) => {
        const result = parseDocument(kind, lines.join('\n'))
        if (result.ok) expect(reread(result.document)).toEqual(result)
        else {
          expect(result.faults.length).toBeGreaterThan(0)
          for (const { line: at, message } of result.faults) {
            expect(message).not.toBe('')
            if (at !== null) expect(at).toBeGreaterThan(0)
          }
        }
      }),
      { numRuns: 3000 },
    )
  })

  it('any bytes are a document or have faults', () => {
    fc.assert(
      fc.property(anyKind, fc.uint8Array({ maxLength: 300 }), (kind, bytes) => {
        const result = parseDocumentBytes(kind, bytes)
        expect(result.ok || result.faults.length > 0).toBe(true)
        expect(headOf(kind, bytes).ok).toBe(result.ok)
      }),
    )
  })

  it('any JSON is a document or has faults', () => {
    const nearly = anyKind.chain((kind) =>
      fc
        .tuple(
          JSON_BY_KIND[kind],
          fc.dictionary(
            words.map((label) => label.toLowerCase().replaceAll('-', '_')),
            fc.jsonValue(),
            { maxKeys: 3 },
          ),
        )
        .map(([good, bad]) => [kind, { ...good, ...bad }] as const),
    )
    fc.assert(
      fc.property(fc.oneof(nearly, fc.tuple(anyKind, fc.anything())), ([kind, value]) => {
        const result = documentFromJson(kind, value)
        if (result.ok) expect(reread(result.document)).toEqual(result)
        else expect(result.faults.length).toBeGreaterThan(0)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('setFields', () => {
  it('parse(setFields(text, changes)) is parse(text) with the changes, body unchanged', () => {
    const tried = { changed: 0, all: 0 }
    const edits = handwritten.chain(({ kind, text }) =>
      fc.tuple(
        fc.constant(kind),
        fc.constant(text),
        JSON_BY_KIND[kind],
        fc.subarray(TABLES[kind].fields.map(({ name }) => name)),
        fc.subarray(TABLES[kind].fields.filter(({ required }) => !required).map(({ name }) => name)),
      ),
    )
    fc.assert(
      fc.property(edits, ([kind, text, values, set, unset]) => {
        tried.all++
        const before = parseDocument(kind, text)
        if (!before.ok) return
        const changes: Record<string, FieldValue | null> = {}
        for (const name of set) if (name in values) changes[name] = values[name] as FieldValue
        for (const name of unset) changes[name] = null
        const kept = Object.entries({ ...before.document.fields, ...changes }).filter(([, value]) => value !== null)
        const wanted = newDocument(kind, Object.fromEntries(kept))
        const edited = setFields(text, kind, changes)
        expect(parseDocument(kind, edited)).toEqual({ ok: true, document: { ...wanted, body: before.document.body } })
        if (edited !== text) tried.changed++
      }),
      { numRuns: 3000 },
    )
    expect(tried.changed).toBeGreaterThan(tried.all / 10)
  })

  it('leaves every line alone that belongs to no changed field', () => {
    const tagged = handwritten.filter(({ kind, text }) => kind === 'task' && parseDocument(kind, text).ok)
    fc.assert(
      fc.property(tagged, id, ({ text }, root) => {
        const edited = setFields(text, 'task', { root_spec_id: root })
        const others = (where: string) =>
          where.split(/(?<=[\r\n])(?!\n)/).filter((one) => one.trim() !== '' && !one.trim().startsWith('Root-Spec-ID:'))
        const last = (lines: string[]) => lines.map((one) => one.trimEnd())
        expect(last(others(edited))).toEqual(last(others(text)))
      }),
      { numRuns: 200 },
    )
  })
})
