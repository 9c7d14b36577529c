/**
 * Settle: what a finished stage means, decided on a fresh view and committed as one transaction. A person's edit in
 * between makes the decision be taken again; an exception holds that run only.
 */
import { settle } from '../core/apply.ts'
import { type Approval, answerTo, deniedSentence } from '../core/approval.ts'
import type { Change } from '../core/changes.ts'
import { chanceOf } from '../core/clock.ts'
import { closurePaths } from '../core/completion.ts'
import { faultsText, parseDocument } from '../core/document.ts'
import { MillraceError } from '../core/errors.ts'
import type { ItemKind, ItemState } from '../core/item.ts'
import { isEnvironmentFailure, normalise } from '../core/normalise.ts'
import { graphOf, nodeOf, type Plan, type PlanGraph, type PlanNode } from '../core/plan.ts'
import type { StageRequest } from '../core/request.ts'
import type { RawResult, StageResult } from '../core/result.ts'
import { type Decision, route } from '../core/route.ts'
import type { ActiveRun } from '../core/state.ts'
import type { View } from '../core/view.ts'
import { placesOf } from '../store/layout.ts'
import { APPROVAL_DENIED, awaiting, deniedDecision, edgeQuestion, resultAwaiting } from './approvals.ts'
import type { Finished } from './dispatch.ts'
import { cancelled, deferred, isItemPresent, overBudget, startedAfresh, suspended, withdrawn } from './ending.ts'
import { type Engine, sentenceOf } from './engine.ts'
import { evidenceOf, type Gathered, gather } from './evidence.ts'
import { holdRun } from './hold.ts'
import type { Judgement } from './judge.ts'
import { ledgerChanges } from './ledger.ts'
import { isRefusal } from './refusal.ts'

export interface Settled {
  reason: string
  result_class: string
  failure_class: string | null
  /** What went wrong, in a sentence; null if nothing did. */
  message: string | null
}

/** A decision is taken again at most this often when people edit in between. */
const ATTEMPTS_MAX = 5

/** Settles everything that finished, in the order it did. */
export async function settleFinished(engine: Engine): Promise<Settled[]> {
  const settled: Settled[] = []
  for (let finished = engine.finished[0]; finished !== undefined; finished = engine.finished[0]) {
    if (engine.workspace.degraded) return settled
    const result = await settleOne(engine, finished)
    engine.finished.shift()
    engine.governance.settled(finished.request.request_id)
    if (result) settled.push(result)
  }
  return settled
}

async function settleOne(engine: Engine, finished: Finished): Promise<Settled | null> {
  for (let attempt = 1; ; attempt++) {
    const view = engine.workspace.view()
    const run = view.snapshot.active_runs.find(
      (active) => active.request_id === finished.request.request_id && active.status === 'started',
    )
    // Ended otherwise meanwhile (withdrawn, requeued): the result has nowhere to go, and stays in the run folder.
    if (!run) {
      await engine.commit(usageOf(engine, view, finished))
      return null
    }
    try {
      const { changes, settled } = decide(engine, view, run, finished)
      await engine.commit([...usageOf(engine, view, finished, changes), ...changes])
      return settled
    } catch (error) {
      if (MillraceError.is(error) && (error.code === 'lock_lost' || error.code === 'degraded')) throw error
      const again = MillraceError.is(error) && error.code === 'conflict' && attempt < ATTEMPTS_MAX
      if (again) continue
      if (isRefusal(error)) throw error
      await holdRun(engine, run, sentenceOf(error), usageOf(engine, view, finished))
      return null
    }
  }
}

/** What the stage run leaves in the ledger, whatever becomes of its result: part of the transaction that settles it. */
function usageOf(
  engine: Engine,
  view: View,
  { request, raw, counted }: Finished,
  changes: readonly Change[] = [],
): Change[] {
  const file = `stage_results/${request.request_id}.json`
  const hasResult = changes.some((change) => change.change === 'artifact.put' && change.file === file)
  if (counted) return []
  return ledgerChanges(engine, view, request, {
    usage: raw.token_usage,
    ending: raw.ending,
    endedAt: raw.ended_at,
    hasResult,
  })
}

