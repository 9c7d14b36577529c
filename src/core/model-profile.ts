/**
 * Model profiles: which model the stages of a harness have (`registry/model_profiles/<id>.json`). A mode names one, or
 * `runtime.model_profile` does; what is said of a stage itself, by config, mode or loop, goes over it.
 */
import * as z from 'zod'
import { AssetId } from './stage.ts'

const Choice = z.strictObject({
  model: z.string().min(1).optional().describe('Model, as the harness names it.'),
  model_reasoning_effort: z.enum(['low', 'medium', 'high', 'xhigh']).optional(),
})

export const ModelProfile = z
  .strictObject({
    schema_version: z.literal('1.0'),
    kind: z.literal('model_profile'),
    model_profile_id: AssetId.describe('Ends in the month the models were chosen in, such as `codex-2026-11`.'),
    description: z.string().min(1).describe('What it is for.'),
    runners: z
      .record(
        z.string().min(1),
        Choice.extend({ stages: z.record(AssetId, Choice).default({}).describe('By stage kind; wins.') }),
      )
      .describe('By runner: what its stages have.'),
  })
  .describe('A model profile.')
export type ModelProfile = z.infer<typeof ModelProfile>

/** What a profile says of a stage kind on a runner. */
export function modelOf(
  profile: ModelProfile,
  runner: string,
  stage: string,
): { model: string | undefined; model_reasoning_effort: string | undefined } {
  const own = Object.hasOwn(profile.runners, runner) ? profile.runners[runner] : undefined
  const particular = own !== undefined && Object.hasOwn(own.stages, stage) ? own.stages[stage] : undefined
  return {
    model: particular?.model ?? own?.model,
    model_reasoning_effort: particular?.model_reasoning_effort ?? own?.model_reasoning_effort,
  }
}
