import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { DOCUMENT_KINDS, documentFromJson } from './document.ts'
import { TABLES } from './document-fields.ts'
import { documentJsonSchema } from './document-schema.ts'

interface Shape {
  required: string[]
  properties: Record<string, Record<string, unknown>>
}

const REQUEST = {
  learning_request_id: 'learn-1',
  title: 'T',
  requested_action: 'improve',
  created_at: '2026-03-03T12:00:00Z',
  created_by: 'me',
}

describe('documentJsonSchema', () => {
  it.each(DOCUMENT_KINDS)('%s: describes every field of the table, and nothing else', (kind) => {
    const { required, properties } = documentJsonSchema(kind) as Shape
    const { fields } = TABLES[kind]
    expect(Object.keys(properties)).toEqual(['schema_version', 'kind', ...fields.map(({ name }) => name)])
    expect(required).toEqual(fields.filter((field) => field.required).map(({ name }) => name))
    for (const property of Object.values(properties)) expect(property.description).toMatch(/\.$/)
  })

  it('says what a value may be', () => {
    const { properties } = documentJsonSchema('incident') as Shape
    expect(properties.severity).toMatchObject({
      type: 'string',
      enum: ['low', 'medium', 'high', 'critical'],
      default: 'medium',
    })
    expect(properties.needs_planning).toMatchObject({ type: 'boolean', default: true })
    expect(properties.root_spec_id).toMatchObject({ anyOf: [{ type: 'string' }, { type: 'null' }], default: null })
    expect(properties.references).toMatchObject({ type: 'array', default: [] })
    expect((documentJsonSchema('task') as Shape).properties.references).toMatchObject({ type: 'array', minItems: 1 })
  })

  it('is plain JSON', () => {
    const schema = documentJsonSchema('task')
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
  })

  it('agrees with the import on what a document may say', () => {
    const schema = z.fromJSONSchema(documentJsonSchema('learning_request') as z.core.JSONSchema.JSONSchema)
    const value = fc.oneof(
      fc.constantFrom<unknown>(
        null,
        '',
        ' ',
        'x',
        'a b',
        'A',
        'improve',
        'two\nlines',
        3,
        true,
        [],
        ['x'],
        [''],
        ['x y'],
        {},
        { a: 1 },
      ),
      fc.string({ maxLength: 5 }),
    )
    const names = TABLES.learning_request.fields.filter(({ type }) => type !== 'timestamp').map(({ name }) => name)
    fc.assert(
      fc.property(fc.constantFrom(...names, 'schema_version', 'kind', 'other'), value, (name, given) => {
        const json = { ...REQUEST, [name]: given }
        expect(schema.safeParse(json).success).toBe(documentFromJson('learning_request', json).ok)
      }),
      { numRuns: 2000 },
    )
  })
})
