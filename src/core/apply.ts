/**
 * Apply: the changes a decision asks for, as one transaction: where the run goes, what becomes of the item, what is
 * enqueued, which budgets are used, and the record of it all. Pure; terminal effects come from the plan.
 */
import { blockOf, causeOf } from './block.ts'
import { Draft } from './changes.ts'
import { closurePaths } from './completion.ts'
import { setFields, type WorkDocument } from './document.ts'
import { absurd, MillraceError } from './errors.ts'
import { createIncident } from './incident.ts'
import type { ItemEntry, KeptState } from './item.ts'
import { jsonText } from './json.ts'
import { leaveActive } from './leave-active.ts'
import { handoffsBefore, inheritedFields } from './lineage.ts'
import type { Effect, TerminalState } from './loop.ts'
import { completionGraph, graphOf, nodeOf, type Plan } from './plan.ts'
import type { StageRequest } from './request.ts'
import type { StageResult } from './result.ts'
import type { Decision } from './route.ts'
import { type ActiveRun, type ClosureTarget, counterOwner, countUp } from './state.ts'
import { recordTransition, tellTransition, transitionId } from './transition.ts'
import type { View } from './view.ts'

export interface Settlement {
  view: View
  plan: Plan
  run: ActiveRun
  request: StageRequest
  result: StageResult
  decision: Decision
  /** The item as it lies in its active state now; null for closure runs. */
  item: { entry: ItemEntry; text: string; hash: string } | null
  /** Documents handed in that count for this outcome, with their text. */
  handIns: { document: WorkDocument; text: string }[]
  /** What a closure stage left: whether the verdict is there, and the report's text. */
  closure: { verdictWritten: boolean; reportText: string | null } | null
  /** Random hex digits for new ids. */
  hex: (digits: number) => string
}

export function settle(settlement: Settlement): Draft {
  const { view, run, result, decision } = settlement
  const draft = new Draft(view)
  const { now } = view
  draft.add({
    change: 'artifact.put',
    run_id: run.run_id,
    file: `stage_results/${settlement.request.request_id}.json`,
    text: jsonText(result),
  })
  for (const used of decision.counted)
    draft.counters = countUp(draft.counters, counterOwner(run), used.counter_name, used.key, now)
  draft.snapshot.last_results_by_plane = {
    ...draft.snapshot.last_results_by_plane,
    [run.plane]: {
      terminal_result: result.terminal_result,
      result_class: result.result_class,
      run_id: run.run_id,
      stage_result_path: resultPath(settlement),
      failure_class: decision.failure_class,
    },
  }
  const mutations = publishHandIns(draft, settlement)
  if (decision.next_node_id !== null) goOn(draft, settlement, decision.next_node_id)
  else mutations.push(...end(draft, settlement))
  recordTransition(draft, settlement, mutations)
  tellTransition(draft, settlement)
  return draft
}

const resultPath = ({ run, request }: Settlement): string =>
  `millrace-agents/runs/${run.run_id}/stage_results/${request.request_id}.json`

function goOn(draft: Draft, { view, plan, run, request, result, decision }: Settlement, nodeId: string): void {
  const node = nodeOf(plan, run.plane, nodeId)
  if (!node)
    throw new MillraceError('routing_failed', `node ${nodeId} is not part of the plan ${plan.compiled_plan_id}`)
  const { approval: _, ...rest } = run
  draft.putRun({
    ...rest,
    node_id: node.node_id,
    stage_kind_id: node.stage_kind_id,
    status: 'ready',
    request_id: null,
    stage_since: view.now,
    stage_runs: run.stage_runs + 1,
    failure_class: decision.failure_class,
    runtime_error: node.recovery_role ? run.runtime_error : null,
    edge_uses: { ...run.edge_uses, [decision.edge_id]: (run.edge_uses[decision.edge_id] ?? 0) + 1 },
    previous_attempt: null,
    interruptions: 0,
    environment_failures: 0,
    not_before: null,
    last_transition: transitionId(request),
  })
  draft.mark(run.plane, result.terminal_result)
}

/** Ends the run in its terminal state: effects in order. Gives what was done to queues, for the record. */
function end(draft: Draft, settlement: Settlement): string[] {
  const { plan, run, decision } = settlement
  const terminal = terminalOf(plan, run.plane, decision.terminal_state_id)
  if (!terminal)
    throw new MillraceError(
      'routing_failed',
      `terminal state ${decision.terminal_state_id} is not part of the plan ${plan.compiled_plan_id}`,
    )
  draft.endRun(run, counterOwner(run), decision.action === 'idle' ? null : terminal.writes_status)
  const { [run.plane]: _, ...others } = draft.snapshot.failure_class_by_plane
  draft.snapshot.failure_class_by_plane =
    decision.failure_class === null ? others : { ...others, [run.plane]: decision.failure_class }
  const target = settlement.view.targets.find((candidate) => candidate.root_spec_id === run.closure_target_root_spec_id)
  const round = target && settlement.closure ? judged(draft, settlement, target, settlement.closure) : null
  return effectsOf(terminal, settlement).flatMap((effect) => carryOut(draft, settlement, effect, round))
}

