/**
 * The plan: the frozen, self-contained result of compiling a mode. The only thing routing reads. Its id is a hash of
 * its content, so two equal plans are one plan and a run can name the one it was started under.
 */
import * as z from 'zod'
import { EdgeApproval } from './approval.ts'
import { Grant } from './capability.ts'
import { CompletionBehavior, type Effect, ResumePolicy, TerminalState, ThresholdPolicy } from './loop.ts'
import { ClaimOrder, ConcurrencyPolicy, RecoveryLimits } from './mode.ts'
import { skillIdOf, skillRevision } from './skill.ts'
import { HandIn, IDEMPOTENCE, OwedArtifact, PermissionLevel, RequestBlock, ResultClass } from './stage.ts'

export const PlanNode = z.strictObject({
  node_id: z.string(),
  stage_kind_id: z.string(),
  plane: z.string(),
  display_name: z.string(),
  entrypoint_path: z.string(),
  entrypoint_contract_id: z.string(),
  running_status_marker: z.string(),
  allowed_result_classes_by_outcome: z.record(z.string(), z.array(ResultClass)),
  failure_outcome: z.string().describe('Recorded when the stage gave no valid outcome.'),
  declared_output_artifacts: z.array(z.string()),
  owed_artifacts_by_outcome: z.record(z.string(), z.array(OwedArtifact)),
  hand_ins: z.array(HandIn),
  request_blocks: z.array(RequestBlock),
  validators: z.strictObject({ before: z.array(z.string()), after: z.array(z.string()) }),
  performer: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('agent') }),
    z.strictObject({ type: z.literal('builtin'), name: z.string() }),
  ]),
  idempotence_policy: z.enum(IDEMPOTENCE),
  recovery_role: z.enum(['local_repair', 'escalation']).nullable(),
  closure_role: z.boolean(),
  keep_background: z.boolean(),
  required_skill_paths: z.array(z.string()),
  attached_skill_additions: z.array(z.string()),
  runner_name: z.string(),
  model_name: z.string().nullable(),
  model_reasoning_effort: z.string().nullable(),
  permission_level: PermissionLevel.nullable(),
  timeout_seconds: z.int(),
  continues_session_of: z
    .string()
    .nullable()
    .default(null)
    .describe('Node whose session of the same run it goes on with.'),
  grants: z.array(Grant).default([]).describe('What the node requires, and what was decided about it.'),
  denied_outcome: z.string().nullable().default(null).describe('Outcome a denied approval counts as; null: blocked.'),
  origins: z
    .record(z.string(), z.string())
    .describe('Where each bound value came from: default, stage kind, model profile, node, mode or config.'),
})
export type PlanNode = z.infer<typeof PlanNode>

export const PlanTransition = z.strictObject({
  edge_id: z.string(),
  source_node_id: z.string(),
  outcome: z.string(),
  target_node_id: z.string().nullable(),
  terminal_state_id: z.string().nullable(),
  kind: z.string(),
  priority: z.int(),
  max_attempts: z.int().nullable(),
  approval: EdgeApproval.nullable().default(null).describe('What a person is asked before it is taken.'),
})
export type PlanTransition = z.infer<typeof PlanTransition>

export const PlanGraph = z.strictObject({
  loop_id: z.string(),
  plane: z.string(),
  nodes: z.array(PlanNode),
  entries: z.array(
    z.strictObject({
      entry_key: z.string(),
      when: z.strictObject({ field: z.string(), equals: z.string() }).nullable(),
      node_id: z.string(),
    }),
  ),
  transitions: z.array(PlanTransition).describe('One row for each edge and outcome.'),
  resume_policies: z.array(ResumePolicy),
  threshold_policies: z.array(ThresholdPolicy),
  terminal_states: z.array(TerminalState),
  completion_behavior: CompletionBehavior.nullable(),
})
export type PlanGraph = z.infer<typeof PlanGraph>

const ResolvedAsset = z.strictObject({
  asset_family: z.enum(['mode', 'graph_loop', 'stage_kind', 'model_profile', 'entrypoint', 'skill']),
  logical_id: z.string(),
  path: z.string().describe('Relative to the assets root.'),
  source: z.enum(['package', 'workspace']).describe('Whose copy was compiled.'),
  content_sha256: z.string(),
})

export const Plan = z
  .strictObject({
    schema_version: z.literal('2.0'),
    kind: z.literal('compiled_run_plan'),
    compiled_plan_id: z.string(),
    mode_id: z.string(),
    loop_ids_by_plane: z.record(z.string(), z.string()),
    graphs_by_plane: z.record(z.string(), PlanGraph),
    claim_order: ClaimOrder,
    concurrency_policy: ConcurrencyPolicy.nullable(),
    recovery_limits: RecoveryLimits,
    compile_input_fingerprint: z.strictObject({
      mode_id: z.string(),
      config_fingerprint: z.string(),
      assets_fingerprint: z.string(),
    }),
    resolved_assets: z.array(ResolvedAsset),
    entrypoint_texts: z.record(z.string(), z.string()).describe('Text of every entrypoint, by path.'),
    skill_hashes: z.record(z.string(), z.string()).describe('SHA-256 of every file of the skills, by path.'),
    compiled_at: z.string(),
    source_refs: z.array(z.string()),
  })
  .describe('A frozen plan.')
export type Plan = z.infer<typeof Plan>
export type { Effect }

/** The graph of a plane, or undefined if the plan has no such plane. */
export function graphOf(plan: Plan, plane: string): PlanGraph | undefined {
  return plan.graphs_by_plane[plane]
}

export function nodeOf(plan: Plan, plane: string, nodeId: string): PlanNode | undefined {
  return graphOf(plan, plane)?.nodes.find((node) => node.node_id === nodeId)
}

/** The nodes of all planes. */
export const nodesOf = (plan: Plan): PlanNode[] => Object.values(plan.graphs_by_plane).flatMap((graph) => graph.nodes)

/** Planes in claim order, then any that claim nothing. */
export function planesOf(plan: Plan): string[] {
  const ordered = plan.claim_order.planes.map((entry) => entry.plane)
  return [...new Set([...ordered, ...Object.keys(plan.graphs_by_plane)])]
}

/** The graph that judges closure targets, if the plan has completion behaviour. */
export function completionGraph(plan: Plan): (PlanGraph & { completion_behavior: CompletionBehavior }) | undefined {
  for (const graph of Object.values(plan.graphs_by_plane)) {
    if (graph.completion_behavior) return graph as PlanGraph & { completion_behavior: CompletionBehavior }
  }
  return undefined
}

/** The skills a node is given, with the hash that names the state of each; attached ones that are not there are not given. */
export function skillsGiven(
  { skill_hashes }: Pick<Plan, 'skill_hashes'>,
  {
    required_skill_paths,
    attached_skill_additions,
  }: Pick<PlanNode, 'required_skill_paths' | 'attached_skill_additions'>,
): { skill_id: string; path: string; revision: string }[] {
  return [...new Set([...required_skill_paths, ...attached_skill_additions])]
    .filter((path) => (skill_hashes[path] ?? 'missing') !== 'missing')
    .map((path) => ({ skill_id: skillIdOf(path), path, revision: skillRevision(path, skill_hashes) }))
}
