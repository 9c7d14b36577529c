/** How the config reads. */
import type { CompileValidateOutput, ConfigShowOutput } from '../../operations/schemas/plan.ts'
import type { Look } from '../look.ts'
import { validate as validated } from './plan.ts'
import { quoted } from './quoted.ts'

type Key = ConfigShowOutput['keys'][number]

export function show(output: ConfigShowOutput, look: Look): string {
  if (look.terminal) return output.keys.length === 1 ? sheet(output, look) : table(output, look)
  if (output.asked !== null) return output.keys.map((key) => keyLine(key, look)).join('\n')
  return [
    look.field('default_mode', output.default_mode),
    look.field('run_style', output.run_style),
    look.field('idle_sleep_seconds', output.idle_sleep_seconds),
    look.field('watchers.enabled', output['watchers.enabled']),
    look.field('usage_governance.enabled', output['usage_governance.enabled']),
    look.field('config_version', output.config_version),
    look.field('last_reload_outcome', output.last_reload_outcome),
    look.field('last_reload_error', output.last_reload_error),
    look.field('config_path', output.config_path),
    look.field('config_in_force', output.config_in_force),
    ...output.keys.map((key) => keyLine(key, look)),
  ].join('\n')
}

function keyLine({ key, origin, line, from, boundary, value }: Key, look: Look): string {
  const place = `${line === null ? '' : ` line=${line}`}${from === null ? '' : ` from=${quoted(from)}`}`
  return look.field('key', `${key} origin=${origin}${place} boundary=${boundary} value=${quoted(value)}`)
}

/** Where a value comes from, as a person says it. */
function place({ origin, line, from }: Key): string {
  if (origin === 'file') return line === null ? 'file' : `line ${line}`
  return origin === 'override' ? '--set' : (from ?? origin)
}

const BOUNDARIES = { tick: 'at once', claim: 'with the next item', restart: 'at a restart' } as const

/** One key in full. */
function sheet(output: ConfigShowOutput, look: Look): string {
  const { paint } = look
  const [key] = output.keys as [Key]
  return [
    `${paint.bold(key.key)} = ${look.safe(shown(key.value))}`,
    look.safe(key.description),
    look.field(
      'from',
      key.origin === 'file' ? `${output.config_path}${key.line === null ? '' : `:${key.line}`}` : place(key),
    ),
    look.field('takes effect', BOUNDARIES[key.boundary]),
    look.field('default', shown(key.default)),
  ].join('\n')
}

function table(output: ConfigShowOutput, look: Look): string {
  const { paint } = look
  const rows = output.keys.map((key) => [
    key.origin === 'default' ? key.key : paint.bold(key.key),
    shown(key.value),
    key.origin === 'default' ? paint.dim(key.origin) : place(key),
    paint.dim(BOUNDARIES[key.boundary]),
  ])
  const columns = [{ title: 'KEY' }, { title: 'VALUE', flexible: true }, { title: 'FROM' }, { title: 'TAKES EFFECT' }]
  return [
    look.table(rows, columns),
    '',
    look.field('file', output.config_path),
    ...(output.last_reload_error === null
      ? []
      : [paint.red(`the last reload failed: ${look.safe(output.last_reload_error)}`)]),
  ].join('\n')
}

function shown(value: Key['value']): string {
  if (value === null) return '–'
  if (typeof value === 'string') return value
  return JSON.stringify(value)
}

export function validate(output: CompileValidateOutput, look: Look): string {
  return validated(output, look)
}
