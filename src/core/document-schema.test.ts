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

  it('says so for each type of field', () => {
    const { properties } = documentJsonSchema('learning_request') as Shape
    const oneLine = { type: 'string', pattern: '^[^\\r\\n\\u0000]*$' }
    const something = { type: 'string', pattern: '^[^\\r\\n\\u0000]*[^\\s\\u0000][^\\r\\n\\u0000]*$' }
    const id = { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$', maxLength: 200 }
    const without = (name: string) => {
      const { description: _, ...rest } = properties[name]!
      return rest
    }
    expect(Object.fromEntries(Object.keys(properties).map((name) => [name, without(name)]))).toEqual({
      schema_version: { const: '1.0' },
      kind: { const: 'learning_request' },
      learning_request_id: id,
      title: something,
      summary: { ...oneLine, default: '' },
      requested_action: { type: 'string', enum: ['create', 'improve', 'promote', 'export', 'install'] },
      target_skill_id: { anyOf: [id, { type: 'null' }], default: null },
      target_stage: {
        anyOf: [{ type: 'string', pattern: '^[a-z0-9]+(?:[._-][a-z0-9]+)*$' }, { type: 'null' }],
        default: null,
      },
      trigger_metadata: { type: 'object', default: {} },
      created_at: { type: 'string', format: 'date-time' },
      created_by: something,
      updated_at: { anyOf: [{ type: 'string', format: 'date-time' }, { type: 'null' }], default: null },
      source_refs: { type: 'array', items: something, default: [] },
      preferred_output_paths: { type: 'array', items: something, default: [] },
      originating_run_ids: { type: 'array', items: id, default: [] },
      artifact_paths: { type: 'array', items: something, default: [] },
      references: { type: 'array', items: something, default: [] },
    })
  })

  it('is a closed object of the draft it names', () => {
    expect(documentJsonSchema('spec')).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      title: 'spec',
      description: TABLES.spec.description,
      type: 'object',
      additionalProperties: false,
    })
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
