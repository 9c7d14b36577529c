/**
 * Loops: graphs of stages as data (`graphs/<plane>/<name>.json`). A loop says where work enters, where each outcome
 * leads, what ends a run and what then happens to the item. Form of spec 02 §1.4, extended.
 */
import * as z from 'zod'
import { EdgeApproval } from './approval.ts'
import { CapabilityId } from './capability.ts'
import { AssetId, AssetPath, OutcomeName, PermissionLevel, PlaneId } from './stage.ts'

const NodeId = AssetId.describe('Node of this loop.')

const LoopNode = z.strictObject({
  node_id: NodeId,
  stage_kind_id: AssetId.describe('Stage kind the node runs.'),
  entrypoint_path: AssetPath.optional().describe('Prompt instead of the stage kind default.'),
  attached_skill_additions: z.array(AssetPath).default([]).describe('Skills beyond the required ones.'),
  runner_name: z.string().optional().describe('Adapter for this node.'),
  model_name: z.string().optional().describe('Model for this node.'),
  model_reasoning_effort: z.string().optional().describe('Reasoning effort for this node.'),
  permission_level: PermissionLevel.optional().describe('Permission level for this node.'),
  timeout_seconds: z.int().min(1).optional().describe('Time limit for this node.'),
  required_capabilities: z.array(CapabilityId).default([]).describe('Beyond those of the stage kind.'),
  denied_outcome: OutcomeName.optional().describe('Instead of the one of the stage kind.'),
  continues_session_of: AssetId.optional().describe(
    'Node of this loop whose newest session of the same run this one goes on with, instead of a fresh one.',
  ),
})

const LoopEntry = z.strictObject({
  entry_key: AssetId.describe('Work item kind, or `closure_target`.'),
  when: z
    .strictObject({ field: z.string().min(1), equals: z.string() })
    .optional()
    .describe('Narrows the entry to documents whose field has this value; narrower entries win.'),
  node_id: NodeId,
})

const LoopEdge = z.strictObject({
  edge_id: AssetId,
  from_node_id: NodeId,
  to_node_id: NodeId.optional(),
  terminal_state_id: AssetId.optional(),
  on_outcomes: z.array(OutcomeName).min(1).describe('Outcomes of the source node that take this edge.'),
  kind: z
    .enum(['normal', 'retry', 'escalation', 'handoff', 'terminal'])
    .default('normal')
    .describe('For readers and graphs.'),
  priority: z.int().default(100).describe('Of several edges on one outcome the lowest number wins.'),
  description: z.string().optional(),
  max_attempts: z.int().min(1).optional().describe('On retry edges: how often one run may take it.'),
  approval: EdgeApproval.optional(),
})

/** What the runtime does when a run ends here, in order. The item ends in the state of the last item effect. */
export const Effect = z.discriminatedUnion('effect', [
  z.strictObject({ effect: z.literal('complete_item') }).describe('Move the item to its finished state.'),
  z.strictObject({ effect: z.literal('block_item') }).describe('Move the item to its blocked state.'),
  z.strictObject({ effect: z.literal('quarantine_item') }).describe('Set the item aside for a person.'),
  z
    .strictObject({
      effect: z.literal('park_item'),
      resolver: z
        .string()
        .min(1)
        .describe('Registered resolver: a command, a condition or a time that brings the item back.'),
    })
    .describe('Let the item wait among the blocked ones until its resolver brings it back.'),
  z
    .strictObject({
      effect: z.literal('create_incident'),
      entry_kind: z.literal('incident').describe('Work item kind to create.'),
      id_prefix: AssetId.describe('Id = <prefix>-<item or root id>-<8 hex>.'),
      failure_class: z.string().min(1).describe('Failure class when the decision carries none.'),
      severity: z.enum(['low', 'medium', 'high', 'critical']).default('high'),
    })
    .describe('Hand the trouble to another plane as a new item; a document the stage handed in becomes its body.'),
  z.strictObject({ effect: z.literal('close_target') }).describe('Close the closure target.'),
  z
    .strictObject({ effect: z.literal('hold_target') })
    .describe('Hold the closure target, with the backoff of the completion behaviour.'),
])
export type Effect = z.infer<typeof Effect>

