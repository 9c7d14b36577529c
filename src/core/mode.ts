/** Modes: which loop serves each plane, and bindings of stages to runners, models, skills and limits (`modes/<id>.json`). */
import * as z from 'zod'
import { AssetId, AssetPath, PermissionLevel, PlaneId } from './stage.ts'

export const ConcurrencyPolicy = z.strictObject({
  mutually_exclusive_planes: z
    .array(z.array(PlaneId))
    .default([])
    .describe('Groups of planes of which one may run at a time.'),
  may_run_concurrently: z.array(z.array(PlaneId)).default([]).describe('Groups of planes that may run side by side.'),
})
export type ConcurrencyPolicy = z.infer<typeof ConcurrencyPolicy>

export const ClaimOrder = z.strictObject({
  fairness: z
    .enum(['strict', 'alternate'])
    .default('strict')
    .describe('`strict`: always in this order. `alternate`: the plane that claimed last comes last.'),
  planes: z
    .array(
      z.strictObject({
        plane: PlaneId,
        kinds: z.array(AssetId).min(1).describe('Kinds in the order they are claimed.'),
      }),
    )
    .min(1),
})
export type ClaimOrder = z.infer<typeof ClaimOrder>

export const RecoveryLimits = z.strictObject({
  interruptions_max: z
    .int()
    .min(0)
    .default(3)
    .describe('Times a node is run again after it was interrupted, before the item is blocked.'),
  environment_backoff_seconds: z
    .array(z.int().min(1))
    .min(1)
    .default([30, 120, 300, 900])
    .describe('Waits after failures of the surroundings; the last repeats.'),
  environment_attempts_max: z
    .int()
    .min(1)
    .default(6)
    .describe('Such failures in a row before the runtime pauses itself.'),
  stages_per_run_max: z
    .int()
    .min(2)
    .default(60)
    .describe('Stage runs of one passage before it is blocked, whatever its loop says.'),
  handoffs_max: z
    .int()
    .min(0)
    .default(3)
    .describe('Incidents that may lead one to the other, by the work each brought, before the last stays blocked.'),
})
export type RecoveryLimits = z.infer<typeof RecoveryLimits>

export const Mode = z
  .strictObject({
    schema_version: z.literal('1.0'),
    kind: z.literal('mode'),
    mode_id: AssetId,
    description: z.string().optional(),
    loop_ids_by_plane: z.record(PlaneId, AssetId).optional().describe('Loop of each plane.'),
    execution_loop_id: AssetId.optional().describe('Older spelling of loop_ids_by_plane.execution.'),
    planning_loop_id: AssetId.optional().describe('Older spelling of loop_ids_by_plane.planning.'),
    model_profile: AssetId.optional().describe('Profile that says which model each stage has.'),
    stage_entrypoint_overrides: z.record(AssetId, AssetPath).default({}),
    stage_skill_additions: z.record(AssetId, z.array(AssetPath)).default({}),
    stage_model_bindings: z.record(AssetId, z.string().min(1)).default({}),
    stage_runner_bindings: z.record(AssetId, z.string().min(1)).default({}),
    stage_permission_bindings: z.record(AssetId, PermissionLevel).default({}),
    stage_session_bindings: z
      .record(AssetId, AssetId)
      .default({})
      .describe('Node whose session of the same run a stage goes on with, by stage kind.'),
    claim_order: ClaimOrder.optional().describe(
      'Order in which work is taken; without it, planes in the order of the loops.',
    ),
    concurrency_policy: ConcurrencyPolicy.optional().describe(
      'Which planes may run side by side; without it one run at a time.',
    ),
    recovery_limits: RecoveryLimits.optional(),
  })
  .describe('A mode.')
export type Mode = z.infer<typeof Mode>

export const ModeAliases = z.strictObject({
  schema_version: z.literal('1.0'),
  kind: z.literal('mode_aliases'),
  aliases: z.record(AssetId, AssetId).describe('Alias to mode id.'),
})
