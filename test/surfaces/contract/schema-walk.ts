/** Walks a JSON value beside its JSON Schema, to find what the schema says of each object in it. */
import type { ValidateFunction } from 'ajv/dist/2020.js'

export type Schema = Record<string, unknown>

/** An object of a value at which the schema is closed. */
export interface Closed {
  path: readonly (string | number)[]
  /** Members that have to be there. */
  required: readonly string[]
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Every object in a value, with what the schema asks of its members where it is closed there. */
export function closedObjects(root: Schema, value: unknown, compile: (schema: Schema) => ValidateFunction): Closed[] {
  const found: Closed[] = []
  const resolved = (schema: Schema): Schema =>
    typeof schema.$ref === 'string' ? resolved(pointed(root, schema.$ref)) : schema
  const walk = (given: Schema, at: unknown, path: readonly (string | number)[]): void => {
    const schema = resolved(given)
    const branch = branches(schema).find((one) => fitting(one, root, compile)(at))
    if (branch !== undefined) walk(branch, at, path)
    if (Array.isArray(at) && isObject(schema.items)) {
      for (const [index, one] of at.entries()) walk(schema.items, one, [...path, index])
    }
    if (!isObject(at)) return
    if (schema.additionalProperties === false) found.push({ path, required: (schema.required as string[]) ?? [] })
    for (const [name, member] of Object.entries(at)) {
      const own = memberSchema(schema, name)
      if (own !== null) walk(own, member, [...path, name])
    }
  }
  walk(root, value, [])
  return found
}

const fittings = new WeakMap<Schema, ValidateFunction>()

/** Of a branch, which is judged with the definitions it may point to; made once. */
function fitting(branch: Schema, root: Schema, compile: (schema: Schema) => ValidateFunction): ValidateFunction {
  const fits = fittings.get(branch) ?? compile({ ...branch, $defs: root.$defs ?? {} })
  fittings.set(branch, fits)
  return fits
}

function branches(schema: Schema): Schema[] {
  return ((schema.anyOf ?? schema.oneOf ?? []) as unknown[]).filter(isObject)
}

function memberSchema(schema: Schema, name: string): Schema | null {
  const properties = isObject(schema.properties) ? schema.properties : {}
  if (Object.hasOwn(properties, name)) return properties[name] as Schema
  const patterns = isObject(schema.patternProperties) ? schema.patternProperties : {}
  const pattern = Object.keys(patterns).find((one) => new RegExp(one).test(name))
  if (pattern !== undefined) return patterns[pattern] as Schema
  return isObject(schema.additionalProperties) ? schema.additionalProperties : null
}

function pointed(root: Schema, pointer: string): Schema {
  return pointer
    .replace(/^#\/?/, '')
    .split('/')
    .filter(Boolean)
    .reduce((at: unknown, part) => (at as Schema)[part.replaceAll('~1', '/').replaceAll('~0', '~')], root) as Schema
}

/** Objects that a schema describes by their members without being closed, as paths in the schema. */
export function openObjects(schema: unknown, path = ''): string[] {
  if (Array.isArray(schema)) return schema.flatMap((one, index) => openObjects(one, `${path}/${index}`))
  if (!isObject(schema)) return []
  const isOpen = isObject(schema.properties) && schema.additionalProperties !== false
  return [
    ...(isOpen ? [path || '/'] : []),
    ...Object.entries(schema).flatMap(([name, member]) =>
      name === 'default' || name === 'const' || name === 'enum' ? [] : openObjects(member, `${path}/${name}`),
    ),
  ]
}

/** A copy of a value in which one object was changed. */
export function changed<T>(value: T, path: Closed['path'], change: (object: Record<string, unknown>) => void): T {
  const copy = structuredClone(value)
  change(path.reduce((at: unknown, part) => (at as Record<string | number, unknown>)[part], copy) as never)
  return copy
}
