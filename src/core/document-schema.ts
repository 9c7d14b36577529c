/** JSON Schema (draft 2020-12) of the JSON form of work documents, derived from the field tables. */
import type { DocumentKind } from './document.ts'
import { type Field, TABLES } from './document-fields.ts'
import { ID_LENGTH_MAX } from './ids.ts'

type Schema = Record<string, unknown>

const ONE_LINE = { type: 'string', pattern: '^[^\\r\\n\\u0000]*$' }
const SAY_SOMETHING = { type: 'string', pattern: '^[^\\r\\n\\u0000]*[^\\s\\u0000][^\\r\\n\\u0000]*$' }

function scalarSchema(field: Field): Schema {
  switch (field.type) {
    case 'id':
      return { type: 'string', pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$', maxLength: ID_LENGTH_MAX }
    case 'name':
      return { type: 'string', pattern: '^[a-z0-9]+(?:[._-][a-z0-9]+)*$' }
    case 'text':
      return field.required || field.list ? SAY_SOMETHING : ONE_LINE
    case 'timestamp':
      return { type: 'string', format: 'date-time' }
    case 'boolean':
      return { type: 'boolean' }
    case 'enum':
      return { type: 'string', enum: field.values }
    case 'json':
      return { type: 'object' }
  }
}

function fieldSchema(field: Field): Schema {
  const { description } = field
  const one = scalarSchema(field)
  if (field.list) {
    const atLeast = field.required ? { minItems: 1 } : { default: [] }
    return { description, type: 'array', items: one, ...atLeast }
  }
  if (field.required) return { description, ...one }
  if (field.fallback !== undefined) return { description, ...one, default: field.fallback }
  return { description, anyOf: [one, { type: 'null' }], default: null }
}

/** The schema of what `documentFromJson` takes for a kind. */
export function documentJsonSchema(kind: DocumentKind): object {
  const table = TABLES[kind]
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: kind,
    description: table.description,
    type: 'object',
    additionalProperties: false,
    required: table.fields.filter((field) => field.required).map((field) => field.name),
    properties: {
      schema_version: { description: 'Format of the document.', const: '1.0' },
      kind: { description: 'Kind of the document.', const: kind },
      ...Object.fromEntries(table.fields.map((field) => [field.name, fieldSchema(field)])),
    },
  }
}
