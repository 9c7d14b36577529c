/**
 * The stage request: everything one stage run is told, durable before the agent is started.
 * Paths are absolute. The prompt is rendered from it (runners/prompt.ts), so each field here has a line there.
 */
import * as z from 'zod'
import { TokenUsage } from './result.ts'
import { HandIn, OwedArtifact, PermissionLevel, ResultClass } from './stage.ts'

const text = () => z.string().min(1)
const maybe = () => z.string().min(1).nullable().default(null)

export const StageRequest = z
  .strictObject({
    schema_version: z.literal('1.0').describe('Format of this document.'),
    kind: z.literal('stage_request'),
    request_id: text().describe('One per stage run; also the value of MILLRACE_REQUEST_ID in the agent environment.'),
    run_id: text().describe('The passage of one work item through one loop.'),
    plane: text().describe('Lane the stage runs in.'),
    node_id: text().describe('Node of the loop.'),
    stage_kind_id: text().describe('Stage kind of the node.'),
    request_kind: z
      .enum(['active_work_item', 'closure_target'])
      .describe('Whether a work item or a closure target is served.'),
    running_status_marker: text().describe('Token of the plane status file meanwhile.'),
    legal_terminal_markers: z
      .array(text())
      .min(1)
      .describe('`### OUTCOME` lines of which the final message must end with one.'),
    allowed_result_classes_by_outcome: z
      .record(z.string(), z.array(ResultClass))
      .describe('Result classes per outcome.'),
    mode_id: text().describe('Mode the plan was compiled from.'),
    compiled_plan_id: text().describe('Frozen plan this run keeps to its end.'),
    entrypoint_path: text().describe('Prompt file to open and follow.'),
    entrypoint_contract_id: text().describe('Version of the contract between node and prompt.'),
    required_skill_paths: z.array(text()).describe('Skills to load first.'),
    attached_skill_paths: z.array(text()).describe('Further skills.'),
    skill_revisions: z
      .array(z.strictObject({ skill_id: text(), path: text(), revision: text() }))
      .default([])
      .describe(
        'What was given of each of these: path relative to the assets root, and the hash that names its state.',
      ),
    active_work_item_kind: maybe().describe('Kind of the work item.'),
    active_work_item_id: maybe().describe('Id of the work item.'),
    active_work_item_path: maybe().describe('Its document, in the active folder.'),
    closure_target_path: maybe().describe('State of the closure target (read only).'),
    closure_target_root_spec_id: maybe().describe('Root spec of the lineage to judge.'),
    closure_target_root_idea_id: maybe().describe('Root idea of that lineage.'),
    canonical_root_spec_path: maybe().describe('Frozen copy of the root spec.'),
    canonical_seed_idea_path: maybe().describe('Frozen copy of the seed idea.'),
    preferred_rubric_path: maybe().describe('Rubric to reuse or create.'),
    preferred_verdict_path: maybe().describe('Where the verdict must be written.'),
    preferred_report_path: maybe().describe('Where the report must be written.'),
    workspace_root: text().describe('Directory the agent works in.'),
    run_dir: text().describe('Run folder: artifacts go here.'),
    outbox_dir: text().describe('Where new work documents are handed in, as <kind>/<id>.md.'),
    terminal_result_path: text().describe('Optional structured result file.'),
    owed_artifacts_by_outcome: z
      .record(z.string(), z.array(OwedArtifact))
      .describe('Files that must exist for an outcome to count; paths resolved.'),
    hand_ins: z.array(HandIn).default([]).describe('Documents that may, or must, be handed in through the outbox.'),
    summary_status_path: text().describe('Status file of the plane (read only).'),
    runtime_snapshot_path: text().describe('Runtime snapshot (read only).'),
    recovery_counters_path: text().describe('Recovery counters (read only).'),
    preferred_troubleshoot_report_path: maybe().describe('Where a repair stage leaves its report.'),
    runtime_error_code: maybe().describe('What went wrong in the runtime, for a repair stage.'),
    runtime_error_report_path: maybe().describe('The report on it.'),
    runtime_error_catalog_path: maybe().describe('Explanation of error codes.'),
    failure_class: maybe().describe('Why the run came to this stage, if it came by a failure.'),
    previous_attempt: z
      .strictObject({
        request_id: text(),
        reason: text(),
        rescue_ref: text().optional().describe('Git ref of the working tree as it was before that attempt.'),
      })
      .nullable()
      .default(null)
      .describe('Set when an earlier attempt at this very stage was interrupted: its work may be half done.'),
    resume_session: z
      .strictObject({
        session_id: text(),
        used_before: TokenUsage.nullable().describe(
          'What stages used in the session so far, where they told; harnesses that count a session as a whole count it again.',
        ),
        unchanged_tree: text()
          .nullable()
          .describe(
            'Set for the session of an interrupted attempt at this very stage: it is only continued while the working ' +
              'tree is still this git tree.',
          ),
      })
      .nullable()
      .default(null)
      .describe('Session of the harness to go on with instead of a fresh one.'),
    account_of: z
      .array(text())
      .default([])
      .describe(
        'Earlier stage runs, oldest first, whose messages and tool calls the prompt tells of where no session is continued.',
      ),
    resume_targets: z.array(text()).default([]).describe('Nodes a `resume_stage` of the structured result may name.'),
    boot_id: maybe().describe(
      'Boot of the machine in which the stage was started: what it left is certain in that one only.',
    ),
    runner_name: text().describe('Adapter that runs the agent.'),
    model_name: maybe().describe('Model to ask for.'),
    model_reasoning_effort: maybe().describe('Reasoning effort to ask for.'),
    permission_level: PermissionLevel.nullable()
      .default(null)
      .describe('Level from node or mode; null leaves it to the runner config.'),
    timeout_seconds: z.int().min(1).describe('Time the stage may take.'),
    keep_background: z.boolean().default(false).describe('Spare background processes after a good end.'),
  })
  .describe('What one stage run is told.')
export type StageRequest = z.infer<typeof StageRequest>
