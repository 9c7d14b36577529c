/**
 * Route: from a stage result to where the run goes. Pure: plan, state and result in, a decision out, the same for the
 * same input. Edges, budgets and resume targets all come from the plan (spec 02 §5.3, W-02, W-03, W-39, W-49).
 */
import { MillraceError } from './errors.ts'
import type { ThresholdPolicy } from './loop.ts'
import type { PlanGraph } from './plan.ts'
import type { StageResult } from './result.ts'
import { type ActiveRun, type Counters, counterOwner, countOf } from './state.ts'

export interface Decision {
  /** As the event log and exit codes speak of it. */
  action: 'run_stage' | 'handoff' | 'idle' | 'blocked'
  next_node_id: string | null
  terminal_state_id: string | null
  /** Edge or policy that was taken. */
  edge_id: string
  reason: string
  failure_class: string | null
  /** Budgets used up by one. */
  counted: { counter_name: string; key: string }[]
}

export function route(graph: PlanGraph, run: ActiveRun, counters: Counters, result: StageResult): Decision {
  guard(run, result)
  const failure = failureClass(run, result)
  const budget = spendBudgets(graph, run, counters, result, failure)
  if (budget.exhausted) return exhaustedDecision(graph, run, counters, result, budget.exhausted, failure)
  const resume = graph.resume_policies.find(
    (policy) => policy.source_node_id === run.node_id && policy.on_outcome === result.terminal_result,
  )
  if (resume) {
    const target = resume.metadata_stage_keys
      .map((key) => result.metadata[key])
      .flatMap((value) => (typeof value === 'string' ? [value.trim().toLowerCase()] : []))
      .find((id) => graph.nodes.some((node) => node.node_id === id) && !resume.disallowed_target_node_ids.includes(id))
    return {
      action: 'run_stage',
      next_node_id: target ?? resume.default_target_node_id,
      terminal_state_id: null,
      edge_id: resume.policy_id,
      reason: resume.reason ?? `${run.stage_kind_id}:${result.terminal_result}`,
      failure_class: null,
      counted: budget.counted,
    }
  }
  const edge = graph.transitions.find(
    (row) =>
      row.source_node_id === run.node_id &&
      row.outcome === result.terminal_result &&
      (row.max_attempts === null || (run.edge_uses[row.edge_id] ?? 0) < row.max_attempts),
  )
  if (!edge)
    throw new MillraceError(
      'routing_failed',
      `node ${run.node_id} of ${graph.loop_id} has no way on from ${result.terminal_result}`,
    )
  if (edge.terminal_state_id !== null)
    return endDecision(graph, run, edge.terminal_state_id, edge.edge_id, { failure }, budget.counted)
  const failed = isFailure(result)
  return {
    action: 'run_stage',
    next_node_id: edge.target_node_id,
    terminal_state_id: null,
    edge_id: edge.edge_id,
    reason: failed
      ? `${run.stage_kind_id}_blocked`
      : result.result_class === 'followup_needed'
        ? result.terminal_result.toLowerCase()
        : `${run.stage_kind_id}:${result.terminal_result}`,
    failure_class: failed ? failure : null,
    counted: budget.counted,
  }
}

function guard(run: ActiveRun, result: StageResult): void {
  const mismatch =
    run.run_id !== result.run_id
      ? `run ${result.run_id} instead of ${run.run_id}`
      : run.node_id !== result.node_id
        ? `node ${result.node_id} instead of ${run.node_id}`
        : run.work_item_id !== null &&
            (run.work_item_id !== result.work_item_id || run.work_item_kind !== result.work_item_kind)
          ? `item ${result.work_item_kind} ${result.work_item_id} instead of ${run.work_item_kind} ${run.work_item_id}`
          : run.closure_target_root_spec_id !== null &&
              result.metadata.closure_target_root_spec_id !== run.closure_target_root_spec_id
            ? `closure target ${String(result.metadata.closure_target_root_spec_id)} instead of ${run.closure_target_root_spec_id}`
            : null
  if (mismatch) throw new MillraceError('routing_failed', `a result for ${mismatch} cannot be applied`)
}

