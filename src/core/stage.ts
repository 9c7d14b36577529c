/**
 * Stage kinds: what one kind of stage is for, which outcomes it may report, and what it owes for each of them.
 * An asset (`registry/stage_kinds/<plane>/<id>.json`), never code: the engine learns every name from here.
 */
import * as z from 'zod'
import { CapabilityId } from './capability.ts'

export const AssetId = z
  .string()
  .regex(/^[a-z0-9]+(?:[._-][a-z0-9]+)*$/, 'lower-case letters and digits, joined by ".", "_" or "-"')
export const OutcomeName = z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'upper-case letters, digits and "_"')
export const PlaneId = AssetId.describe('Lane of scheduling a loop serves, such as execution or planning.')
export const AssetPath = z
  .string()
  .regex(/^(entrypoints|skills)\/[A-Za-z0-9._/-]+\.md$/, 'a .md path under entrypoints/ or skills/')
  .refine((path) => !path.split('/').includes('..'), 'no ".."')

/** What an outcome means to the runtime. `recoverable_failure` is also what the runtime itself synthesises. */
export const RESULT_CLASSES = [
  'success',
  'followup_needed',
  'recoverable_failure',
  'escalate_planning',
  'blocked',
  'no_op',
] as const
export const ResultClass = z.enum(RESULT_CLASSES)
export type ResultClass = z.infer<typeof ResultClass>

/** A file a stage must have made by its own run before an outcome counts (design §7, "No stale proof"). */
export const OwedArtifact = z.strictObject({
  name: z.string().min(1).describe('Name in reports, e.g. `checker_summary`.'),
  path: z
    .string()
    .min(1)
    .describe(
      'Where it must lie: relative to the run folder, or one of `{rubric}`, `{verdict}`, `{report}` for closure stages.',
    ),
  format: z
    .enum(['text', 'json', 'verdict'])
    .default('text')
    .describe('`text`: not empty. `json`: parses. `verdict`: a closure verdict.'),
  reuse: z.boolean().default(false).describe('True if a file from an earlier run also counts (a rubric is made once).'),
})
export type OwedArtifact = z.infer<typeof OwedArtifact>

/** A block of context put into the prompt within a budget; what fills it is registered by a module. */
export const RequestBlock = z.strictObject({
  name: z.string().min(1).describe('Registered block.'),
  chars_max: z.int().min(1).describe('Characters it may take at most.'),
})

/** Documents a stage may hand in through its outbox; the runtime, not the stage, enqueues them. */
export const HandIn = z.strictObject({
  kind: AssetId.describe('Work item kind of the documents.'),
  outcomes: z.array(OutcomeName).min(1).describe('Outcomes with which they are published.'),
  at_least: z.int().min(0).default(0).describe('How many there must be for those outcomes to count.'),
})
export type HandIn = z.infer<typeof HandIn>

export const IDEMPOTENCE = ['idempotent', 'retry_safe_with_key', 'single_attempt_only'] as const

export const PermissionLevel = z.enum(['basic', 'elevated', 'maximum'])
export type PermissionLevel = z.infer<typeof PermissionLevel>

export const OVERRIDES = [
  'entrypoint_path',
  'runner_name',
  'model_name',
  'model_reasoning_effort',
  'permission_level',
  'timeout_seconds',
  'attached_skill_additions',
  'continues_session_of',
] as const

export const StageKind = z
  .strictObject({
    schema_version: z.literal('1.0').describe('Format of this document.'),
    kind: z.literal('registered_stage_kind'),
    stage_kind_id: AssetId.describe('Identity; also the file name.'),
    plane: PlaneId,
    display_name: z.string().min(1).describe('Name shown to people.'),
    description: z.string().min(1).describe('One sentence: the one job of this kind of stage.'),
    default_entrypoint_path: AssetPath.describe('Prompt the agent opens and follows.'),
    required_skill_paths: z.array(AssetPath).min(1).describe('Skills the agent must load.'),
    suggested_skill_paths: z.array(AssetPath).default([]).describe('Skills worth offering.'),
    running_status_marker: OutcomeName.describe('Token of the plane status file while the stage runs.'),
    legal_outcomes: z.array(OutcomeName).min(1).describe('Terminal markers this kind may report.'),
    success_outcomes: z.array(OutcomeName).min(1).describe('Those that mean success.'),
    failure_outcomes: z.array(OutcomeName).default([]).describe('Those that mean failure.'),
    failure_outcome: OutcomeName.describe('The outcome the runtime records when the stage itself gave no valid one.'),
    allowed_result_classes_by_outcome: z
      .record(OutcomeName, z.array(ResultClass).min(1))
      .describe('Result classes each outcome may carry; the first is the default.'),
    allowed_input_artifacts: z.array(z.string()).default([]).describe('What the stage reads, for people.'),
    declared_output_artifacts: z.array(z.string()).default([]).describe('What the stage leaves behind, for people.'),
    owed_artifacts_by_outcome: z
      .record(OutcomeName, z.array(OwedArtifact))
      .default({})
      .describe('Files that must exist, made by this stage run, for an outcome to count.'),
    hand_ins: z.array(HandIn).default([]).describe('Documents it may hand in through its outbox.'),
    request_blocks: z.array(RequestBlock).default([]).describe('Context blocks of the prompt, in order.'),
    validators: z
      .strictObject({ before: z.array(z.string()).default([]), after: z.array(z.string()).default([]) })
      .default({ before: [], after: [] })
      .describe('Registered rules run before and after the stage, in order.'),
    required_capabilities: z
      .array(CapabilityId)
      .default([])
      .describe(
        'What a stage of this kind may not start without; the config says which of these a person is asked for.',
      ),
    denied_outcome: OutcomeName.optional().describe(
      'Outcome that a denied approval counts as; without it the run ends as blocked.',
    ),
    performer: z
      .discriminatedUnion('type', [
        z.strictObject({ type: z.literal('agent') }),
        z.strictObject({ type: z.literal('builtin'), name: z.string().min(1) }),
      ])
      .default({ type: 'agent' })
      .describe('Who carries the stage out: an agent through a runner, or the runtime itself.'),
    idempotence_policy: z
      .enum(IDEMPOTENCE)
      .default('retry_safe_with_key')
      .describe('What may be done after a crash: `single_attempt_only` is held for the operator instead of run again.'),
    allowed_overrides: z
      .array(z.enum(OVERRIDES))
      .default([...OVERRIDES])
      .describe('What a node, mode or config may override.'),
    can_start: z.array(AssetId).default([]).describe('Work item kinds a run of this kind may begin with.'),
    recovery_role: z
      .enum(['local_repair', 'escalation'])
      .nullable()
      .default(null)
      .describe('Its part in recovery: repairs where a run stuck, or decides beyond that.'),
    closure_role: z.boolean().default(false).describe('True if it judges closure targets.'),
    keep_background: z
      .boolean()
      .default(false)
      .describe('True spares processes it left running from the sweep after a good end.'),
  })
  .describe('One kind of stage.')
export type StageKind = z.infer<typeof StageKind>
