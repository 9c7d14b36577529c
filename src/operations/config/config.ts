/** The config: what is in force and where it came from, and whether it is sound. Changes nothing. */
import { parse } from 'smol-toml'
import { meant } from '../../core/config-carried.ts'
import type { Operation } from '../../core/operation.ts'
import { readConfig } from '../../store/config-file.ts'
import { readText } from '../../store/files.ts'
import { AT } from '../../store/layout.ts'
import { type Context, placesIn } from '../context.ts'
import { modeField } from '../fields.ts'
import { compileHere, validation } from '../plan/compiling.ts'
import { reading } from '../reading.ts'
import type { CompileValidateOutput, ConfigShowOutput } from '../schemas/plan.ts'
import { chosenKeys, keysOf, stageKeys } from './keys.ts'

export const show: Operation<Context, { key?: string }, ConfigShowOutput> = {
  name: 'config show',
  flavour: 'read',
  summary: 'Config in force, with where each value came from.',
  description:
    'Shows every key with its value, whether that stands in millrace.toml (and on which line), was given with --set or is a default, and when a change of it takes effect: at the next tick, with the next claim, or at a restart. With KEY only that one, or all that begin so; below `stages` also what the mode binds. Of environment variables only the names are shown.',
  input: [
    {
      name: 'key',
      type: 'text',
      positional: true,
      placeholder: 'KEY',
      description: 'Dotted key, or the beginning of several.',
    },
  ],
  examples: [
    { command: 'millrace config show', does: 'see every key' },
    { command: 'millrace config show runners.codex', does: 'see how that harness is started' },
    { command: 'millrace config show stages.builder', does: 'see what the builder runs with, and who says so' },
  ],
  output: async () => (await import('../schemas.ts')).configShowSchema(),
  async run(context, { key: asked }) {
    const { snapshot } = reading(context, (view) => view)
    const places = placesIn(context)
    const { config, version } = readConfig(context.files, places, context.overrides)
    const text = (readText(context.files, places.at(AT.config)) ?? '').replace(/^\uFEFF/, '')
    const overridden = context.overrides.map((override) => meant(override.split('=')[0]!.split('.')).path.join('.'))
    const keys = keysOf(config, { text, table: parse(text), overridden })
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
      asked: asked ?? null,
      keys: asked === undefined ? keys : chosenKeys(withStages(context, asked, keys), asked),
    }
  },
}

/** What stages are bound to is the plan's to say; it is compiled only for those who ask, and a mode that does not compile says nothing. */
function withStages(context: Context, asked: string, keys: ConfigShowOutput['keys']): ConfigShowOutput['keys'] {
  const plan = /^stages(\.|$)/.test(asked) ? compileHere(context).plan : null
  return plan === null ? keys : [...keys.filter(({ key }) => !key.startsWith('stages.')), ...stageKeys(plan, keys)]
}

export const validate: Operation<Context, { mode?: string }, CompileValidateOutput> = {
  name: 'config validate',
  flavour: 'read',
  summary: 'Check millrace.toml and compile.',
  description: 'Reads the config, names every key that is unknown or out of range, and compiles the mode in memory.',
  input: [modeField],
  examples: [{ command: 'millrace config validate', does: 'check an edited config before it is reloaded' }],
  output: async () => (await import('../schemas.ts')).compileValidateSchema(),
  async run(context, input) {
    const last = reading(context, (view) => view.plan)
    return validation(compileHere(context, input.mode), last, false)
  },
}
