/** The config: what is in force and where it came from, and whether it is sound. Changes nothing. */
import { parse } from 'smol-toml'
import { type Config, configKeys } from '../core/config.ts'
import type { Operation } from '../core/operation.ts'
import { readConfig } from '../store/config-file.ts'
import { readText } from '../store/files.ts'
import { AT } from '../store/layout.ts'
import { compileHere, validation } from './compiling.ts'
import { type Context, placesIn } from './context.ts'
import { reading } from './reading.ts'
import type { CompileValidateOutput, ConfigShowOutput } from './schemas/plan.ts'

export const show: Operation<Context, Record<string, never>, ConfigShowOutput> = {
  name: 'config show',
  flavour: 'read',
  summary: 'Config in force, with where each value came from.',
  description:
    'Shows every key with its value, whether that stands in millrace.toml or is a default, and when a change of it takes effect. Of environment variables only the names are shown.',
  input: [],
  examples: [{ command: 'millrace config show', does: 'see every key' }],
  output: async () => (await import('./schemas.ts')).configShowSchema(),
  async run(context) {
    const { snapshot } = reading(context, (view) => view)
    const places = placesIn(context)
    const { config, version } = readConfig(context.files, places, context.overrides)
    const written = parse((readText(context.files, places.at(AT.config)) ?? '').replace(/^\uFEFF/, ''))
    const overridden = context.overrides.map((override) => override.split('=')[0]!)
    return {
      default_mode: config.runtime.default_mode,
      run_style: config.runtime.run_style,
      idle_sleep_seconds: config.runtime.idle_sleep_seconds,
      'watchers.enabled': config.watchers.enabled,
      'usage_governance.enabled': config.usage_governance.enabled,
      config_version: version,
      last_reload_outcome: snapshot.last_reload_outcome,
      last_reload_error: snapshot.last_reload_error,
      config_path: places.at(AT.config),
      config_in_force: snapshot.config_version,
      keys: keysOf(config, written, overridden),
    }
  },
}

/** Every key there is with its value; of a name the user chooses, one key for each that was chosen. */
export function keysOf(config: Config, written: unknown, overridden: readonly string[]): ConfigShowOutput['keys'] {
  return configKeys().flatMap(({ key, description, boundary }) =>
    expand(key.split('.'), config).flatMap((parts) => {
      const value = at(config, parts)
      // Of a section the user named, only what is set says anything.
      if (value === undefined) return []
      const full = parts.join('.')
      const isOverridden = overridden.some((one) => one === full || one.startsWith(`${full}.`))
      const origin = isOverridden ? 'override' : at(written, parts) === undefined ? 'default' : 'file'
      const shown = parts.at(-1) === 'env' ? Object.keys(value as object).sort() : value
      return [{ key: full, value: shown as ConfigShowOutput['keys'][number]['value'], origin, boundary, description }]
    }),
  )
}

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

export const validate: Operation<Context, { mode?: string }, CompileValidateOutput> = {
  name: 'config validate',
  flavour: 'read',
  summary: 'Check millrace.toml and compile.',
  description: 'Reads the config, names every key that is unknown or out of range, and compiles the mode in memory.',
  input: [
    { name: 'mode', type: 'text', placeholder: 'ID', description: 'Mode to compile instead of runtime.default_mode.' },
  ],
  examples: [{ command: 'millrace config validate', does: 'check an edited config before it is reloaded' }],
  output: async () => (await import('./schemas.ts')).compileValidateSchema(),
  async run(context, input) {
    const last = reading(context, (view) => view.plan)
    return validation(compileHere(context, input.mode), last, false)
  },
}
