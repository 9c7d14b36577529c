/**
 * What is kept and told of each applied transition: a record in the run's history, the source of trace, provenance and
 * why (rulings.md, *history of a run*), and two events for the operator's feed.
 */
import type { Settlement } from './apply.ts'
import type { Draft } from './changes.ts'
import { canonicalJson, sha256 } from './ids.ts'
import { objectInLine } from './json-line.ts'
import { nodeOf, type Plan } from './plan.ts'
import type { StageRequest } from './request.ts'
import { listOf, maybe, orNull, record, type Shape, text } from './shape.ts'

const isTransition = record({
  event_id: text,
  request_id: text,
  event_name: text,
  plane: text,
  node_id: text,
  outcome: text,
  result_class: text,
  failure_class: orNull(text),
  selected_edge_id: maybe(text),
  selected_node_id: orNull(text),
  selected_terminal_state_id: orNull(text),
  selected_edge_reason: text,
  queue_mutations_applied: maybe(listOf(text)),
  frozen_plan: record({ plan_id: text }),
  timestamp: text,
})

/** What is read of a record again. */
export type Transition = typeof isTransition extends Shape<infer T> ? T : never

/** The record in a line of a run's history; null if it holds none. */
export function transitionIn(line: string): Transition | null {
  const value = objectInLine(line)
  return isTransition(value) ? value : null
}

/** Id of the record of a stage run: the same however often it is settled. */
export const transitionId = (request: StageRequest): string => `transition-${sha256(request.request_id).slice(0, 12)}`

const graphsHashes = new WeakMap<Plan['graphs_by_plane'], string>()

/** Hash of what the plan routes by; kept, since a plan never changes and every settled stage asks. */
export function graphsHash({ graphs_by_plane }: Plan): string {
  const hash = graphsHashes.get(graphs_by_plane) ?? sha256(canonicalJson(graphs_by_plane)).slice(0, 12)
  graphsHashes.set(graphs_by_plane, hash)
  return hash
}

/** Appends the record; `mutations` is what was done to queues. */
export function recordTransition(draft: Draft, settlement: Settlement, mutations: string[]): void {
  const { view, plan, run, request, result, decision, item } = settlement
  const node = nodeOf(plan, run.plane, run.node_id)
  draft.add({
    change: 'line.append',
    path: `runs/${run.run_id}/transition_history.jsonl`,
    record: {
      schema_version: '1.0',
      event_id: transitionId(request),
      previous_event_id: run.last_transition,
      run_id: run.run_id,
      request_id: request.request_id,
      frozen_plan: {
        plan_id: plan.compiled_plan_id,
        run_id: run.run_id,
        compiled_at: plan.compiled_at,
        content_hash: graphsHash(plan),
        selection_ref: `mode:${plan.mode_id}`,
      },
      timestamp: view.now,
      observed_timestamp: result.completed_at,
      phase: 'settle',
      event_name: decision.next_node_id === null ? 'run_ended' : 'stage_transition',
      source: 'engine',
      plane: run.plane,
      node_id: run.node_id,
      kind_id: run.stage_kind_id,
      outcome: result.terminal_result,
      result_class: result.result_class,
      selected_edge_id: decision.edge_id,
      selected_node_id: decision.next_node_id,
      selected_terminal_state_id: decision.terminal_state_id,
      selected_edge_reason: decision.reason,
      failure_class: decision.failure_class,
      condition_inputs: { counted: decision.counted, resume_stage: result.metadata.resume_stage ?? null },
      status_before: node ? `### ${node.running_status_marker}` : null,
      status_after: draft.snapshot.status_markers_by_plane[run.plane] ?? null,
      active_task_before: item ? `${item.entry.kind} ${item.entry.id}` : run.closure_target_root_spec_id,
      active_task_after:
        decision.next_node_id === null
          ? null
          : item
            ? `${item.entry.kind} ${item.entry.id}`
            : run.closure_target_root_spec_id,
      artifacts_emitted: result.artifact_paths,
      queue_mutations_applied: mutations,
      bound_execution_parameters: {
        runner: request.runner_name,
        model: request.model_name,
        effort: request.model_reasoning_effort,
        permission_profile: request.permission_level,
        timeout_seconds: request.timeout_seconds,
      },
      started_at: result.started_at,
      completed_at: result.completed_at,
      duration_seconds: result.duration_seconds,
      token_usage: result.token_usage,
    },
  })
}

/** The events of a settled stage. */
export function tellTransition(draft: Draft, { run, request, result, decision }: Settlement): void {
  const common = {
    plane: run.plane,
    run_id: run.run_id,
    work_item_kind: result.work_item_kind,
    work_item_id: result.work_item_id,
    stage: run.stage_kind_id,
    node_id: run.node_id,
    stage_kind_id: run.stage_kind_id,
    terminal_result: result.terminal_result,
    failure_class: decision.failure_class ?? result.metadata.failure_class ?? null,
    troubleshoot_report_path: result.report_artifact ?? request.preferred_troubleshoot_report_path,
  }
  draft.event('stage_completed', {
    request_id: request.request_id,
    ...common,
    result_class: result.result_class,
    duration_seconds: result.duration_seconds,
    token_usage: result.token_usage,
  })
  draft.event('router_decision', {
    action: decision.action,
    ...common,
    next_stage: decision.next_node_id,
    next_node_id: decision.next_node_id,
    terminal_state_id: decision.terminal_state_id,
    reason: decision.reason,
  })
}
