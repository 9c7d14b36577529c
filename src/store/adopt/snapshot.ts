/** From the snapshot of the Python runtime to ours. Pure: what run folders hold is given. */
import { type ActiveRun, IDLE_MARKER, NO_PLAN, newSnapshot, type Snapshot } from '../../core/state.ts'
import type { PythonErrorContext, PythonSnapshot } from './python-state.ts'

/** A passage that was under way. */
export interface PythonActive {
  plane: string
  node_id: string
  stage_kind_id: string
  run_id: string
  request_kind: 'active_work_item' | 'closure_target' | 'learning_request'
  work_item_kind: string | null
  work_item_id: string | null
  closure_target_root_spec_id: string | null
  active_since: string
}

/** What the run folder of a passage says of the stage it stands at. */
export interface Standing {
  /** Its last stage run, if that was at the node the run stands at and was not routed; `hasResult`: its result lies there. */
  atWork: { request_id: string; hasResult: boolean } | null
  /** Results that were routed. */
  routed: number
}

/** The passages a snapshot names. `openRoot`: the closure target that is open, which 0.14 does not name in a run. */
export function activePassages(old: PythonSnapshot, openRoot: string | null): PythonActive[] {
  const byPlane = Object.values(old.active_runs_by_plane ?? {})
  if (byPlane.length > 0)
    return byPlane.map((run) => ({
      plane: run.plane,
      node_id: run.node_id ?? run.stage,
      stage_kind_id: run.stage_kind_id ?? run.stage,
      run_id: run.run_id,
      request_kind: run.request_kind,
      work_item_kind: run.work_item_kind,
      work_item_id: run.work_item_id,
      closure_target_root_spec_id: run.closure_target_root_spec_id,
      active_since: run.active_since,
    }))
  const { active_plane: plane, active_stage: stage, active_run_id: run_id } = old
  if (plane === null || stage === null || run_id === null) return []
  const isClosure = old.active_work_item_id === null
  return [
    {
      plane,
      node_id: old.active_node_id ?? stage,
      stage_kind_id: old.active_stage_kind_id ?? stage,
      run_id,
      request_kind: isClosure ? 'closure_target' : 'active_work_item',
      work_item_kind: old.active_work_item_kind,
      work_item_id: old.active_work_item_id,
      closure_target_root_spec_id: isClosure ? openRoot : null,
      active_since: old.active_since ?? old.updated_at,
    },
  ]
}

/** Passages of planes that no shipped mode has: their items go back to their queues and wait there. */
export const isGivenBack = (passage: PythonActive): boolean => passage.request_kind === 'learning_request'

export interface SnapshotSources {
  /** The runtime it comes from, such as `python 0.14`. */
  from: string
  passages: readonly PythonActive[]
  /** By run id. */
  standing: ReadonlyMap<string, Standing>
  errorContext: PythonErrorContext | null
  /** Result that was routed last. */
  lastResult: (Snapshot['last_results_by_plane'][string] & { plane: string }) | null
}

export function translateSnapshot(old: PythonSnapshot, sources: SnapshotSources): Snapshot {
  const { passages, lastResult } = sources
  const since = old.updated_at
  const isPausedByOperator = old.paused && (old.pause_sources?.includes('operator') ?? true)
  const kept = passages.filter((passage) => !isGivenBack(passage))
  return {
    ...newSnapshot(since),
    runtime_mode: old.runtime_mode,
    pause_sources: isPausedByOperator
      ? [{ source: 'operator', reason: 'paused before the workspace was taken over', since, until: null }]
      : [],
    active_mode_id: old.active_mode_id,
    active_runs: kept.map((passage) => translateRun(old, passage, sources)),
    status_markers_by_plane: markersOf(old, passages),
    last_results_by_plane: lastResult === null ? {} : { [lastResult.plane]: withoutPlane(lastResult) },
    watcher_mode: old.watcher_mode,
  }
}

function withoutPlane({ plane: _, ...result }: NonNullable<SnapshotSources['lastResult']>) {
  return result
}

function translateRun(old: PythonSnapshot, passage: PythonActive, sources: SnapshotSources): ActiveRun {
  const { atWork, routed } = sources.standing.get(passage.run_id) ?? { atWork: null, routed: 0 }
  const { errorContext } = sources
  const isRepair = errorContext?.run_id === passage.run_id && errorContext.repair_stage === passage.stage_kind_id
  const isForeground = passage.run_id === old.active_run_id
  const { request_kind, active_since, ...identity } = passage
  return {
    ...identity,
    request_kind: request_kind === 'closure_target' ? request_kind : 'active_work_item',
    compiled_plan_id: NO_PLAN,
    status: atWork === null ? 'ready' : 'started',
    request_id: atWork?.request_id ?? null,
    active_since,
    stage_since: active_since,
    stage_runs: routed,
    failure_class: isForeground ? old.current_failure_class : null,
    runtime_error: isRepair ? { code: errorContext.error_code, report_path: errorContext.report_path } : null,
    edge_uses: {},
    previous_attempt: null,
    interruptions: 0,
    environment_failures: 0,
    not_before: null,
    last_transition: null,
    held: null,
    cancel_requested: null,
    ...(atWork === null ? {} : { begun_by: sources.from }),
  }
}

/** What the status files say; planes whose passage is given back go idle. */
export function markersOf(old: PythonSnapshot, passages: readonly PythonActive[]): Record<string, string> {
  const { learning_status_marker: learning } = old
  const told = old.status_markers_by_plane ?? {
    execution: old.execution_status_marker,
    planning: old.planning_status_marker,
    ...(learning === undefined ? {} : { learning }),
  }
  const idle = passages.filter(isGivenBack).map(({ plane }) => [plane, IDLE_MARKER])
  return { ...told, ...Object.fromEntries(idle) }
}
