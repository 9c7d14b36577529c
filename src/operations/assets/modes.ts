/** Modes: which there are, and what one says. Needs no workspace; where there is one, its own files count. */
import { MillraceError } from '../../core/errors.ts'
import type { Mode } from '../../core/mode.ts'
import type { Operation } from '../../core/operation.ts'
import { readConfig } from '../../store/config-file.ts'
import { type Context, placesIn } from '../context.ts'
import type { ModesLsOutput, ModesShowOutput } from '../schemas/plan.ts'
import { type Family, familiesOf, findAsset, unreadableIn } from './find.ts'

const MODES: Family = { word: 'mode', folder: 'modes/', unknown: 'mode_unknown' }

export const modesLs: Operation<Context, Record<string, never>, ModesLsOutput> = {
  name: 'modes ls',
  flavour: 'read',
  summary: 'Modes there are.',
  description:
    'Lists the modes of the package and of the workspace, if there is one, with the loop each gives every lane.',
  input: [],
  examples: [{ command: 'millrace modes ls', does: 'see which modes there are' }],
  output: async () => (await import('../schemas.ts')).modesLsSchema(),
  async run(context) {
    const families = familiesOf(context)
    const fallback = defaultMode(context)
    const byId = (a: { mode_id: string }, b: { mode_id: string }) => (a.mode_id < b.mode_id ? -1 : 1)
    return {
      modes: [...families.modes.values()]
        .map(({ value, file }) => ({
          mode_id: value.mode_id,
          description: value.description ?? null,
          loop_ids_by_plane: loopsOf(value),
          source: file.source,
          path: file.path,
          is_default: value.mode_id === (families.aliases[fallback] ?? fallback),
        }))
        .sort(byId),
      aliases: Object.entries(families.aliases)
        .map(([alias, mode_id]) => ({ alias, mode_id }))
        .sort((a, b) => (a.alias < b.alias ? -1 : 1)),
      unreadable: unreadableIn(families, MODES.folder),
    }
  },
}

export const modesShow: Operation<Context, { mode_id: string }, ModesShowOutput> = {
  name: 'modes show',
  flavour: 'read',
  summary: 'One mode: loops and bindings.',
  description: 'Shows what a mode says: its loops, which runner and model each stage is bound to, limits, claim order.',
  input: [
    {
      name: 'mode_id',
      type: 'text',
      positional: true,
      required: true,
      placeholder: 'ID',
      description: 'Mode or alias.',
    },
  ],
  examples: [{ command: 'millrace modes show default_codex', does: 'see what that mode binds' }],
  output: async () => (await import('../schemas.ts')).modesShowSchema(),
  async run(context, { mode_id: asked }) {
    const { aliased, value, file } = lookUp(context, asked)
    return {
      ...(aliased === null ? {} : { alias_of: aliased }),
      mode_id: value.mode_id,
      description: value.description ?? null,
      source: file.source,
      path: file.path,
      loop_ids_by_plane: loopsOf(value),
      model_profile: value.model_profile ?? null,
      stage_runner_bindings: value.stage_runner_bindings,
      stage_model_bindings: value.stage_model_bindings,
      stage_permission_bindings: value.stage_permission_bindings,
      stage_entrypoint_overrides: value.stage_entrypoint_overrides,
      stage_skill_additions: value.stage_skill_additions,
      claim_order: value.claim_order?.planes ?? null,
      recovery_limits: value.recovery_limits ?? null,
    }
  },
}

function lookUp(context: Context, asked: string) {
  const families = familiesOf(context)
  const aliased = Object.hasOwn(families.aliases, asked) ? families.aliases[asked]! : null
  return { aliased, ...findAsset(MODES, families.modes, families, aliased ?? asked) }
}

/** The mode of that id or alias. Throws `mode_unknown`, `asset_invalid`. */
export const findMode = (context: Context, asked: string): Mode => lookUp(context, asked).value

/** The mode the config names; a config that cannot be read names none. */
function defaultMode(context: Context): string {
  try {
    return readConfig(context.files, placesIn(context), context.overrides).config.runtime.default_mode
  } catch (error) {
    if (!MillraceError.is(error)) throw error
    return ''
  }
}

/** Loop of each lane, in whichever spelling the mode has it. */
export function loopsOf(mode: Mode): Record<string, string> {
  return {
    ...(mode.execution_loop_id ? { execution: mode.execution_loop_id } : {}),
    ...(mode.planning_loop_id ? { planning: mode.planning_loop_id } : {}),
    ...mode.loop_ids_by_plane,
  }
}
