/** Loops: which there are, and how one wires its stages. Needs no workspace; where there is one, its own files count. */
import type { AssetFamilies } from '../../core/assets.ts'
import type { Operation } from '../../core/operation.ts'
import type { Context } from '../context.ts'
import type { LoopsLsOutput, LoopsShowOutput } from '../schemas/assets.ts'
import { type Family, familiesOf, findAsset, unreadableIn } from './find.ts'
import { loopsOf } from './modes.ts'

const LOOPS: Family = { word: 'loop', folder: 'graphs/', unknown: 'asset_unknown' }

export const loopsLs: Operation<Context, Record<string, never>, LoopsLsOutput> = {
  name: 'loops ls',
  flavour: 'read',
  summary: 'Loops there are.',
  description:
    'Lists the loops of the package and of the workspace, if there is one, with their lane, their stages and the modes that use them.',
  input: [],
  examples: [{ command: 'millrace loops', does: 'see which loops there are' }],
  output: async () => (await import('../schemas.ts')).loopsLsSchema(),
  async run(context) {
    const families = familiesOf(context)
    return {
      loops: [...families.loops.values()]
        .map(({ value, file }) => ({
          loop_id: value.loop_id,
          plane: value.plane,
          description: value.description ?? null,
          node_ids: value.nodes.map((node) => node.node_id),
          used_by_modes: modesWith(families, value.loop_id),
          source: file.source,
          path: file.path,
        }))
        .sort((a, b) => (a.loop_id < b.loop_id ? -1 : 1)),
      unreadable: unreadableIn(families, LOOPS.folder),
    }
  },
}

const modesWith = (families: AssetFamilies, loopId: string): string[] =>
  [...families.modes.values()]
    .filter(({ value }) => Object.values(loopsOf(value)).includes(loopId))
    .map(({ value }) => value.mode_id)
    .sort()

export const loopsShow: Operation<Context, { loop_id: string }, LoopsShowOutput> = {
  name: 'loops show',
  flavour: 'read',
  summary: 'One loop: nodes, edges, budgets, terminal states.',
  description:
    'Shows how a loop wires its stages: where work enters, where every outcome leads, budgets, resume rules, and what ends a run. What a node runs with is bound by the mode: see `millrace compile show`.',
  input: [
    {
      name: 'loop_id',
      type: 'text',
      positional: true,
      required: true,
      placeholder: 'ID',
      description: 'Loop.',
    },
  ],
  examples: [{ command: 'millrace loops show execution.standard', does: 'see where every outcome leads' }],
  output: async () => (await import('../schemas.ts')).loopsShowSchema(),
  async run(context, { loop_id }) {
    const families = familiesOf(context)
    const { value, file, rivals } = findAsset(LOOPS, families.loops, families, loop_id)
    return {
      loop_id: value.loop_id,
      source: file.source,
      path: file.path,
      rivals,
      used_by_modes: modesWith(families, value.loop_id),
      loop: value,
    }
  },
}