function isFailure(result: StageResult): boolean {
  return result.result_class === 'blocked' || result.result_class === 'recoverable_failure'
}

/** One normalised spelling, so that writing and looking up a budget can't differ (W-49). */
export function normaliseClass(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
}

function failureClass(run: ActiveRun, result: StageResult): string {
  const stated = result.metadata.failure_class
  return normaliseClass(
    (typeof stated === 'string' && stated.trim()) || run.failure_class || `${run.stage_kind_id}_blocked`,
  )
}

function counterKey(policy: ThresholdPolicy, failure: string, result: StageResult): string {
  const base = policy.counted_per === 'failure_class' ? failure : ''
  const narrowed = policy.key_field === undefined ? undefined : result.metadata[policy.key_field]
  return typeof narrowed === 'string' ? `${base}/${normaliseClass(narrowed)}` : base
}

function spendBudgets(graph: PlanGraph, run: ActiveRun, counters: Counters, result: StageResult, failure: string) {
  const counted: Decision['counted'] = []
  for (const policy of graph.threshold_policies) {
    if (!policy.source_node_ids.includes(run.node_id) || policy.on_outcome !== result.terminal_result) continue
    const key = counterKey(policy, failure, result)
    if (countOf(counters, counterOwner(run), policy.counter_name, key) >= policy.threshold)
      return { counted: [], exhausted: policy }
    counted.push({ counter_name: policy.counter_name, key })
  }
  return { counted, exhausted: null }
}

/** The step a spent budget leads to; it may itself use up another policy's budget (fix rounds count as repairs). */
function exhaustedDecision(
  graph: PlanGraph,
  run: ActiveRun,
  counters: Counters,
  result: StageResult,
  policy: ThresholdPolicy,
  failure: string,
  chain = 0,
): Decision {
  const failure_class = policy.exhausted_failure_class ?? failure
  const toward = graph.threshold_policies.find((other) => other.policy_id === policy.exhausted_counts_toward)
  const counted: Decision['counted'] = []
  if (toward && chain < graph.threshold_policies.length) {
    const key = counterKey(toward, failure_class, result)
    if (countOf(counters, counterOwner(run), toward.counter_name, key) >= toward.threshold)
      return exhaustedDecision(graph, run, counters, result, toward, failure_class, chain + 1)
    counted.push({ counter_name: toward.counter_name, key })
  }
  const reason =
    policy.exhausted_failure_class ??
    `${run.stage_kind_id}_blocked${policy.exhausted_reason ? `:${policy.exhausted_reason}` : ''}`
  if (policy.exhausted_terminal_state_id !== undefined)
    return endDecision(
      graph,
      run,
      policy.exhausted_terminal_state_id,
      policy.policy_id,
      { failure: failure_class, reason, stated: policy.exhausted_failure_class },
      counted,
    )
  return {
    action: 'run_stage',
    next_node_id: policy.exhausted_target_node_id ?? null,
    terminal_state_id: null,
    edge_id: policy.policy_id,
    reason,
    failure_class,
    counted,
  }
}

/** A decision that ends the run in a terminal state of the plan. `stated` is a failure class a policy insists on. */
function endDecision(
  graph: PlanGraph,
  run: ActiveRun,
  terminalId: string,
  edgeId: string,
  why: { failure: string; reason?: string; stated?: string | undefined },
  counted: Decision['counted'],
): Decision {
  const terminal = graph.terminal_states.find((state) => state.terminal_state_id === terminalId)
  if (!terminal)
    throw new MillraceError('routing_failed', `terminal state ${terminalId} is not part of ${graph.loop_id}`)
  const handoff = terminal.effects.find((effect) => effect.effect === 'create_incident')
  const action = handoff ? 'handoff' : terminal.terminal_class === 'blocked' ? 'blocked' : 'idle'
  return {
    action,
    next_node_id: null,
    terminal_state_id: terminalId,
    edge_id: edgeId,
    reason: why.reason ?? terminal.reason ?? (action === 'blocked' ? `${run.stage_kind_id}_blocked` : terminalId),
    failure_class: action === 'idle' ? null : handoff ? (why.stated ?? handoff.failure_class) : why.failure,
    counted,
  }
}
