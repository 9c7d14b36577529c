/**
 * Apply: the changes a decision asks for, as one transaction: where the run goes, what becomes of the item, what is
 * enqueued, which budgets are used, and the record of it all. Pure; terminal effects come from the plan.
 */
import { Draft } from './changes.ts'
import { closurePaths } from './completion.ts'
import { renderDocument, setFields, type WorkDocument } from './document.ts'
import { absurd, MillraceError } from './errors.ts'
import { canonicalJson, sha256 } from './ids.ts'
import type { ItemEntry, ItemKind, ItemState } from './item.ts'
import { inheritedFields } from './lineage.ts'
import type { Effect } from './loop.ts'
import { completionGraph, graphOf, nodeOf, type Plan } from './plan.ts'
import type { StageRequest } from './request.ts'
import type { StageResult } from './result.ts'
import type { Decision } from './route.ts'
import { type ActiveRun, type ClosureTarget, counterOwner, countUp } from './state.ts'
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
    text: `${JSON.stringify(result, null, 2)}\n`,
  })
  for (const used of decision.counted)
    draft.counters = countUp(draft.counters, counterOwner(run), used.counter_name, used.key, now)
  draft.snapshot.last_results_by_plane = {
    ...draft.snapshot.last_results_by_plane,
    [run.plane]: {
      terminal_result: result.terminal_result,
      result_class: result.result_class,
      run_id: run.run_id,
      stage_result_path: `millrace-agents/runs/${run.run_id}/stage_results/${settlement.request.request_id}.json`,
      failure_class: decision.failure_class,
    },
  }
  const mutations = publishHandIns(draft, settlement)
  if (decision.next_node_id !== null) goOn(draft, settlement, decision.next_node_id)
  else mutations.push(...end(draft, settlement))
  recordTransition(draft, settlement, mutations)
  tell(draft, settlement)
  return draft
}

const transitionId = (request: StageRequest): string => `transition-${sha256(request.request_id).slice(0, 12)}`

