/**
 * State files of the Python runtime 0.14 and 0.16, as its own readers take them: missing members have their defaults,
 * unknown ones are refused, since they were written by a version that means something else.
 */
import * as z from 'zod'
import { issuesText } from '../../core/clip.ts'
import { MillraceError } from '../../core/errors.ts'

const head = (kind: string) => ({
  schema_version: z.literal('1.0').default('1.0'),
  kind: z.literal(kind).default(kind),
})
const name = () => z.string().nullable().default(null)
const count = () => z.int().default(0)

const PythonRun = z.strictObject({
  plane: z.string(),
  stage: z.string(),
  node_id: z.string().optional(),
  stage_kind_id: z.string().optional(),
  run_id: z.string(),
  request_kind: z.enum(['active_work_item', 'closure_target', 'learning_request']),
  work_item_kind: name(),
  work_item_id: name(),
  closure_target_root_spec_id: name(),
  closure_target_root_idea_id: name(),
  active_since: z.string(),
  running_status_marker: name(),
})

/** The snapshot; what only 0.16 has is optional. */
export const PythonSnapshot = z.strictObject({
  ...head('runtime_snapshot'),
  runtime_mode: z.enum(['once', 'daemon']),
  process_running: z.boolean(),
  paused: z.boolean(),
  pause_sources: z.array(z.enum(['operator', 'usage_governance'])).optional(),
  stop_requested: z.boolean().default(false),
  active_mode_id: z.string(),
  execution_loop_id: z.string(),
  planning_loop_id: z.string(),
  learning_loop_id: z.string().nullish(),
  loop_ids_by_plane: z.record(z.string(), z.string()).optional(),
  compiled_plan_id: z.string(),
  compiled_plan_path: z.string(),
  active_plane: name(),
  active_stage: name(),
  active_node_id: z.string().nullish(),
  active_stage_kind_id: z.string().nullish(),
  active_run_id: name(),
  active_work_item_kind: name(),
  active_work_item_id: name(),
  active_runs_by_plane: z.record(z.string(), PythonRun).optional(),
  execution_status_marker: z.string(),
  planning_status_marker: z.string(),
  learning_status_marker: z.string().optional(),
  status_markers_by_plane: z.record(z.string(), z.string()).optional(),
  queue_depth_execution: count(),
  queue_depth_planning: count(),
  queue_depth_learning: z.int().optional(),
  queue_depths_by_plane: z.record(z.string(), z.int()).optional(),
  last_terminal_result: name(),
  last_stage_result_path: name(),
  current_failure_class: name(),
  troubleshoot_attempt_count: count(),
  mechanic_attempt_count: count(),
  fix_cycle_count: count(),
  consultant_invocations: count(),
  config_version: z.string(),
  watcher_mode: z.enum(['watch', 'poll', 'off']),
  last_reload_outcome: z.enum(['applied', 'failed_retained_previous_plan']).nullable().default(null),
  last_reload_error: name(),
  started_at: name(),
  active_since: name(),
  updated_at: z.string(),
})
export type PythonSnapshot = z.infer<typeof PythonSnapshot>

export const PythonCounters = z.strictObject({
  ...head('recovery_counters'),
  entries: z
    .array(
      z.strictObject({
        failure_class: z.string(),
        work_item_id: z.string(),
        work_item_kind: z.string(),
        troubleshoot_attempt_count: count(),
        mechanic_attempt_count: count(),
        fix_cycle_count: count(),
        consultant_invocations: count(),
        last_updated_at: z.string(),
      }),
    )
    .default([]),
})
export type PythonCounters = z.infer<typeof PythonCounters>

export const PythonTarget = z.strictObject({
  ...head('closure_target_state'),
  root_spec_id: z.string(),
  root_idea_id: z.string(),
  root_spec_path: z.string(),
  root_idea_path: z.string(),
  rubric_path: z.string(),
  latest_verdict_path: name(),
  latest_report_path: name(),
  closure_open: z.boolean().default(true),
  closure_blocked_by_lineage_work: z.boolean().default(false),
  blocking_work_ids: z.array(z.string()).default([]),
  opened_at: z.string(),
  closed_at: name(),
  last_arbiter_run_id: name(),
})
export type PythonTarget = z.infer<typeof PythonTarget>

/** What a stage failed by, while its repair is under way; of interest only where it is that of an active run. */
export const PythonErrorContext = z.object({
  error_code: z.string(),
  repair_stage: z.string(),
  run_id: z.string(),
  report_path: z.string(),
})
export type PythonErrorContext = z.infer<typeof PythonErrorContext>

const ISSUES_TOLD_MAX = 3

/** `file`: relative to the runtime root. Throws `workspace_unsupported` for another version's, and `state_corrupt`. */
export function readPython<T>(schema: z.ZodType<T>, value: unknown, file: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const unknown = parsed.error.issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []))
  if (unknown.length > 0) {
    const what = `millrace-agents/${file} has members that the Python runtime 0.14 and 0.16 do not write: ${unknown.slice(0, 5).join(', ')}.`
    throw new MillraceError('workspace_unsupported', what, { hint: ONLY_THESE })
  }
  const what = `millrace-agents/${file} is not what the Python runtime writes: ${issuesText(parsed.error.issues, ISSUES_TOLD_MAX)}.`
  throw new MillraceError('state_corrupt', what, { hint: 'restore the file from a backup, or move it away' })
}

/** How to go on with a workspace of another version. */
export const ONLY_THESE =
  'only workspaces of the Python runtime 0.14 and 0.16 can be taken over; work on with the one that wrote it'
