/** Model profiles: which there are, and what one says. Needs no workspace; where there is one, its own files count. */
import type { AssetFamilies } from '../../core/assets.ts'
import { profileChosen } from '../../core/bind.ts'
import type { Config } from '../../core/config.ts'
import type { Operation } from '../../core/operation.ts'
import type { Context } from '../context.ts'
import { configOrDefaults } from '../reading.ts'
import type { ModelsLsOutput, ModelsShowOutput } from '../schemas/assets.ts'
import { type Family, familiesOf, findAsset, unreadableIn } from './find.ts'

const PROFILES: Family = { word: 'model profile', folder: 'registry/model_profiles/', unknown: 'asset_unknown' }

export const modelsLs: Operation<Context, Record<string, never>, ModelsLsOutput> = {
  name: 'models ls',
  flavour: 'read',
  summary: 'Model profiles there are.',
  description:
    'Lists the model profiles of the package and of the workspace, if there is one, with the models each gives its runners, the modes that name it, and which of them counts for the mode that is compiled when none is named. One is chosen by a mode, or by runtime.model_profile of millrace.toml. What is said of a stage itself goes over it.',
  input: [],
  examples: [{ command: 'millrace models', does: 'see which models stages can be given at once' }],
  output: async () => (await import('../schemas.ts')).modelsLsSchema(),
  async run(context) {
    const families = familiesOf(context)
    const chosen = chosenBy(families, configOrDefaults(context))
    return {
      profiles: [...families.modelProfiles.values()]
        .map(({ value, file }) => ({
          model_profile_id: value.model_profile_id,
          description: value.description,
          models: Object.entries(value.runners).map(([runner, { model }]) => ({ runner, model: model ?? null })),
          used_by_modes: modesWith(families, value.model_profile_id),
          is_chosen: value.model_profile_id === chosen,
          source: file.source,
          path: file.path,
        }))
        .sort((a, b) => (a.model_profile_id < b.model_profile_id ? -1 : 1)),
      unreadable: unreadableIn(families, PROFILES.folder),
    }
  },
}

/** The profile of the mode that is compiled when none is named. */
function chosenBy(families: AssetFamilies, config: Config): string | null {
  const named = config.runtime.default_mode
  const mode = families.modes.get(Object.hasOwn(families.aliases, named) ? families.aliases[named]! : named)
  return mode === undefined ? null : (profileChosen(mode, config)?.id ?? null)
}

const modesWith = (families: AssetFamilies, id: string): string[] =>
  [...families.modes.values()]
    .filter(({ value }) => value.model_profile === id)
    .map(({ value }) => value.mode_id)
    .sort()

export const modelsShow: Operation<Context, { model_profile_id: string }, ModelsShowOutput> = {
  name: 'models show',
  flavour: 'read',
  summary: 'One model profile: model and effort by runner and stage.',
  description:
    'Shows which model and effort a profile gives the stages of each runner. What a stage runs with in the end, and who says so, is in `millrace compile show`.',
  input: [
    {
      name: 'model_profile_id',
      type: 'text',
      positional: true,
      required: true,
      placeholder: 'ID',
      description: 'Model profile.',
    },
  ],
  examples: [{ command: 'millrace models show codex-2026-11', does: 'see what it gives each stage' }],
  output: async () => (await import('../schemas.ts')).modelsShowSchema(),
  async run(context, { model_profile_id }) {
    const families = familiesOf(context)
    const { value, file, rivals } = findAsset(PROFILES, families.modelProfiles, families, model_profile_id)
    return {
      model_profile_id: value.model_profile_id,
      source: file.source,
      path: file.path,
      rivals,
      used_by_modes: modesWith(families, value.model_profile_id),
      profile: value,
    }
  },
}
