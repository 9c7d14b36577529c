/** What the provenance of a run gives. */
import * as z from 'zod'
import { Plan } from '../../core/plan.ts'
import { WorkingTree } from '../../core/result.ts'
import { PlanChange } from './plan-diff.ts'
import { RUN_STATES } from './runs.ts'
import { Selection, SelectionExplanation } from './selection.ts'

const text = (what: string) => z.string().describe(what)
const maybe = (what: string) => z.string().nullable().describe(what)

const HistoryRecord = z
  .strictObject({
    event_id: maybe('Record.'),
    previous_event_id: maybe('The one before it; null: the first.'),
    run_id: maybe('Run.'),
    request_id: maybe('Stage run that was settled.'),
    frozen_plan: z.record(z.string(), z.string()).nullable().describe('Plan it was decided by.'),
    timestamp: maybe('When it was decided (ISO time).'),
    observed_timestamp: maybe('When the stage ended (ISO time).'),
    phase: maybe('Step of the runtime.'),
    event_name: maybe('`stage_transition` or `run_ended`.'),
    source: maybe('Who decided.'),
    plane: maybe('Lane.'),
    node_id: maybe('Node the run stood at.'),
    kind_id: maybe('Its stage kind.'),
    outcome: maybe('What the stage reported.'),
    result_class: maybe('Its class.'),
    failure_class: maybe('Why it failed.'),
    selected_edge_id: maybe('Edge or policy that was taken.'),
    selected_node_id: maybe('Node it led to.'),
    selected_terminal_state_id: maybe('Terminal state it led to.'),
    selected_edge_reason: maybe('Why.'),
    condition_inputs: z.record(z.string(), z.unknown()).nullable().describe('What the decision depended on.'),
    status_before: maybe('Marker of the lane before.'),
    status_after: maybe('And after.'),
    active_task_before: maybe('What the lane worked on before.'),
    active_task_after: maybe('And after.'),
    artifacts_emitted: z.array(z.string()).nullable().describe('Files the stage left.'),
    queue_mutations_applied: z.array(z.string()).nullable().describe('What was done to queues.'),
    bound_execution_parameters: z.record(z.string(), z.unknown()).nullable().describe('What the stage ran with.'),
    started_at: maybe('Start of the stage (ISO time).'),
    completed_at: maybe('Its end (ISO time).'),
    duration_seconds: z.number().nullable().describe('From start to end, in seconds.'),
    token_usage: z.record(z.string(), z.number()).nullable().describe('What it used; null if that was not told.'),
  })
  .describe('A decision; members a record of an older version lacks are null.')
export type HistoryRecord = z.infer<typeof HistoryRecord>

export const RunsProvenance = z
  .strictObject({
    run_id: text('Run.'),
    state: z.enum(RUN_STATES).describe('Where it stands.'),
    plane: maybe('Lane.'),
    request_kind: maybe('Whether a work item or a closure target was served.'),
    closure_target_root_spec_id: maybe('Root spec of a closure run.'),
    work_item_kind: maybe('Kind of what it served.'),
    work_item_id: maybe('Id of what it served.'),
    selection: Selection.nullable().describe('What was frozen for the run; null if that plan is gone.'),
    selection_explanation: SelectionExplanation,
    current_preview: Selection.nullable().describe('What would be chosen now; null if that cannot be told.'),
    current_preview_explanation: SelectionExplanation,
    current_preview_error: maybe('Why it cannot be told.'),
    current_preview_changes: z
      .array(PlanChange)
      .nullable()
      .describe('How that differs, on the lane of the run; null where there is nothing to compare.'),
    runtime_history: z.array(HistoryRecord).describe('Every decision, in order.'),
    compile_snapshot: Plan.omit({ entrypoint_texts: true })
      .extend({ entrypoint_hashes: z.record(z.string(), z.string()).describe('SHA-256 of every prompt, by path.') })
      .strict()
      .nullable()
      .describe('The frozen plan, without the texts it holds; null if it is gone.'),
    documents_handed_in: z
      .array(
        z.strictObject({
          request_id: text('Stage run that handed it in.'),
          node_id: text('Its node.'),
          kind: text('Kind of document.'),
          item_id: text('Its id.'),
          path: text('The file as it was handed in.'),
          queued: z.boolean().describe('Whether it was put into a queue under that id.'),
        }),
      )
      .describe('Documents stages handed in, in order.'),
    skill_revisions: z
      .array(
        z.strictObject({
          request_id: text('Stage run.'),
          node_id: text('Its node.'),
          skill_id: text('Skill it was given.'),
          path: text('Its file, relative to the assets root.'),
          revision: text('Hash that names the state of the skill; `millrace skills show` tells the one of today.'),
        }),
      )
      .describe('Skills each stage run was given, in order.'),
    evidence_trees: z
      .array(
        z
          .strictObject({ request_id: maybe('Stage run.'), node_id: text('Its node.'), ...WorkingTree.shape })
          .describe('What one stage did to the working tree.'),
      )
      .describe('Working trees before and after each stage.'),
    snapshot_path: maybe('`resolved_snapshot.json` of the run; null if it is gone.'),
    compiled_plan_path: maybe('The frozen plan.'),
    transition_history_path: maybe('`transition_history.jsonl`.'),
    notes: z.array(z.string()).describe('What is missing or cannot be read.'),
  })
  .describe('Why a run went as it did.')
export type RunsProvenanceOutput = z.infer<typeof RunsProvenance>
