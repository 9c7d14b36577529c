/** One run in full: what it was about, where it stands, and its stages in order. */
import * as path from 'node:path'
import type { ItemKind } from '../../core/item.ts'
import type { StageResult, WorkingTree } from '../../core/result.ts'
import type { Transition } from '../../core/transition.ts'
import type { View } from '../../core/view.ts'
import type { Files } from '../../store/files.ts'
import type { RunStage, RunsShowOutput } from '../schemas/runs.ts'
import {
  aboutRun,
  artifactStatus,
  endOf,
  failureOf,
  type RunParts,
  requestIdOf,
  runState,
  timesOf,
  tokensOf,
} from './summary.ts'
import { derivationNotes, relativePath } from './trace.ts'

export function showRun(view: View, files: Files, parts: RunParts): RunsShowOutput {
  const { folder, active } = parts
  const about = aboutRun(parts)
  const last = folder.results.at(-1)
  const own = (file: string | null | undefined) => (file ? relativePath(folder.path, file) : null)
  const troubleshoot = folder.requests.flatMap((request) => request.preferred_troubleshoot_report_path ?? [])[0]
  const decisions = new Map(folder.transitions.map((record) => [record.request_id, record]))
  const { plane, ...identity } = about
  return {
    run_id: folder.run_id,
    status: artifactStatus(parts),
    ...identity,
    failure_class: last ? failureOf(last) : null,
    ...timesOf(folder.results),
    troubleshoot_report_path: troubleshoot && files.stat(troubleshoot)?.kind === 'file' ? own(troubleshoot) : null,
    primary_stdout_path: own(last?.stdout_path),
    primary_stderr_path: own(last?.stderr_path),
    stage_result_count: folder.results.length,
    token_usage: tokensOf(folder.results),
    notes: [...folder.malformed.map((file) => `${file} cannot be read`), ...derivationNotes(folder.transitions)],
    run_dir: folder.path,
    state: runState(parts),
    plane,
    title: titleOf(view, about.work_item_kind, about.work_item_id),
    held_reason: active?.held?.reason ?? null,
    running: runningStage(parts),
    stages: folder.results.map((result) => stageOf(result, folder.path, decisions.get(requestIdOf(result) ?? ''))),
  }
}

function titleOf(view: View, kind: string | null, id: string | null): string | null {
  if (kind === null || id === null) return null
  return view.items.find(kind as ItemKind, id)[0]?.title ?? null
}

function runningStage({ folder, active }: RunParts): RunsShowOutput['running'] {
  const request = active?.request_id ? folder.requests.find((one) => one.request_id === active.request_id) : undefined
  if (!active || !request) return null
  return {
    request_id: request.request_id,
    node_id: active.node_id,
    since: active.stage_since,
    runner_name: request.runner_name,
  }
}

function treeState({ before, after }: WorkingTree): NonNullable<RunStage['working_tree']>['state'] {
  if (before === null) return 'unprotected'
  if (after === null) return 'unknown'
  return before === after ? 'unchanged' : 'changed'
}

function stageOf(result: StageResult, runDir: string, decision: Transition | undefined): RunStage {
  const own = (file: string | null) => (file === null ? null : relativePath(runDir, file))
  const said = (key: string) => (typeof result.metadata[key] === 'string' ? (result.metadata[key] as string) : null)
  const requestId = requestIdOf(result)
  return {
    stage_result_path: path.join('stage_results', `${requestId ?? 'unknown'}.json`),
    request_id: requestId,
    compiled_plan_id: said('compiled_plan_id'),
    mode_id: said('mode_id'),
    node_id: result.node_id,
    stage_kind_id: result.stage_kind_id,
    stage: result.stage,
    request_kind: said('request_kind'),
    closure_target_root_spec_id: said('closure_target_root_spec_id'),
    ...endOf(result),
    stdout_path: own(result.stdout_path),
    stderr_path: own(result.stderr_path),
    report_artifact: own(result.report_artifact),
    token_usage: result.token_usage,
    artifact_paths: result.artifact_paths.map((file) => relativePath(runDir, file)),
    working_tree: result.working_tree ? { state: treeState(result.working_tree), ...result.working_tree } : null,
    notes: result.notes,
    next: decision ? (decision.selected_node_id ?? `terminal:${decision.selected_terminal_state_id}`) : null,
    decision_reason: decision?.selected_edge_reason ?? null,
    queue_changes: decision?.queue_mutations_applied ?? [],
  }
}
