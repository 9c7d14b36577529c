/** What looking at loops, stage kinds and model profiles gives. */
import * as z from 'zod'
import { Diagnostic } from '../../core/diagnostics.ts'
import { Loop } from '../../core/loop.ts'
import { ModelProfile } from '../../core/model-profile.ts'
import { StageKind } from '../../core/stage.ts'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)
const texts = (what: string) => z.array(z.string()).describe(what)

const from = {
  source: z.enum(['package', 'workspace']).describe('Whose copy.'),
  path: text('Its file, relative to the assets root.'),
}
const unreadable = z.array(Diagnostic).describe('Files that cannot be used.')
const rivals = texts('Other files that declare the same id.')

const asset = {
  kind: z.enum(['mode', 'loop', 'stage_kind', 'entrypoint', 'skill', 'other']).describe('What it is.'),
  id: text('What it goes by.'),
  path: from.path,
  source: from.source,
  in_workspace: z.boolean().describe('Whether the workspace has a copy, edited or not.'),
  in_package: z.boolean().describe('Whether the package has one.'),
}

export const AssetsLs = z
  .strictObject({ assets: z.array(z.strictObject(asset)).describe('By kind and id.') })
  .describe('Assets there are.')
export type AssetsLsOutput = z.infer<typeof AssetsLs>

export const AssetsShow = z.strictObject({ ...asset, text: text('Its text, as it counts now.') }).describe('One asset.')
export type AssetsShowOutput = z.infer<typeof AssetsShow>

export const LoopsLs = z
  .strictObject({
    loops: z.array(
      z.strictObject({
        loop_id: text('Loop.'),
        plane: text('Lane it serves.'),
        description: maybe('What it is for.'),
        node_ids: texts('Its nodes.'),
        used_by_modes: texts('Modes that use it.'),
        ...from,
      }),
    ),
    unreadable,
  })
  .describe('Loops there are.')
export type LoopsLsOutput = z.infer<typeof LoopsLs>

export const LoopsShow = z
  .strictObject({
    loop_id: text('Loop.'),
    ...from,
    rivals,
    used_by_modes: texts('Modes that use it.'),
    loop: Loop.describe('The loop as it is written, with defaults filled in.'),
  })
  .describe('One loop.')
export type LoopsShowOutput = z.infer<typeof LoopsShow>

export const StagesLs = z
  .strictObject({
    stages: z.array(
      z.strictObject({
        stage_kind_id: text('Stage kind.'),
        plane: text('Lane.'),
        display_name: text('Name shown to people.'),
        description: text('Its one job.'),
        legal_outcomes: texts('What it may report.'),
        used_by_loops: texts('Loops that use it.'),
        ...from,
      }),
    ),
    unreadable,
  })
  .describe('Kinds of stages there are.')
export type StagesLsOutput = z.infer<typeof StagesLs>

export const StagesShow = z
  .strictObject({
    stage_kind_id: text('Stage kind.'),
    ...from,
    rivals,
    used_by_loops: texts('Loops that use it.'),
    stage_kind: StageKind.describe('The stage kind as it is written, with defaults filled in.'),
  })
  .describe('One kind of stage.')
export type StagesShowOutput = z.infer<typeof StagesShow>

export const ModelsLs = z
  .strictObject({
    profiles: z.array(
      z.strictObject({
        model_profile_id: text('Model profile.'),
        description: text('What it is for.'),
        models: z.array(
          z.strictObject({ runner: text('Runner.'), model: maybe('What its stages have; null: no one model.') }),
        ),
        used_by_modes: texts('Modes that name it.'),
        is_chosen: z.boolean().describe('Whether it counts for the mode that is compiled when none is named.'),
        ...from,
      }),
    ),
    unreadable,
  })
  .describe('Model profiles there are.')
export type ModelsLsOutput = z.infer<typeof ModelsLs>

export const ModelsShow = z
  .strictObject({
    model_profile_id: text('Model profile.'),
    ...from,
    rivals,
    used_by_modes: texts('Modes that name it.'),
    profile: ModelProfile.describe('The profile as it is written, with defaults filled in.'),
  })
  .describe('One model profile.')
export type ModelsShowOutput = z.infer<typeof ModelsShow>
