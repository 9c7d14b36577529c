/** What the tests of the runners share: a real clock, a request, a workspace, a look at what still runs. */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { buildSync } from 'esbuild'
import { StageRequest } from '../../src/core/request.ts'
import { carriersOf } from '../../src/runners/process.ts'
import { clock } from './clock.ts'

export { clock }

export const agent = (name: string): string => path.join(import.meta.dirname, `${name}.mjs`)

/** A temporary directory of its own, as the real path. */
export function temporaryFolder(): string {
  return fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-runners-')))
}

/** A valid request of a builder stage in a fresh run folder of the workspace. */
export function requestIn(workspace: string, changes: Partial<StageRequest> = {}): StageRequest {
  const requestId = `request-${clock.hex(32)}`
  const runDir = path.join(workspace, 'millrace-agents/runs', `run-${clock.hex(8)}`)
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

/** Waits until something is so, at most 10 s; true if it came to be. */
export async function eventually(condition: () => boolean, limitMs = 10_000): Promise<boolean> {
  const end = performance.now() + limitMs
  while (performance.now() < end) {
    if (condition()) return true
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return condition()
}

/** Commands of the processes that still carry the request's marker. */
export const stillRunning = (request: StageRequest): string[] =>
  carriersOf(request.request_id).map((carrier) => carrier.command)

/** Bundles a TypeScript program into one file that this version of Node runs. */
export function bundle(source: string, folder: string): string {
  const outfile = path.join(folder, `${path.basename(source, '.ts')}.mjs`)
  buildSync({ entryPoints: [source], bundle: true, platform: 'node', format: 'esm', outfile, logLevel: 'error' })
  return outfile
}

/** Ends everything with the marker, so that a failed test leaves nothing running. */
export function endAll(requestIds: readonly string[]): void {
  for (const id of requestIds) for (const { pid } of carriersOf(id)) process.kill(pid, 'SIGKILL')
}
