/** A valid stage request in a run folder of its own, for driving a runner without an engine. */
import * as path from 'node:path'
import { StageRequest } from '../core/request.ts'

/** `hex` gives random digits. Nothing is made on disk. */
export function requestFor(
  workspace: string,
  hex: (digits: number) => string,
  changes: Partial<StageRequest> = {},
): StageRequest {
  const requestId = `request-${hex(32)}`
  const runDir = path.join(workspace, 'millrace-agents/runs', `run-${hex(8)}`)
  const state = path.join(workspace, 'millrace-agents/state')
  return StageRequest.parse({
    schema_version: '1.0',
    kind: 'stage_request',
    request_id: requestId,
    run_id: path.basename(runDir),
    plane: 'execution',
    node_id: 'builder',
    stage_kind_id: 'builder',
    request_kind: 'active_work_item',
    running_status_marker: 'BUILDER_RUNNING',
    legal_terminal_markers: ['### BUILDER_COMPLETE', '### BLOCKED'],
    allowed_result_classes_by_outcome: { BUILDER_COMPLETE: ['success'], BLOCKED: ['blocked', 'recoverable_failure'] },
    mode_id: 'default_codex',
    compiled_plan_id: 'plan-default_codex-0123456789ab',
    entrypoint_path: path.join(workspace, 'entrypoints/execution/builder.md'),
    entrypoint_contract_id: 'builder.contract.v1',
    required_skill_paths: [path.join(workspace, 'skills/builder-core/SKILL.md')],
    attached_skill_paths: [],
    active_work_item_kind: 'task',
    active_work_item_id: 'add-retries',
    active_work_item_path: path.join(workspace, 'millrace-agents/tasks/active/add-retries.md'),
    workspace_root: workspace,
    run_dir: runDir,
    outbox_dir: path.join(runDir, 'outbox', requestId),
    terminal_result_path: path.join(runDir, `runner_terminal_result.${requestId}.json`),
    owed_artifacts_by_outcome: {
      BUILDER_COMPLETE: [
        { name: 'builder_summary', path: path.join(runDir, 'builder_summary.md'), format: 'text', reuse: false },
      ],
    },
    summary_status_path: path.join(state, 'execution_status.md'),
    runtime_snapshot_path: path.join(state, 'runtime_snapshot.json'),
    recovery_counters_path: path.join(state, 'recovery_counters.json'),
    preferred_troubleshoot_report_path: path.join(runDir, 'troubleshoot_report.md'),
    runner_name: 'command',
    timeout_seconds: 60,
    ...changes,
  })
}
