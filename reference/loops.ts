/** The page on shipped modes, loops and stage kinds. */
import type { AssetFamilies } from '../src/core/assets.ts'
import type { Loop } from '../src/core/loop.ts'
import { type Mode, RecoveryLimits } from '../src/core/mode.ts'
import type { StageKind } from '../src/core/stage.ts'
import { code, codes, page, table } from './markdown.ts'

export function loopsPage({ modes, loops, stageKinds, aliases }: AssetFamilies): string {
  return page(
    'Modes, loops and stage kinds',
    'What the package ships. A *stage kind* says what one kind of stage is for and which outcomes it may report; a *loop* wires stages into a graph; a *mode* says which loop serves each plane and binds stages to runners. All of it is data: `millrace modes`, `millrace loops` and `millrace stages` show it, with the copies of your workspace; how to write your own is in [authoring.md](../authoring.md).',
    '## Modes',
    table(
      ['mode', 'loops', 'runners', ''],
      [...modes.values()].map(({ value }) => [
        code(value.mode_id),
        codes(Object.values(value.loop_ids_by_plane ?? {})),
        codes([...new Set(Object.values(value.stage_runner_bindings))].sort()),
        value.description ?? '',
      ]),
    ),
    Object.entries(aliases)
      .map(([alias, mode]) => `${code(alias)} is another name of ${code(mode)}.`)
      .join(' '),
    `Work is taken in the order a mode says. Every shipped one: ${[...new Set([...modes.values()].map(({ value }) => claimOrder(value)))].join('; or ')}.`,
    'Limits of a mode (`recovery_limits`), with what they are where it says nothing:',
    table(
      ['limit', 'default', ''],
      Object.entries(RecoveryLimits.shape).map(([name, shape]) => [
        code(name),
        code(JSON.stringify(RecoveryLimits.parse({})[name as keyof RecoveryLimits])),
        shape.description ?? '',
      ]),
    ),
    ...[...loops.values()].flatMap(({ value }) => loopBlocks(value)),
    '## Stage kinds',
    ...[...stageKinds.values()].map(({ value }) => value).flatMap(stageBlocks),
  )
}

const claimOrder = (mode: Mode): string =>
  (mode.claim_order?.planes ?? []).map(({ plane, kinds }) => `${plane} (${kinds.join(', ')})`).join(', then ')

function loopBlocks(loop: Loop): string[] {
  const { resume_policies, threshold_policies } = loop.dynamic_policies
  return [
    `## Loop ${code(loop.loop_id)}`,
    loop.description ?? '',
    `Plane: ${loop.plane}. Nodes: ${codes(loop.nodes.map(({ node_id }) => node_id))}. Work enters: ${loop.entry_nodes.map(({ entry_key, node_id }) => `${entry_key} at ${code(node_id)}`).join(', ')}.`,
    table(
      ['from', 'on', 'to', 'edge'],
      loop.edges.map((edge) => [
        code(edge.from_node_id),
        codes(edge.on_outcomes),
        edge.to_node_id === undefined ? `*${edge.terminal_state_id}*` : code(edge.to_node_id),
        edge.kind,
      ]),
    ),
    '### Where it ends',
    table(
      ['terminal state', 'class', 'what the runtime then does'],
      loop.terminal_states.map(({ terminal_state_id, terminal_class, effects }) => [
        `*${terminal_state_id}*`,
        terminal_class,
        codes(effects.map(({ effect }) => effect)),
      ]),
    ),
    '### Thresholds',
    table(
      ['outcome', 'of', 'times', 'counted per', 'then'],
      threshold_policies.map((policy) => [
        code(policy.on_outcome),
        codes(policy.source_node_ids),
        policy.threshold_from === undefined
          ? String(policy.threshold)
          : `${policy.threshold} (${code(policy.threshold_from)})`,
        policy.counted_per,
        policy.exhausted_target_node_id === undefined
          ? `*${policy.exhausted_terminal_state_id}*`
          : code(policy.exhausted_target_node_id),
      ]),
    ),
    ...(resume_policies.length === 0
      ? []
      : [
          '### Where work goes on after a repair',
          'The result of the stage may name the node in one of these members; otherwise it is the usual one.',
          table(
            ['after', 'member', 'usually', 'never'],
            resume_policies.map((policy) => [
              `${code(policy.source_node_id)} ${code(policy.on_outcome)}`,
              codes(policy.metadata_stage_keys),
              code(policy.default_target_node_id),
              codes(policy.disallowed_target_node_ids),
            ]),
          ),
        ]),
    ...completionBlocks(loop),
  ]
}

function completionBlocks({ completion_behavior: completion }: Loop): string[] {
  if (completion === undefined) return []
  return [
    '### Judging a root spec',
    `When nothing of its lineage is open any more, ${code(completion.target_node_id)} judges it. Pass: *${completion.on_pass_terminal_state_id}*; gap: *${completion.on_gap_terminal_state_id}*. At most ${completion.rounds_max} rounds; a target that is held waits ${completion.hold_backoff_seconds.join(', then ')} seconds, and then for an operator.`,
  ]
}

function stageBlocks(stage: StageKind): string[] {
  return [
    `### ${code(stage.stage_kind_id)} (${stage.plane})`,
    `${stage.description}${stage.can_start.length === 0 ? '' : ` Begins with: ${stage.can_start.join(', ')}.`}`,
    table(
      ['outcome', 'means', 'owes'],
      stage.legal_outcomes.map((outcome) => [
        code(outcome),
        (stage.allowed_result_classes_by_outcome[outcome] ?? []).join(' or '),
        codes((stage.owed_artifacts_by_outcome[outcome] ?? []).map(({ name }) => name)),
      ]),
    ),
  ]
}
