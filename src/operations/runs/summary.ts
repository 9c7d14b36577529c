/** What the records of one run folder say about the run as a whole. Pure; folders are read by the store. */
import { graphOf, type Plan } from '../../core/plan.ts'
import type { StageResult, TokenUsage } from '../../core/result.ts'
import type { ActiveRun } from '../../core/state.ts'
import type { Transition } from '../../core/transition.ts'
import { sumUsage } from '../../core/usage.ts'
import type { RunFolder } from '../../store/runs.ts'
import type { RunRow } from '../schemas/runs.ts'

export interface RunParts {
  folder: RunFolder
  /** The run in the snapshot, while it is active. */
  active: ActiveRun | null
  planOf: (planId: string) => Plan | null
}

export const requestIdOf = (result: StageResult): string | null =>
  typeof result.metadata.request_id === 'string' ? result.metadata.request_id : null

export const failureOf = (result: StageResult): string | null =>
  typeof result.metadata.failure_class === 'string' ? result.metadata.failure_class : null

/** How a stage ended, who ran it, and how long it took. */
export const endOf = (result: StageResult) => ({
  terminal_result: result.terminal_result,
  result_class: result.result_class,
  failure_class: failureOf(result),
  runner_name: result.runner_name,
  model_name: result.model_name,
  model_reasoning_effort: result.model_reasoning_effort,
  started_at: result.started_at,
  completed_at: result.completed_at,
  duration_seconds: result.duration_seconds,
})

/** The request of the newest stage, or any one: they agree on what the run is about. */
export function aboutRun({ folder, active }: RunParts) {
  const wanted = active?.request_id ?? requestIdOf(folder.results.at(-1) ?? ({ metadata: {} } as StageResult))
  const request = folder.requests.find((one) => one.request_id === wanted) ?? folder.requests[0]
  const [first] = folder.results
  const [begun] = folder.invocations
  const said = (name: string): string | null => {
    const value = first?.metadata[name]
    return typeof value === 'string' ? value : null
  }
  const closure_target_root_spec_id =
    active?.closure_target_root_spec_id ??
    request?.closure_target_root_spec_id ??
    said('closure_target_root_spec_id') ??
    begun?.closure_target_root_spec_id ??
    null
  return {
    plane: active?.plane ?? request?.plane ?? first?.plane ?? null,
    compiled_plan_id: active?.compiled_plan_id ?? request?.compiled_plan_id ?? said('compiled_plan_id'),
    mode_id: request?.mode_id ?? said('mode_id'),
    request_kind: active?.request_kind ?? request?.request_kind ?? said('request_kind') ?? begun?.request_kind ?? null,
    closure_target_root_spec_id,
    work_item_kind: active?.work_item_kind ?? request?.active_work_item_kind ?? first?.work_item_kind ?? null,
    work_item_id:
      active?.work_item_id ?? request?.active_work_item_id ?? first?.work_item_id ?? begun?.active_work_item_id ?? null,
  }
}

/** Whether the records can be read: no word on how the run went. */
export function artifactStatus({ folder, active }: RunParts): RunRow['status'] {
  if (folder.malformed.length > 0) return 'malformed'
  return folder.results.length === 0 || active !== null ? 'incomplete' : 'valid'
}

export function runState(parts: RunParts): RunRow['state'] {
  const { folder, active } = parts
  if (active !== null) return active.held === null ? 'active' : 'held'
  const last = folder.transitions.at(-1)
  if (last?.event_name !== 'run_ended') return folder.malformed.length > 0 ? 'malformed' : 'incomplete'
  const graph = graphFor(parts, last)
  const terminal = graph?.terminal_states.find((state) => state.terminal_state_id === last.selected_terminal_state_id)
  switch (terminal?.terminal_class ?? last.result_class) {
    case 'success':
    case 'no_op':
      return 'complete'
    case 'followup_needed':
    case 'escalate_planning':
      return 'handoff'
    default:
      return 'blocked'
  }
}

const graphFor = ({ planOf }: RunParts, last: Transition) => {
  const plan = planOf(last.frozen_plan.plan_id)
  return plan ? graphOf(plan, last.plane) : undefined
}

export function timesOf(
  results: readonly StageResult[],
): Pick<RunRow, 'started_at' | 'completed_at' | 'duration_seconds'> {
  if (results.length === 0) return { started_at: null, completed_at: null, duration_seconds: null }
  const started_at = results.map((result) => result.started_at).sort()[0]!
  const completed_at = results
    .map((result) => result.completed_at)
    .sort()
    .at(-1)!
  return {
    started_at,
    completed_at,
    duration_seconds: Math.max(0, (Date.parse(completed_at) - Date.parse(started_at)) / 1000),
  }
}

/** Sum over all stages; null if none reported any. */
export const tokensOf = (results: readonly StageResult[]): TokenUsage | null =>
  sumUsage(results.map((result) => result.token_usage))

export function runRow(parts: RunParts): RunRow {
  const { folder, active } = parts
  const about = aboutRun(parts)
  const last = folder.results.at(-1)
  return {
    run_id: folder.run_id,
    status: artifactStatus(parts),
    work_item_kind: about.work_item_kind,
    work_item_id: about.work_item_id ?? about.closure_target_root_spec_id,
    failure_class: last ? failureOf(last) : null,
    state: runState(parts),
    plane: about.plane,
    mode_id: about.mode_id,
    stage_count: folder.results.length,
    last_stage: active?.node_id ?? last?.node_id ?? folder.invocations.at(-1)?.stage ?? null,
    last_outcome: last?.terminal_result ?? null,
    ...timesOf(folder.results),
    token_usage: tokensOf(folder.results),
  }
}
