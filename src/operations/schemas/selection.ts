/** What a plan chooses, as several answers tell it. */
import * as z from 'zod'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)

export const Selection = z.strictObject({
  compiled_plan_id: text('Plan.'),
  content_hash: text('Hash of what it routes by.'),
  compiled_at: text('When it was compiled (ISO time).'),
  mode_id: text('Mode.'),
  loop_ids_by_plane: z.record(z.string(), z.string()).describe('Loop of every lane.'),
  stage_bindings: z
    .array(
      z.strictObject({
        plane: text('Lane.'),
        node_id: text('Node.'),
        stage_kind_id: text('Its stage kind.'),
        runner_name: text('Adapter.'),
        model_name: maybe('Model; null leaves it to the harness.'),
        model_reasoning_effort: maybe('Effort; null leaves it to the harness.'),
        permission_level: maybe('Level; null leaves it to the runner config.'),
        timeout_seconds: z.int().describe('Time it may take, in seconds.'),
        continues_session_of: maybe('Node whose session it goes on with.'),
        entrypoint_path: text('Prompt.'),
        entrypoint_source: z.enum(['package', 'workspace']).nullable().describe('Whose copy of it was frozen.'),
        skills: z.array(z.string()).describe('Skills, required ones first.'),
      }),
    )
    .describe('What each node runs with.'),
})
export type Selection = z.infer<typeof Selection>

export const SelectionExplanation = z
  .array(
    z.strictObject({
      plane: text('Lane.'),
      node_id: text('Node.'),
      key: text('Member of its binding.'),
      value: z
        .union([z.string(), z.number(), z.array(z.string())])
        .nullable()
        .describe('Its value.'),
      origin: text('Where it came from: default, stage kind, node, mode or config.'),
    }),
  )
  .describe('Where each value came from.')
export type SelectionExplanation = z.infer<typeof SelectionExplanation>