const ITEM_EFFECTS: readonly Effect['effect'][] = ['complete_item', 'block_item', 'park_item', 'quarantine_item']
const TARGET_EFFECTS: readonly Effect['effect'][] = ['close_target', 'hold_target', 'create_incident']

/**
 * The effects of a terminal state, made whole. Of several that move the item the last counts. One that leaves the item
 * active without a run, or a closure target open to be judged again at once, gets the effect it lacks.
 */
function effectsOf(terminal: TerminalState, { plan, run, item }: Settlement): Effect[] {
  const last = terminal.effects.findLast(({ effect }) => ITEM_EFFECTS.includes(effect))
  const effects = terminal.effects.filter((effect) => effect === last || !ITEM_EFFECTS.includes(effect.effect))
  const isGood = terminal.terminal_class === 'success' || terminal.terminal_class === 'no_op'
  if (item && !last) effects.push({ effect: isGood ? 'complete_item' : 'block_item' })
  if (run.closure_target_root_spec_id !== null && !effects.some(({ effect }) => TARGET_EFFECTS.includes(effect))) {
    const passed = completionGraph(plan)?.completion_behavior.on_pass_terminal_state_id === terminal.terminal_state_id
    effects.push({ effect: passed ? 'close_target' : 'hold_target' })
  }
  return effects
}

/** The target after one more judgement, with its report copied where it is kept. */
function judged(
  draft: Draft,
  { view, run }: Settlement,
  target: ClosureTarget,
  { verdictWritten, reportText: report }: NonNullable<Settlement['closure']>,
): ClosureTarget {
  if (report !== null) draft.add({ change: 'document.put', path: `arbiter/reports/${run.run_id}.md`, text: report })
  return {
    ...target,
    latest_verdict_path: verdictWritten ? closurePaths(target.root_spec_id, target.root_idea_id).verdict : null,
    latest_report_path: report === null ? null : `millrace-agents/arbiter/reports/${run.run_id}.md`,
    last_arbiter_run_id: run.run_id,
    blocking_work_ids: [],
    rounds: target.rounds + 1,
    held: target.held && view.snapshot.finished_items > target.held.finished_items ? null : target.held,
  }
}

function carryOut(draft: Draft, settlement: Settlement, effect: Effect, target: ClosureTarget | null): string[] {
  switch (effect.effect) {
    case 'complete_item':
      return moveItem(draft, settlement, 'done')
    case 'block_item':
    case 'park_item':
      return moveItem(draft, settlement, 'blocked')
    case 'quarantine_item':
      return moveItem(draft, settlement, 'quarantined')
    case 'close_target': {
      if (!target) return []
      draft.add({
        change: 'closure.put',
        target: { ...target, closure_open: false, closed_at: settlement.view.now, held: null },
      })
      draft.event('closure_target_closed', {
        root_spec_id: target.root_spec_id,
        run_id: settlement.run.run_id,
        rounds: target.rounds,
      })
      return [`close ${target.root_spec_id}`]
    }
    case 'hold_target':
      return target ? hold(draft, settlement, target, settlement.decision.reason) : []
    case 'create_incident':
      if (target) return reportGap(draft, settlement, effect, target)
      if (isHandedOnEnough(draft, settlement)) return []
      return createIncident(draft, settlement, effect, adoptedBy(effect, settlement))
    default:
      return absurd(effect)
  }
}

/** Trouble that was handed on as often as it may be stays with its item, for a person to see to. */
function isHandedOnEnough(draft: Draft, { view, plan, run, item }: Settlement): boolean {
  if (!item) return false
  const { kind, id } = item.entry
  const handoffs = handoffsBefore(view, item.entry)
  const { handoffs_max: most } = plan.recovery_limits
  if (handoffs < most) return false
  draft.event('handoffs_exhausted', { run_id: run.run_id, work_item_kind: kind, work_item_id: id, handoffs, most })
  return true
}