function decide(
  engine: Engine,
  view: View,
  run: ActiveRun,
  finished: Finished,
): { changes: Change[]; settled: Settled | null } {
  if (run.cancel_requested) return { changes: cancelled(view, run, run.cancel_requested), settled: null }
  const { request, raw } = finished
  const gathered = gather(engine.ports.files, request)
  if (finished.stop === 'withdraw' || !isItemPresent(engine, run))
    return { changes: withdrawn(view, run), settled: null }
  // An agent that had ended by itself before the stop reached it has a result like any other. A stop that an earlier
  // runtime asked for, and did not live to settle, is known by its ending.
  if (raw.ending === 'cancelled' || (raw.ending === 'killed' && finished.stop === 'stop'))
    return { changes: suspended(view, run, request.request_id, finished.workingTree?.ref), settled: null }
  const plan = view.planOf(run.compiled_plan_id)
  const graph = plan ? graphOf(plan, run.plane) : undefined
  const node = plan ? nodeOf(plan, run.plane, run.node_id) : undefined
  if (!plan || !graph || !node)
    throw new MillraceError(
      'routing_failed',
      `the plan ${run.compiled_plan_id} of run ${run.run_id} is gone from state/plans`,
    )
  const { judgement } = finished
  if (judgement.judgement === 'ask') {
    const isBefore = judgement.when === 'before'
    const { approval } = answerTo(view, run, judgement.question, isBefore ? null : request.request_id)
    const changes = isBefore ? awaiting(view, run, approval, null) : resultAwaiting(view, run, approval, finished)
    return { changes, settled: null }
  }
  const item = activeItem(view, run)
  const allowed = node.hand_ins.map((handIn) => handIn.kind)
  const evidence = evidenceOf(engine.ports.files, view, request, gathered, item, allowed)
  let result: StageResult = { ...normalise(request, node, raw, evidence), working_tree: finished.workingTree }
  if (raw.ending === 'session_gone')
    return { changes: startedAfresh(view, run, request.request_id, result), settled: null }
  if (raw.ending === 'over_budget')
    return {
      changes: overBudget(view, run, request.request_id, result, engine.governance.objection(run)),
      settled: unrouted(result),
    }
  if (judgement.judgement === 'fail') result = overruled(result, node, judgement)
  if (judgement.judgement === 'denied') result = deniedResult(result, node, judgement.approval)
  if (judgement.judgement === 'pass' && isEnvironmentFailure(result))
    return {
      changes: deferred(view, plan, run, request.request_id, result, {
        resetsAt: raw.resets_at,
        chance: chanceOf(engine.clock),
      }),
      settled: unrouted(result),
    }

  const parts = { graph, node, run }
  const passed =
    judgement.judgement === 'denied'
      ? { result, decision: decisionOn(graph, run, view, result, judgement.approval) }
      : throughEdge(view, parts, result, request.request_id)
  if (passed.decision === null) return { changes: resultAwaiting(view, run, passed.approval, finished), settled: null }
  return routed(
    engine,
    view,
    { plan, ...parts, request, result: passed.result, item, handIns: gathered.handIns },
    passed.decision,
    raw.swept,
  )
}

/** Where the loop leads a result. Without a decision: the edge it takes asks a person, who has not answered yet. */
export function throughEdge(
  view: View,
  { graph, node, run }: Pick<Routing, 'graph' | 'node' | 'run'>,
  result: StageResult,
  requestId: string,
): { decision: Decision; result: StageResult } | { decision: null; approval: Approval } {
  const decision = decisionOn(graph, run, view, result, null)
  const question = edgeQuestion(graph, result, decision, requestId)
  if (question === null) return { decision, result }
  const { answer, approval } = answerTo(view, run, question, requestId)
  if (answer === 'open') return { decision: null, approval }
  if (answer === 'approved') return { decision, result }
  const denied = deniedResult(result, node, approval)
  return { decision: decisionOn(graph, run, view, denied, approval), result: denied }
}

/** A result that a loop decides about, and what belongs to it. */
export interface Routing {
  plan: Plan
  graph: PlanGraph
  node: PlanNode
  run: ActiveRun
  request: StageRequest
  result: StageResult
  item: ReturnType<typeof activeItem>
  handIns: Gathered['handIns']
}

