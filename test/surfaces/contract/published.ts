/** Schemas as `millrace schema` gives them, and an independent judge of them. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { schema as schemaOperation } from '../../../src/operations/schema.ts'
import { contextIn } from '../../rig/context.ts'
import type { Schema } from './schema-walk.ts'

const asked = new Map<string, Promise<Schema>>()

export function published(name: string): Promise<Schema> {
  const known = asked.get(name)
  if (known !== undefined) return known
  const schema = schemaOperation.run(contextIn('/nowhere'), { name: name.split(' ') }) as Promise<Schema>
  asked.set(name, schema)
  return schema
}

/** An independent judge of JSON Schema (draft 2020-12); strict: a keyword it does not know is a mistake of ours. */
export function judge(): (schema: Schema) => ValidateFunction {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: false })
  formats.default(ajv)
  return (schema) => ajv.compile(schema)
}
