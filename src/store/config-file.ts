/** Reading `millrace.toml`: TOML errors with line and column, unknown keys with a suggestion. Writes nothing. */
import { parse, TomlError } from 'smol-toml'
import { clip } from '../core/clip.ts'
import { type Config, parseConfig } from '../core/config.ts'
import { canonical, meant, setOwn } from '../core/config-carried.ts'
import { MillraceError } from '../core/errors.ts'
import { contentId } from '../core/ids.ts'
import { placesIn } from '../core/toml-lines.ts'
import { type Files, readText } from './files.ts'
import { AT, type Places } from './layout.ts'

export const CONFIG_BYTES_MAX = 1024 * 1024

export interface ReadConfig {
  config: Config
  /** `cfg-<12 hex>` over the effective config. */
  version: string
}

/** The config in force; a missing file means all defaults. `overrides` are `KEY=VALUE` of one command. */
export function readConfig(files: Files, places: Places, overrides: readonly string[] = []): ReadConfig {
  const text = readConfigText(files, places)
  const written = parseTable(text)
  const table = overrides.length === 0 ? written : overridden(written, overrides)
  const given = overrides.map((override) => meant(override.split('=', 1)[0]!.split('.')).path.join('.'))
  const inFile = placesIn(text)
  const place = (key: string) => (given.includes(key) ? ' (--set)' : inFile(key))
  const config = parseConfig(table, 'millrace-agents/millrace.toml', place)
  return { config, version: contentId('cfg', config) }
}

const invalid = (message: string, cause?: unknown) =>
  new MillraceError('config_invalid', `millrace-agents/millrace.toml: ${message}`, {
    hint: 'mend the file and run `millrace config validate`',
    cause,
  })

function readConfigText(files: Files, places: Places): string {
  const file = places.at(AT.config)
  const stat = files.stat(file)
  if (stat === null) return ''
  if (stat.bytes > CONFIG_BYTES_MAX) throw invalid(`the file is larger than ${CONFIG_BYTES_MAX} bytes.`)
  try {
    return (readText(files, file) ?? '').replace(/^\uFEFF/, '')
  } catch (error) {
    throw invalid('the file is not UTF-8 text.', error)
  }
}

/** The table a config says. Throws `config_invalid` with line and column. */
export function parseTable(text: string): Record<string, unknown> {
  try {
    return parse(text.replace(/^\uFEFF/, '')) as Record<string, unknown>
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const reason = error.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '')
    throw invalid(`line ${error.line}, column ${error.column}: ${reason}.`, error)
  }
}

/** The parts of a key as TOML writes it: dotted, parts with other characters in quotes. Throws `usage`. */
export function keyPath(key: string): string[] {
  const path: string[] = []
  try {
    if (/[\r\n]/.test(key)) throw new TypeError('several lines')
    let table: unknown = parse(`${key} = 0`)
    while (typeof table === 'object' && table !== null) {
      const [[name, member] = ['', undefined], ...more] = Object.entries(table)
      if (more.length > 0 || member === undefined) throw new TypeError('no single key')
      path.push(name)
      table = member
    }
    if (table !== 0) throw new TypeError('more than a key')
    return path
  } catch {
    throw new MillraceError('usage', `${JSON.stringify(clip(key, OVERRIDE_CHARS_MAX))} is no key.`, {
      hint: 'write it with dots, such as recovery.max_fix_cycles; a part with other characters goes in quotes',
    })
  }
}

const OVERRIDE_CHARS_MAX = 200

/** An override is said over what the file says, in whichever spelling either has the key. */
function overridden(written: Record<string, unknown>, overrides: readonly string[]): Record<string, unknown> {
  const { table, problems } = canonical(written)
  if (problems.length > 0) return written // it is refused as it stands
  for (const override of overrides) set(table, override)
  return table
}

/** `KEY=VALUE` with a dotted key; the value is TOML, or else taken as text. */
function set(table: Record<string, unknown>, override: string): void {
  const [, key, raw] = /^([A-Za-z0-9_.-]+)=(.*)$/s.exec(override) ?? []
  const given = key?.split('.') ?? []
  if (raw === undefined || given.some((part) => part === '')) {
    throw new MillraceError(
      'usage',
      `--set ${clip(override, OVERRIDE_CHARS_MAX)} is not KEY=VALUE with a dotted key.`,
      {
        hint: 'for example: --set recovery.max_fix_cycles=3',
      },
    )
  }
  const { path: parts, value } = meant(given, tomlValue(raw))
  let at = table
  for (const part of parts.slice(0, -1)) {
    const next = Object.hasOwn(at, part) ? at[part] : undefined
    const inner = next !== null && typeof next === 'object' && !Array.isArray(next) ? { ...next } : {}
    setOwn(at, part, inner)
    at = inner as Record<string, unknown>
  }
  setOwn(at, parts[parts.length - 1]!, value)
}

/** A value as TOML writes it, or else the text itself. */
export function tomlValue(raw: string): unknown {
  try {
    return (parse(`value = ${raw}`) as { value: unknown }).value
  } catch {
    return raw
  }
}