/** What comes of a decision on a result. `swept`: processes that were ended after the stage. */
export function routed(
  engine: Engine,
  view: View,
  { plan, graph, node, run, request, item, handIns, ...given }: Routing,
  wanted: Decision,
  swept: RawResult['swept'] = [],
): { changes: Change[]; settled: Settled } {
  let { result } = given
  let decision = wanted
  if (decision.next_node_id !== null && run.stage_runs + 1 >= plan.recovery_limits.stages_per_run_max)
    decision = spent(graph, run, result)
  let standing = run
  const conflict = completionConflict(view, graph, item, decision)
  const extra: Change[] = []
  if (conflict) {
    const code = `${run.plane}_work_item_completion_conflict`
    const report = errorReport(view, run, result, decision, code, conflict)
    extra.push(
      { change: 'artifact.put', run_id: run.run_id, file: 'runtime_error_report.md', text: report },
      {
        change: 'event.append',
        event_type: 'runtime_completion_conflict',
        data: { run_id: run.run_id, plane: run.plane, error_code: code, message: conflict },
      },
    )
    result = countedAs(result, node, null, [conflict], code)
    standing = { ...run, runtime_error: { code, report_path: `${request.run_dir}/runtime_error_report.md` } }
    decision = route(graph, standing, view.counters, result)
  }
  const accepted = result.metadata.valid_terminal_result === true
  const kinds = node.hand_ins
    .filter((handIn) => accepted && handIn.outcomes.includes(result.terminal_result))
    .map((handIn) => handIn.kind)
  const draft = settle({
    view,
    plan,
    run: standing,
    request,
    result,
    decision,
    item: item ? { entry: item.entry, text: item.text, hash: item.hash } : null,
    handIns: handIns.flatMap((handIn) =>
      handIn.document && kinds.includes(handIn.kind as ItemKind)
        ? [{ document: handIn.document, text: handIn.text }]
        : [],
    ),
    closure: run.closure_target_root_spec_id === null ? null : closureEvidence(engine, view, run, result),
    hex: (digits) => engine.clock.hex(digits),
  })
  draft.add(...extra)
  if (swept.length > 0)
    draft.event('stage_processes_swept', { run_id: run.run_id, request_id: request.request_id, processes: swept })
  return {
    changes: draft.finish(),
    settled: {
      reason: decision.reason,
      result_class: result.result_class,
      failure_class: (result.metadata.failure_class as string | null) ?? null,
      message: result.retryable ? (result.notes[0] ?? null) : null,
    },
  }
}

/** Where a result leads; a denial that counts as no outcome of the node ends the run as blocked. */
function decisionOn(
  graph: PlanGraph,
  run: ActiveRun,
  view: View,
  result: StageResult,
  denied: Approval | null,
): Decision {
  const refused = denied !== null && denied.denied_outcome === null ? deniedDecision(graph, run) : null
  return refused ?? route(graph, run, view.counters, result)
}

/** A result that a validator does not let pass. */
function overruled(
  result: StageResult,
  node: PlanNode,
  { validator, outcome, findings }: Extract<Judgement, { judgement: 'fail' }>,
): StageResult {
  const isLegal = outcome !== null && Object.hasOwn(node.allowed_result_classes_by_outcome, outcome)
  const strange =
    outcome !== null && !isLegal ? [`${outcome}, which ${validator} names, is no outcome of the node`] : []
  return countedAs(result, node, isLegal ? outcome : null, [...findings, ...strange], 'validator_failed')
}

const deniedResult = (result: StageResult, node: PlanNode, approval: Approval): StageResult =>
  countedAs(result, node, approval.denied_outcome, [deniedSentence(approval)], APPROVAL_DENIED)

/** The result as another outcome than the stage gave, for reasons of ours; without one the failure outcome of the node. */
function countedAs(
  result: StageResult,
  node: PlanNode,
  outcome: string | null,
  notes: readonly string[],
  failureClass: string,
): StageResult {
  const terminal_result = outcome ?? node.failure_outcome
  const classes = node.allowed_result_classes_by_outcome[terminal_result] ?? []
  const result_class = outcome === null ? 'recoverable_failure' : (classes[0] ?? 'blocked')
  return {
    ...result,
    terminal_result,
    result_class,
    success: result_class === 'success',
    retryable: outcome === null,
    summary_status_marker: `### ${terminal_result}`,
    notes: [...notes, ...result.notes],
    metadata: { ...result.metadata, failure_class: failureClass, valid_terminal_result: false },
  }
}

/** What is told of a failure that is put off, or ends the run, without a decision of its loop. */
const unrouted = (result: StageResult): Settled => ({
  reason: String(result.metadata.failure_class),
  result_class: result.result_class,
  failure_class: String(result.metadata.failure_class),
  message: result.notes[0] ?? null,
})

