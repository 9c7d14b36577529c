/**
 * Every key of the config there is or was: what works, what is an alias of it, and what is not carried and why. The
 * page on the configuration is made of these rows. Pure.
 */
import type { Boundary } from '../../core/boundary.ts'
import { configKeys } from '../../core/config.ts'
import { ALIASES, keysOf, NOT_CARRIED } from '../../core/config-carried.ts'
import { typeOf } from '../../core/config-type.ts'

export interface ConfigKeyRow {
  /** Dotted; `*` stands for a name the user chooses. */
  key: string
  kind: 'works' | 'alias' | 'not carried'
  /** What it takes, in words; null for a key that is not carried. */
  type: string | null
  /** As TOML writes it; null where there is none. */
  default: string | null
  /** When a change takes effect; null for a key that is not carried. */
  boundary: Boundary | null
  /** Of an alias, the key that is meant. */
  alias_of: string | null
  /** What it does; of a key that is not carried, why not. */
  description: string
}

/** Keys that work in the order of the schema, then aliases, then what is not carried. */
export function configReference(): ConfigKeyRow[] {
  const works = configKeys().map(
    ({ key, schema, default: value, boundary, description }): ConfigKeyRow => ({
      key,
      kind: 'works',
      type: typeOf(schema),
      default: toml(value),
      boundary,
      alias_of: null,
      description,
    }),
  )
  const known = new Map(works.map((row) => [row.key, row]))
  const aliases = ALIASES.map(({ key, of, converted }): ConfigKeyRow => {
    const { type, default: value, boundary } = known.get(of)!
    const description = `The same as \`${of}\`${converted === undefined ? '' : `, ${converted}`}.`
    const own = converted === undefined ? { type, default: value } : { type: 'number', default: null }
    return { key, kind: 'alias', ...own, boundary, alias_of: of, description }
  })
  const gone = NOT_CARRIED.flatMap((entry) =>
    keysOf(entry).map((key): ConfigKeyRow => {
      const description = `${entry.why.charAt(0).toUpperCase()}${entry.why.slice(1)}.`
      return { key, kind: 'not carried', type: null, default: null, boundary: null, alias_of: null, description }
    }),
  )
  return [...works, ...aliases, ...gone]
}

/** A default as TOML writes it. */
function toml(value: unknown): string | null {
  if (value === undefined || value === null) return null
  if (Array.isArray(value)) return `[${value.map(toml).join(', ')}]`
  if (typeof value !== 'object') return JSON.stringify(value)
  const members = Object.entries(value).map(([name, member]) => `${name} = ${toml(member)}`)
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`
}
