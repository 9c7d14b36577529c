/** What a config key takes, in words for people: from its schema, so that it cannot be told wrongly. */
import * as z from 'zod'

interface JsonSchema {
  type?: string | string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: JsonSchema[]
  items?: JsonSchema
  minimum?: number
  exclusiveMinimum?: number
}

/** Such as `integer from 1`, `one of low, high` or `list of text`. */
export function typeOf(schema: z.core.$ZodType): string {
  return words(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema)
}

function words(schema: JsonSchema): string {
  if (schema.anyOf) return [...new Set(schema.anyOf.map(words))].filter((one) => one !== 'nothing').join(' or ')
  if (schema.enum) return schema.enum.length === 1 ? `only ${schema.enum[0]}` : `one of ${schema.enum.join(', ')}`
  if (schema.const !== undefined) return `only ${schema.const}`
  switch (schema.type) {
    case 'integer':
    case 'number':
      return `${schema.type}${bound(schema)}`
    case 'boolean':
      return 'true or false'
    case 'array':
      return `list of ${schema.items?.type === 'object' ? 'tables' : words(schema.items ?? {})}`
    case 'object':
      return 'table'
    case 'null':
      return 'nothing'
    default:
      return 'text'
  }
}

function bound({ minimum, exclusiveMinimum }: JsonSchema): string {
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}`
  return minimum === undefined || minimum < -1e9 ? '' : ` from ${minimum}`
}
