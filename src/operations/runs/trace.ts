/** The path of one run, stage by stage and edge by edge, from its transition history and its stage results. Pure. */
import * as path from 'node:path'
import { isDerived } from '../../core/derived-history.ts'
import { graphOf } from '../../core/plan.ts'
import type { StageResult } from '../../core/result.ts'
import type { Transition } from '../../core/transition.ts'
import type { RunsTraceOutput, TraceEdge, TraceNode } from '../schemas/runs.ts'
import { aboutRun, endOf, failureOf, type RunParts, requestIdOf, runState, timesOf } from './summary.ts'

/** Looks at a file an agent or the runtime left; null sizes for one that is gone. */
export type LookAt = (file: string) => { size_bytes: number | null; sha256: string | null }

export function traceOf(parts: RunParts, now: string, lookAt: LookAt): RunsTraceOutput {
  const { folder } = parts
  const { transitions } = folder
  const { plane: _, ...about } = aboutRun(parts)
  const state = runState(parts)
  const nodes = folder.results.map((result) => nodeOf(result, folder.path, lookAt))
  const running = runningNode(parts)
  return {
    schema_version: '1.0',
    kind: 'run_trace_graph',
    run_id: folder.run_id,
    run_dir: folder.path,
    status: folder.malformed.length > 0 ? 'malformed' : state === 'held' ? 'active' : state,
    ...about,
    ...timesOf(folder.results),
    nodes: running === null ? nodes : [...nodes, running],
    edges: transitions.map((transition, index) => edgeOf(parts, transition, transitions[index + 1], running)),
    notes: notesOf(parts, transitions),
    generated_at: now,
  }
}

function nodeOf(result: StageResult, runDir: string, lookAt: LookAt): TraceNode {
  const files: [kind: string, file: string | null][] = [
    ['report', result.report_artifact],
    ...result.artifact_paths
      .filter((file) => file !== result.report_artifact)
      .map((file): [string, string] => ['artifact', file]),
    ['stdout', result.stdout_path],
    ['stderr', result.stderr_path],
  ]
  return {
    trace_node_id: requestIdOf(result) ?? `${result.node_id}@${result.completed_at}`,
    plane: result.plane,
    node_id: result.node_id,
    stage_kind_id: result.stage_kind_id,
    stage: result.stage,
    ...endOf(result),
    token_usage: result.token_usage,
    artifacts: files.flatMap(([kind, file]) =>
      file === null ? [] : [{ path: relativePath(runDir, file), kind, ...lookAt(path.resolve(runDir, file)) }],
    ),
  }
}

/** The stage at work now, as a node without an outcome. */
function runningNode({ folder, active }: RunParts): TraceNode | null {
  const request = active?.request_id ? folder.requests.find((one) => one.request_id === active.request_id) : undefined
  if (!active || !request) return null
  return {
    trace_node_id: request.request_id,
    plane: request.plane,
    node_id: request.node_id,
    stage_kind_id: request.stage_kind_id,
    stage: request.stage_kind_id,
    terminal_result: null,
    result_class: null,
    failure_class: null,
    runner_name: request.runner_name,
    model_name: request.model_name,
    model_reasoning_effort: request.model_reasoning_effort,
    started_at: active.stage_since,
    completed_at: null,
    duration_seconds: null,
    token_usage: null,
    artifacts: [],
  }
}

function edgeOf(
  parts: RunParts,
  record: Transition,
  next: Transition | undefined,
  running: TraceNode | null,
): TraceEdge {
  const plan = parts.planOf(record.frozen_plan.plan_id)
  const edges = (plan && graphOf(plan, record.plane)?.transitions) ?? []
  const edge = edges.find((one) => one.edge_id === record.selected_edge_id && one.outcome === record.outcome)
  const follower = next?.request_id ?? running?.trace_node_id ?? null
  return {
    trace_edge_id: record.event_id,
    source_trace_node_id: record.request_id,
    source_node_id: record.node_id,
    outcome: record.outcome,
    edge_kind: edge?.kind ?? null,
    selected_edge_id: record.selected_edge_id ?? null,
    target_node_id: record.selected_node_id,
    target_trace_node_id: record.selected_node_id === null ? null : follower,
    terminal_state_id: record.selected_terminal_state_id,
    spawned_work: (record.queue_mutations_applied ?? []).flatMap(spawned),
    decision_reason: record.selected_edge_reason,
    decided_at: record.timestamp,
  }
}

/** Changes of the queues are recorded as `task T-1 queued`; a new item is one that was queued. */
function spawned(change: string): TraceEdge['spawned_work'] {
  const [, kind, item_id] = /^(\S+) (\S+) queued$/.exec(change) ?? []
  return kind !== undefined && item_id !== undefined ? [{ kind, item_id, reason: change }] : []
}

function notesOf({ folder, active }: RunParts, transitions: readonly Transition[]): string[] {
  const settled = new Set(transitions.map((one) => one.request_id))
  const undecided = folder.results.filter((result) => !settled.has(requestIdOf(result) ?? ''))
  return [
    ...folder.malformed.map((file) => `${file} cannot be read`),
    ...derivationNotes(transitions),
    ...undecided.map(
      (result) => `${result.node_id} ended with ${failureOf(result) ?? result.terminal_result} and was tried again`,
    ),
    ...(active === null && transitions.at(-1)?.event_name !== 'run_ended' ? ['the run ended without a decision'] : []),
  ]
}

/** Says so where a path is not on record. */
export const derivationNotes = (transitions: readonly Transition[]): string[] =>
  transitions.some(isDerived)
    ? ['the path is derived from the stage results: the runtime that made them kept none']
    : []

export function relativePath(runDir: string, file: string): string {
  const relative = path.relative(runDir, path.resolve(runDir, file))
  return relative.startsWith('..') ? file : relative
}
