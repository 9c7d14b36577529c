/**
 * Route: from a stage result to where the run goes. Pure: plan, state and result in, a decision out, the same for the
 * same input. Edges, budgets and resume targets all come from the plan (spec 02 §5.3, W-02, W-03, W-39, W-49).
 */
import { MillraceError } from './errors.ts'
import type { ResumePolicy, ThresholdPolicy } from './loop.ts'
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
    const targets = targetsOf(graph, resume)
    const wished = resume.metadata_stage_keys
      .map((key) => result.metadata[key])
      .flatMap((value) => (typeof value === 'string' ? [value.trim().toLowerCase()] : []))
    return {
      action: 'run_stage',
      next_node_id: wished.find((id) => targets.includes(id)) ?? resume.default_target_node_id,
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

/** Nodes the stage at a node may choose to go on with, by a `resume_stage` in its result. */
export function resumeTargets(graph: PlanGraph, nodeId: string): string[] {
  const policies = graph.resume_policies.filter((policy) => policy.source_node_id === nodeId)
  return [...new Set(policies.flatMap((policy) => targetsOf(graph, policy)))]
}

/** Never the node itself: a stage that could choose its own next turn would use up no budget and need not end. */
function targetsOf(graph: PlanGraph, policy: ResumePolicy): string[] {
  const barred = [policy.source_node_id, ...policy.disallowed_target_node_ids]
  return graph.nodes.map((node) => node.node_id).filter((id) => !barred.includes(id))
}

/** Refuses a result that is not for this run, where it stands now. */
function guard(run: ActiveRun, result: StageResult): void {
  const need = (what: string, found: unknown, expected: unknown) => {
    if (found === expected) return
    throw new MillraceError('routing_failed', `a result for ${what} ${found} cannot be applied: ${expected} is active`)
  }
  need('run', result.run_id, run.run_id)
  need('plane', result.plane, run.plane)
  need('node', result.node_id, run.node_id)
  need('stage', result.stage_kind_id, run.stage_kind_id)
  if (run.work_item_id !== null)
    need('item', `${result.work_item_kind} ${result.work_item_id}`, `${run.work_item_kind} ${run.work_item_id}`)
  if (run.closure_target_root_spec_id !== null)
    need('closure target', result.metadata.closure_target_root_spec_id ?? 'none', run.closure_target_root_spec_id)
}

function isFailure(result: StageResult): boolean {
  return result.result_class === 'blocked' || result.result_class === 'recoverable_failure'
}

/** One normalised spelling, so that writing and looking up a budget can't differ (W-49). */
export function normaliseClass(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '')
}

/** What the result says, else what the run came with, else the stage itself; the first that names anything. */
function failureClass(run: ActiveRun, result: StageResult): string {
  const stated = result.metadata.failure_class
  const candidates = [typeof stated === 'string' ? stated : '', run.failure_class ?? '', `${run.stage_kind_id}_blocked`]
  return candidates.map(normaliseClass).find((name) => name !== '')!
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

/**
 * The step a spent budget leads to. It may use up another policy's budget in turn (fix rounds count as repairs); if
 * that one is spent as well, its step is taken instead.
 */
function exhaustedDecision(
  graph: PlanGraph,
  run: ActiveRun,
  counters: Counters,
  result: StageResult,
  spent: ThresholdPolicy,
  failure: string,
): Decision {
  let policy = spent
  let failure_class = spent.exhausted_failure_class ?? failure
  const counted: Decision['counted'] = []
  for (let links = 0; links < graph.threshold_policies.length; links++) {
    const toward = graph.threshold_policies.find((other) => other.policy_id === policy.exhausted_counts_toward)
    if (!toward) break
    const key = counterKey(toward, failure_class, result)
    if (countOf(counters, counterOwner(run), toward.counter_name, key) < toward.threshold) {
      counted.push({ counter_name: toward.counter_name, key })
      break
    }
    policy = toward
    failure_class = toward.exhausted_failure_class ?? failure_class
  }
  const cause = policy === spent ? `${run.stage_kind_id}_blocked` : failure_class
  const suffix = policy.exhausted_reason ? `:${policy.exhausted_reason}` : ''
  const reason = policy.exhausted_failure_class ?? `${cause}${suffix}`
  if (policy.exhausted_terminal_state_id !== undefined) {
    const why = { failure: failure_class, reason, stated: policy.exhausted_failure_class }
    return endDecision(graph, run, policy.exhausted_terminal_state_id, policy.policy_id, why, counted)
  }
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
export function endDecision(
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
