/** Stage kinds: which there are, and what one is for, may report and owes. Needs no workspace. */
import type { AssetFamilies } from '../../core/assets.ts'
import type { Operation } from '../../core/operation.ts'
import type { Context } from '../context.ts'
import type { StagesLsOutput, StagesShowOutput } from '../schemas/assets.ts'
import { type Family, familiesOf, findAsset, unreadableIn } from './find.ts'

const STAGES: Family = { word: 'stage kind', folder: 'registry/stage_kinds/', unknown: 'asset_unknown' }

export const stagesLs: Operation<Context, { plane?: string }, StagesLsOutput> = {
  name: 'stages ls',
  flavour: 'read',
  summary: 'Kinds of stages there are.',
  description:
    'Lists the kinds of stages of the package and of the workspace, if there is one: what each is for, what it may report, and the loops that use it.',
  input: [{ name: 'plane', type: 'text', placeholder: 'PLANE', description: 'Only those of this lane.' }],
  examples: [{ command: 'millrace stages', does: 'see which kinds of stages there are' }],
  output: async () => (await import('../schemas.ts')).stagesLsSchema(),
  async run(context, { plane }) {
    const families = familiesOf(context)
    return {
      stages: [...families.stageKinds.values()]
        .filter(({ value }) => plane === undefined || value.plane === plane)
        .map(({ value, file }) => ({
          stage_kind_id: value.stage_kind_id,
          plane: value.plane,
          display_name: value.display_name,
          description: value.description,
          legal_outcomes: value.legal_outcomes,
          used_by_loops: loopsWith(families, value.stage_kind_id),
          source: file.source,
          path: file.path,
        }))
        .sort((a, b) => (`${a.plane} ${a.stage_kind_id}` < `${b.plane} ${b.stage_kind_id}` ? -1 : 1)),
      unreadable: unreadableIn(families, STAGES.folder),
    }
  },
}

const loopsWith = (families: AssetFamilies, kind: string): string[] =>
  [...families.loops.values()]
    .filter(({ value }) => value.nodes.some((node) => node.stage_kind_id === kind))
    .map(({ value }) => value.loop_id)
    .sort()

export const stagesShow: Operation<Context, { stage_kind_id: string }, StagesShowOutput> = {
  name: 'stages show',
  flavour: 'read',
  summary: 'One kind of stage: outcomes, what it owes, what it may hand in.',
  description:
    'Shows what a kind of stage is for, which outcomes it may report and what each means, which files it owes for them, which documents it may hand in, its prompt and its skills.',
  input: [
    {
      name: 'stage_kind_id',
      type: 'text',
      positional: true,
      required: true,
      placeholder: 'ID',
      description: 'Stage kind.',
    },
  ],
  examples: [{ command: 'millrace stages show builder', does: 'see what a builder owes' }],
  output: async () => (await import('../schemas.ts')).stagesShowSchema(),
  async run(context, { stage_kind_id }) {
    const families = familiesOf(context)
    const { value, file, rivals } = findAsset(STAGES, families.stageKinds, families, stage_kind_id)
    return {
      stage_kind_id: value.stage_kind_id,
      source: file.source,
      path: file.path,
      rivals,
      used_by_loops: loopsWith(families, value.stage_kind_id),
      stage_kind: value,
    }
  },
}