function moveItem(draft: Draft, settlement: Settlement, wanted: KeptState): string[] {
  const { view, plan, run, item, decision } = settlement
  if (!item) return []
  const { kind, id } = item.entry
  const to = leaveActive(draft, view, { kind, id, hash: item.hash }, wanted)
  const told = { run_id: run.run_id, work_item_kind: kind, work_item_id: id }
  if (to !== wanted)
    draft.event('runtime_completion_conflict', { ...told, plane: run.plane, taken: wanted, moved_to: to ?? null })
  if (to === undefined) return []
  if (to === 'blocked') {
    const cause = causeOf(settlement.result, decision, resultPath(settlement))
    const isOdd = to !== wanted && { blocked_origin: 'runtime_exception' as const, auto_requeue_candidate: false }
    draft.add({ change: 'block.put', block: blockOf(item.entry, view.now, { ...cause, ...isOdd }) })
  }
  if (to === 'done') {
    if (completionGraph(plan)?.plane !== run.plane) draft.snapshot.finished_items += 1
    draft.event('work_item_finished', told)
  } else draft.event('work_item_blocked', { ...told, reason: decision.reason, failure_class: decision.failure_class })
  return [`${kind} ${id} ${to}`]
}

function hold(
  draft: Draft,
  { view, plan, run }: Settlement,
  target: ClosureTarget,
  reason: string,
  mayRetry = true,
): string[] {
  const waits = completionGraph(plan)?.completion_behavior.hold_backoff_seconds ?? []
  const attempts = (target.held?.attempts ?? 0) + 1
  const wait = mayRetry ? waits[attempts - 1] : undefined
  const retry_at = wait === undefined ? null : new Date(Date.parse(view.now) + wait * 1000).toISOString()
  draft.add({
    change: 'closure.put',
    target: {
      ...target,
      held: { reason, since: view.now, attempts, retry_at, finished_items: draft.snapshot.finished_items },
    },
  })
  draft.event('closure_target_held', { root_spec_id: target.root_spec_id, run_id: run.run_id, reason, retry_at })
  return [`hold ${target.root_spec_id}`]
}

/** A gap opens an incident, unless nothing was done since the last one or the rounds are used up (spec 02 §6.4, W-04). */
function reportGap(
  draft: Draft,
  settlement: Settlement,
  effect: Effect & { effect: 'create_incident' },
  target: ClosureTarget,
): string[] {
  const behavior = completionGraph(settlement.plan)?.completion_behavior
  const progress = draft.snapshot.finished_items
  const stalled = behavior?.requires_execution_between_rounds && target.finished_items_at_last_round === progress
  if (!behavior || stalled || target.rounds >= behavior.rounds_max) {
    const reason = stalled ? 'closure_repeated_remediation_without_execution' : 'closure_rounds_exhausted'
    draft.snapshot.failure_class_by_plane = { ...draft.snapshot.failure_class_by_plane, [settlement.run.plane]: reason }
    const node = nodeOf(settlement.plan, settlement.run.plane, settlement.run.node_id)
    if (node) draft.mark(node.plane, node.failure_outcome)
    return hold(draft, settlement, target, reason, false)
  }
  draft.add({ change: 'closure.put', target: { ...target, finished_items_at_last_round: progress, held: null } })
  return behavior.create_incident_on_gap ? createIncident(draft, settlement, effect, adoptedBy(effect, settlement)) : []
}

/** The document handed in that becomes the body of the incident an effect creates. */
function adoptedBy(effect: Effect & { effect: 'create_incident' }, { handIns }: Settlement): WorkDocument | null {
  return handIns.find(({ document }) => document.kind === effect.entry_kind)?.document ?? null
}

/** Enqueues what the stage handed in, with the lineage it inherits. One that an incident adopts is not repeated. */
function publishHandIns(draft: Draft, settlement: Settlement): string[] {
  const { run, result, item, handIns, decision, plan } = settlement
  const terminal = terminalOf(plan, run.plane, decision.terminal_state_id)
  const adopted = (terminal?.effects ?? []).flatMap((effect) =>
    effect.effect === 'create_incident' ? [adoptedBy(effect, settlement)] : [],
  )
  return handIns
    .filter(({ document }) => !adopted.includes(document))
    .map(({ document, text }) => {
      const inherited = item ? inheritedFields(document, item.entry) : {}
      const published = Object.keys(inherited).length > 0 ? setFields(text, document.kind, inherited) : text
      draft.add({ change: 'item.add', kind: document.kind, id: document.id, state: 'queued', text: published })
      draft.event('work_item_handed_in', {
        run_id: run.run_id,
        stage: run.stage_kind_id,
        terminal_result: result.terminal_result,
        work_item_kind: document.kind,
        work_item_id: document.id,
      })
      return `${document.kind} ${document.id} queued`
    })
}

function terminalOf(plan: Plan, plane: string, id: string | null): TerminalState | undefined {
  return graphOf(plan, plane)?.terminal_states.find((state) => state.terminal_state_id === id)
}