function goOn(draft: Draft, { view, plan, run, request, result, decision }: Settlement, nodeId: string): void {
  const node = nodeOf(plan, run.plane, nodeId)
  if (!node)
    throw new MillraceError('routing_failed', `node ${nodeId} is not part of the plan ${plan.compiled_plan_id}`)
  draft.putRun({
    ...run,
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
  const terminal = graphOf(plan, run.plane)?.terminal_states.find(
    (state) => state.terminal_state_id === decision.terminal_state_id,
  )
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
  const round = target && settlement.closure ? judged(draft, settlement, target) : null
  return terminal.effects.flatMap((effect) => carryOut(draft, settlement, effect, round))
}

/** The target after one more judgement, with its report copied where it is kept. */
function judged(draft: Draft, { view, run, closure }: Settlement, target: ClosureTarget): ClosureTarget {
  const report = closure?.reportText ?? null
  if (report !== null) draft.add({ change: 'document.put', path: `arbiter/reports/${run.run_id}.md`, text: report })
  return {
    ...target,
    latest_verdict_path: closure?.verdictWritten
      ? closurePaths(target.root_spec_id, target.root_idea_id).verdict
      : null,
    latest_report_path: report === null ? null : `millrace-agents/arbiter/reports/${run.run_id}.md`,
    last_arbiter_run_id: run.run_id,
    blocking_work_ids: [],
    rounds: target.rounds + 1,
    held: view.snapshot.finished_items > (target.held?.finished_items ?? -1) ? null : target.held,
  }
}

function carryOut(draft: Draft, settlement: Settlement, effect: Effect, target: ClosureTarget | null): string[] {
  switch (effect.effect) {
    case 'complete_item':
      return moveItem(draft, settlement, 'done')
    case 'block_item':
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
      return target ? reportGap(draft, settlement, effect, target) : createIncident(draft, settlement, effect)
    default:
      return absurd(effect)
  }
}

/** Moves the item out of its active state; a finished place that already holds the same bytes is success (W-01). */
function moveItem(draft: Draft, { view, plan, run, item, decision }: Settlement, to: ItemState): string[] {
  if (!item) return []
  const { entry, hash } = item
  const there = view.items.find(entry.kind, entry.id).some((place) => place.state === to)
  if (there) draft.add({ change: 'item.drop_copy', kind: entry.kind, id: entry.id, state: 'active', hash })
  else draft.add({ change: 'item.move', kind: entry.kind, id: entry.id, from: 'active', to, hash })
  const told = { run_id: run.run_id, work_item_kind: entry.kind, work_item_id: entry.id }
  if (to === 'done') {
    if (completionGraph(plan)?.plane !== run.plane) draft.snapshot.finished_items += 1
    draft.event('work_item_finished', told)
  } else draft.event('work_item_blocked', { ...told, reason: decision.reason, failure_class: decision.failure_class })
  return [`${entry.kind} ${entry.id} ${to}`]
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
    draft.mark(settlement.run.plane, settlement.result.terminal_result)
    return hold(draft, settlement, target, reason, false)
  }
  draft.add({ change: 'closure.put', target: { ...target, finished_items_at_last_round: progress, held: null } })
  return behavior.create_incident_on_gap ? createIncident(draft, settlement, effect) : []
}

/** The runtime owns handoff incidents; one the stage handed in becomes the body, never a second document (design §12). */
function createIncident(
  draft: Draft,
  settlement: Settlement,
  effect: Effect & { effect: 'create_incident' },
): string[] {
  const { view, run, request, result, decision, item, hex } = settlement
  const subject = run.work_item_id ?? run.closure_target_root_spec_id ?? run.run_id
  const id = `${effect.id_prefix}-${subject.slice(0, 120)}-${hex(8)}`
  const adopted = settlement.handIns.find((handIn) => handIn.document.kind === effect.entry_kind)?.document
  const root = run.closure_target_root_spec_id
  const evidence = [
    ...result.artifact_paths,
    ...(root ? [request.preferred_rubric_path, request.preferred_verdict_path, request.preferred_report_path] : []),
  ]
  const fields: Record<string, unknown> = {
    ...(adopted?.fields ?? {}),
    incident_id: id,
    title: adopted?.title ?? `${subject}: ${decision.reason.replaceAll('_', ' ')}`,
    summary:
      adopted?.fields.summary ??
      result.notes[0] ??
      `${request.stage_kind_id} ended with ${result.terminal_result} on ${subject}.`,
    root_spec_id: root ?? item?.entry.effectiveRoot ?? undefined,
    root_idea_id: request.closure_target_root_idea_id ?? item?.entry.rootIdeaId ?? undefined,
    source_task_id: item?.entry.kind === 'task' ? item.entry.id : undefined,
    source_spec_id: item?.entry.kind === 'spec' ? item.entry.id : (root ?? undefined),
    source_stage: run.stage_kind_id,
    source_plane: run.plane,
    failure_class: decision.failure_class ?? effect.failure_class,
    severity: adopted?.fields.severity ?? effect.severity,
    needs_planning: true,
    trigger_reason: decision.reason,
    consultant_decision: 'needs_planning',
    opened_at: view.now,
    opened_by: 'runtime',
    observed_symptoms: unique([...list(adopted?.fields.observed_symptoms), ...result.notes.map(oneLine)]),
    evidence_paths: unique([
      ...list(adopted?.fields.evidence_paths),
      ...evidence.filter((path): path is string => path !== null),
    ]),
    related_run_ids: [run.run_id],
    related_stage_results: [`millrace-agents/runs/${run.run_id}/stage_results/${request.request_id}.json`],
  }
  const text = renderDocument({
    kind: 'incident',
    id,
    title: String(fields.title),
    createdAt: view.now,
    fields: withoutAbsent(fields),
    body: adopted?.body ?? '',
  })
  draft.add({ change: 'item.add', kind: effect.entry_kind as ItemKind, id, state: 'queued', text })
  draft.event('runtime_handoff_incident_enqueued', {
    incident_id: id,
    source_work_item_kind: run.work_item_kind ?? 'spec',
    source_work_item_id: subject,
    destination: `millrace-agents/incidents/incoming/${id}.md`,
    root_idea_id: fields.root_idea_id ?? null,
    root_spec_id: fields.root_spec_id ?? null,
    source_task_id: fields.source_task_id ?? null,
    source_spec_id: fields.source_spec_id ?? null,
  })
  return [`${effect.entry_kind} ${id} queued`]
}

const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])
const unique = (values: string[]): string[] => [...new Set(values)].filter((value) => value !== '')
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()

function withoutAbsent(fields: Record<string, unknown>): WorkDocument['fields'] {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  ) as WorkDocument['fields']
}

/** Enqueues what the stage handed in, with the lineage it inherits. Incidents the runtime adopts are not repeated. */
function publishHandIns(draft: Draft, settlement: Settlement): string[] {
  const { run, result, item, handIns, decision, plan } = settlement
  const terminal = graphOf(plan, run.plane)?.terminal_states.find(
    (state) => state.terminal_state_id === decision.terminal_state_id,
  )
  const adoptedKinds =
    terminal?.effects.flatMap((effect) => (effect.effect === 'create_incident' ? [effect.entry_kind] : [])) ?? []
  return handIns
    .filter(({ document }) => !adoptedKinds.includes(document.kind))
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

/** One record per applied transition: the source of trace, provenance and why (rulings.md, *history of a run*). */
function recordTransition(draft: Draft, settlement: Settlement, mutations: string[]): void {
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
        content_hash: sha256(canonicalJson(plan.graphs_by_plane)).slice(0, 12),
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

function tell(draft: Draft, { run, request, result, decision }: Settlement): void {
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