/** The run's item, read afresh: a stage may have rewritten its own document. Throws if it is no text any more. */
export function activeItem(view: View, run: ActiveRun) {
  if (run.work_item_id === null) return null
  const kind = run.work_item_kind as ItemKind
  const entry = view.items.find(kind, run.work_item_id).find((place) => place.state === 'active')
  const read = view.read(kind, run.work_item_id, 'active')
  if (read === null)
    throw new MillraceError(
      'conflict',
      `${kind} ${run.work_item_id} in its active folder cannot be read as text any more`,
    )
  const parsed = parseDocument(kind, read.text)
  const faults = parsed.ok
    ? parsed.document.id === run.work_item_id
      ? []
      : [`its id was changed to ${parsed.document.id}`]
    : [faultsText(parsed.faults)]
  const known = entry ?? {
    kind,
    id: run.work_item_id,
    state: 'active' as const,
    title: run.work_item_id,
    createdAt: view.now,
    createdMs: 0,
    dependsOn: [],
    rootSpecId: null,
    rootIdeaId: null,
    effectiveRoot: null,
    sourceIds: [],
  }
  return { entry: known, faults, ...read }
}

/** Why the item cannot go where the decision sends it; null if it can, or is there already with the same bytes (W-01). */
function completionConflict(
  view: View,
  graph: { terminal_states: Plan['graphs_by_plane'][string]['terminal_states'] },
  item: ReturnType<typeof activeItem>,
  decision: Decision,
): string | null {
  if (!item || decision.terminal_state_id === null) return null
  const effects =
    graph.terminal_states.find((state) => state.terminal_state_id === decision.terminal_state_id)?.effects ?? []
  const states: Record<string, ItemState> = {
    complete_item: 'done',
    block_item: 'blocked',
    park_item: 'blocked',
    quarantine_item: 'quarantined',
  }
  for (const { effect } of effects) {
    const to = states[effect]
    if (to === undefined || (view.read(item.entry.kind, item.entry.id, to)?.hash ?? item.hash) === item.hash) continue
    return `another document with the id ${item.entry.id} lies in the ${to} folder already; move one of the two away`
  }
  return null
}

/** The backstop: more stage runs than a passage may have. Ends like the loop's own blocked terminal. */
function spent(graph: Parameters<typeof route>[0], run: ActiveRun, result: StageResult): Decision {
  const terminal = graph.terminal_states.find((state) => state.terminal_class === 'blocked')
  if (!terminal)
    throw new MillraceError(
      'routing_failed',
      `${graph.loop_id} has no blocked terminal state to end a run of ${run.stage_runs} stages in`,
    )
  return {
    action: 'blocked',
    next_node_id: null,
    terminal_state_id: terminal.terminal_state_id,
    edge_id: 'stages_per_run_max',
    reason: `${result.stage}_blocked:stages_per_run_exhausted`,
    failure_class: 'stages_per_run_exhausted',
    counted: [],
  }
}

function closureEvidence(engine: Engine, view: View, run: ActiveRun, result: StageResult) {
  const target = view.targets.find((candidate) => candidate.root_spec_id === run.closure_target_root_spec_id)
  const verdict = target ? view.readFile(closurePaths(target.root_spec_id, target.root_idea_id).verdict) : null
  const report = result.report_artifact
    ? view.readFile(result.report_artifact.slice(placesOf(engine.options.workspaceRoot).root.length + 1))
    : null
  return { verdictWritten: verdict !== null, reportText: report }
}

function errorReport(
  view: View,
  run: ActiveRun,
  result: StageResult,
  decision: Decision,
  code: string,
  message: string,
): string {
  const lines = {
    'Error-Code': code,
    Plane: run.plane,
    'Failed-Stage': run.stage_kind_id,
    'Run-ID': run.run_id,
    'Work-Item': `${run.work_item_kind ?? 'none'} ${run.work_item_id ?? 'none'}`,
    'Router-Action': decision.action,
    'Terminal-Result': result.terminal_result,
    'Captured-At': view.now,
  }
  return `# Runtime Error Report\n\n${Object.entries(lines)
    .map(([label, value]) => `${label}: ${value}`)
    .join('\n')}\n\nSummary:\n- ${message}\n`
}
