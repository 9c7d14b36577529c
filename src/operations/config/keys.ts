/** Config keys as they are shown: the value in force, where it stands, and when a change of it takes effect. Pure. */
import { type Config, type ConfigKey, configKeys } from '../../core/config.ts'
import { canonical } from '../../core/config-carried.ts'
import { MillraceError } from '../../core/errors.ts'
import { didYouMean, nearest } from '../../core/nearest.ts'
import { nodesOf, type Plan } from '../../core/plan.ts'
import { keyLines, lineOf } from '../../core/toml-lines.ts'
import type { ConfigShowOutput } from '../schemas/plan.ts'

type Key = ConfigShowOutput['keys'][number]

export interface Written {
  /** The file as it stands there, and parsed. */
  text: string
  table: unknown
  /** Keys given for this command alone. */
  overridden: readonly string[]
}

/** Every key there is with its value; of a name the user chooses, one key for each that was chosen. */
export function keysOf(config: Config, { text, table: written, overridden }: Written): Key[] {
  const lines = keyLines(text)
  const { table, aliases } = canonical(written)
  return configKeys().flatMap((known) =>
    expand(known.key.split('.'), config).flatMap((parts) => {
      const value = at(config, parts)
      // Of a section the user named, only what is set says anything.
      if (value === undefined) return []
      const key = parts.join('.')
      const isOverridden = overridden.some((one) => one === key || one.startsWith(`${key}.`))
      const origin = isOverridden ? 'override' : at(table, parts) === undefined ? 'default' : 'file'
      return [
        {
          key,
          value: shown(parts, value),
          origin,
          line: origin === 'file' ? lineOf(lines, aliases.get(key) ?? key) : null,
          from: null,
          default: shown(parts, known.default ?? null),
          boundary: known.boundary,
          description: known.description,
        },
      ]
    }),
  )
}

/** Of environment variables only the names: their values may be secrets. */
const shown = (parts: readonly string[], value: unknown): Key['value'] =>
  parts.at(-1) === 'env' && value !== null ? Object.keys(value as object).sort() : (value as Key['value'])

/** A key with each chosen name in place of its `*`. */
function expand(parts: readonly string[], config: Config): string[][] {
  const star = parts.indexOf('*')
  if (star < 0) return [[...parts]]
  const chosen = Object.keys(at(config, parts.slice(0, star)) as object).sort()
  return chosen.map((name) => [...parts.slice(0, star), name, ...parts.slice(star + 1)])
}

function at(table: unknown, parts: readonly string[]): unknown {
  return parts.reduce((value: unknown, part) => {
    const isMember = value !== null && typeof value === 'object' && Object.hasOwn(value, part)
    return isMember ? (value as Record<string, unknown>)[part] : undefined
  }, table)
}

const STAGES = 'stages'
/** Member of a bound node by key of a `[stages.*]` section. */
const BOUND = {
  runner: 'runner_name',
  model: 'model_name',
  model_reasoning_effort: 'model_reasoning_effort',
  timeout_seconds: 'timeout_seconds',
  entrypoint_path: 'entrypoint_path',
} as const

/** Origins of the plan, by how they begin, as the config tells them. */
const ORIGINS: readonly (readonly [start: string, origin: Key['origin']])[] = [
  ['mode ', 'mode'],
  ['model profile ', 'profile'],
  ['node', 'loop'],
]

/**
 * What stages are bound to where the config alone does not say: a mode, a loop or a default does. `keys` are those the
 * config sets, which stand unless the mode wins over them.
 */
export function stageKeys(plan: Plan, keys: readonly Key[]): Key[] {
  const about = new Map(configKeys().map((known) => [known.key, known]))
  const set = new Map(keys.map((key) => [key.key, key]))
  const bound = nodesOf(plan).flatMap((node) =>
    Object.entries(BOUND).flatMap(([name, member]): [string, Key][] => {
      const key = `${STAGES}.${node.stage_kind_id}.${name}`
      const known = about.get(`${STAGES}.*.${name}`) as ConfigKey
      const from = node.origins[member] ?? 'default'
      const own = set.get(key)
      if (own !== undefined && from.startsWith('config ')) return [[key, own]]
      const origin = ORIGINS.find(([start]) => from.startsWith(start))?.[1] ?? 'default'
      const { boundary, description } = known
      return [[key, { key, value: node[member], origin, line: null, from, default: null, boundary, description }]]
    }),
  )
  return [...new Map([...set, ...bound])].map(([, key]) => key).filter(({ key }) => key.startsWith(`${STAGES}.`))
}

/** Those that are meant by a key, or by the beginning of several. Throws `usage` where there are none. */
export function chosenKeys(keys: readonly Key[], asked: string): Key[] {
  const wanted = asked.replace(/\.?\*?$/, '')
  const found = keys.filter(({ key }) => key === wanted || key.startsWith(`${wanted}.`))
  if (found.length > 0) return found
  const variable = /^(.+\.env)\..+$/.exec(wanted)?.[1]
  if (variable !== undefined && keys.some(({ key }) => key === variable)) {
    throw new MillraceError('usage', 'Values of environment variables are not shown.', {
      hint: `see their names with \`millrace config show ${variable}\``,
    })
  }
  const near = nearest(wanted, [...new Set([...keys.map(({ key }) => key), ...sections(keys)])])
  throw new MillraceError('usage', `There is no config key ${JSON.stringify(asked.slice(0, 120))}.`, {
    hint: didYouMean(near, 'list them with `millrace config show`'),
  })
}

const sections = (keys: readonly Key[]): string[] =>
  keys.flatMap(({ key }) => key.split('.').map((_part, index, parts) => parts.slice(0, index).join('.')))
