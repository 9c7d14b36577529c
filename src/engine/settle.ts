/**
 * Settle: what a finished stage means, decided on a fresh view and committed as one transaction. A person's edit in
 * between makes the decision be taken again; an exception holds that run only.
 */
import { answerTo } from '../core/approval.ts'
import type { Change } from '../core/changes.ts'
import { chanceOf } from '../core/clock.ts'
import { MillraceError } from '../core/errors.ts'
import { isEnvironmentFailure, normalise } from '../core/normalise.ts'
import { graphOf, nodeOf } from '../core/plan.ts'
import type { StageResult } from '../core/result.ts'
import type { Decision } from '../core/route.ts'
import type { ActiveRun } from '../core/state.ts'
import type { View } from '../core/view.ts'
import { activeItem } from './active-item.ts'
import { awaiting, resultAwaiting } from './approvals.ts'
import type { Finished } from './dispatch.ts'
import { cancelled, deferred, isItemPresent, overBudget, startedAfresh, suspended, withdrawn } from './ending.ts'
import { type Engine, sentenceOf } from './engine.ts'
import { evidenceOf, gather } from './evidence.ts'
import { holdRun } from './hold.ts'
import { ledgerChanges } from './ledger.ts'
import { deniedResult, overruled } from './overrule.ts'
import { isRefusal } from './refusal.ts'
import { routed } from './routed.ts'
import { decisionOn, throughEdge } from './through-edge.ts'

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
  const routing = { plan, ...parts, request, result: passed.result, item, handIns: gathered.handIns }
  const { changes, ...final } = routed(engine, view, routing, passed.decision, raw.swept)
  return { changes, settled: settledBy(final.decision, final.result) }
}

const settledBy = ({ reason }: Decision, result: StageResult): Settled => ({
  reason,
  result_class: result.result_class,
  failure_class: (result.metadata.failure_class as string | null) ?? null,
  message: result.retryable ? (result.notes[0] ?? null) : null,
})

/** What is told of a failure that is put off, or ends the run, without a decision of its loop. */
const unrouted = (result: StageResult): Settled => ({
  reason: String(result.metadata.failure_class),
  result_class: result.result_class,
  failure_class: String(result.metadata.failure_class),
  message: result.notes[0] ?? null,
})