export const TerminalState = z.strictObject({
  terminal_state_id: AssetId,
  terminal_class: z.enum(['success', 'followup_needed', 'blocked', 'escalate_planning', 'no_op']),
  writes_status: OutcomeName.describe('Token left in the plane status file (completions go on to IDLE).'),
  emits_artifacts: z.array(z.string()).default([]),
  ends_plane_run: z.boolean().default(true),
  reason: AssetId.optional().describe('Reason recorded in the decision; else the terminal state id.'),
  effects: z.array(Effect).min(1),
})
export type TerminalState = z.infer<typeof TerminalState>

export const ResumePolicy = z.strictObject({
  policy_id: AssetId,
  source_node_id: NodeId,
  on_outcome: OutcomeName,
  default_target_node_id: NodeId,
  metadata_stage_keys: z
    .array(z.string())
    .default(['resume_stage'])
    .describe('Result metadata keys that may name the node to go on with, in order.'),
  disallowed_target_node_ids: z.array(NodeId).default([]),
  reason: z.string().optional().describe('Reason recorded in the decision.'),
})
export type ResumePolicy = z.infer<typeof ResumePolicy>

export const ThresholdPolicy = z.strictObject({
  policy_id: AssetId,
  source_node_ids: z.array(NodeId).min(1),
  on_outcome: OutcomeName,
  counter_name: z.string().regex(/^[a-z][a-z0-9_]*$/),
  counted_per: z
    .enum(['item', 'failure_class'])
    .default('failure_class')
    .describe('One budget for the item, or one for each failure class.'),
  key_field: z.string().optional().describe('Result metadata field whose value narrows the counter further.'),
  threshold: z.int().min(1).describe('How often the normal edge may be taken before the budget is spent.'),
  threshold_from: z.string().optional().describe('Config key that replaces the threshold.'),
  exhausted_target_node_id: NodeId.optional(),
  exhausted_terminal_state_id: AssetId.optional(),
  exhausted_failure_class: z.string().optional().describe('Failure class from then on.'),
  exhausted_reason: AssetId.optional().describe('Added to the reason of the decision once the budget is spent.'),
  exhausted_counts_toward: AssetId.optional().describe('Policy whose budget the exhausted step uses up in turn.'),
})
export type ThresholdPolicy = z.infer<typeof ThresholdPolicy>

export const CompletionBehavior = z.strictObject({
  trigger: z.literal('backlog_drained'),
  readiness_rule: z.literal('no_open_lineage_work'),
  target_node_id: NodeId,
  request_kind: z.literal('closure_target'),
  target_selector: z.literal('active_closure_target'),
  opened_by_kind: AssetId.default('spec').describe('Kind of the root documents that open a target.'),
  rubric_policy: z.literal('reuse_or_create'),
  blocked_work_policy: z.enum(['suppress', 'ignore']).describe('Whether blocked items of the lineage keep it open.'),
  skip_if_already_closed: z.boolean().default(true),
  on_pass_terminal_state_id: AssetId,
  on_gap_terminal_state_id: AssetId,
  create_incident_on_gap: z.boolean().default(true),
  rounds_max: z.int().min(1).default(5).describe('Judgements per target before it is held for an operator.'),
  hold_backoff_seconds: z
    .array(z.int().min(1))
    .min(1)
    .default([300, 1800, 7200])
    .describe('Waits before a held target is judged again; after the last it waits for an operator or new work.'),
  requires_execution_between_rounds: z
    .boolean()
    .default(true)
    .describe('A second gap without any finished item in between is held instead of reported again.'),
})
export type CompletionBehavior = z.infer<typeof CompletionBehavior>

export const Loop = z
  .strictObject({
    schema_version: z.literal('1.0'),
    kind: z.literal('graph_loop'),
    loop_id: AssetId,
    plane: PlaneId,
    description: z.string().optional(),
    nodes: z.array(LoopNode).min(1),
    entry_nodes: z.array(LoopEntry).min(1),
    edges: z.array(LoopEdge).min(1),
    terminal_states: z.array(TerminalState).min(1),
    dynamic_policies: z
      .strictObject({
        resume_policies: z.array(ResumePolicy).default([]),
        threshold_policies: z.array(ThresholdPolicy).default([]),
      })
      .default({ resume_policies: [], threshold_policies: [] }),
    completion_behavior: CompletionBehavior.optional(),
  })
  .describe('A loop of stages.')
export type Loop = z.infer<typeof Loop>
