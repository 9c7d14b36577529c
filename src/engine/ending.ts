/**
 * Runs that leave a stage without a routed result: suspended by a stop, withdrawn by a person, cancelled by an operator,
 * or put off because the surroundings failed. Pure but for the look whether the item is still there.
 */
import { nextTry, waitLearnt, withWait } from '../core/backoff.ts'
import { type Block, blockOf } from '../core/block.ts'
import { type Change, Draft } from '../core/changes.ts'
import { failureKind } from '../core/failure-class.ts'
import type { ItemKind, ItemState } from '../core/item.ts'
import { jsonText } from '../core/json.ts'
import { leaveActive } from '../core/leave-active.ts'
import { nodeOf, type Plan } from '../core/plan.ts'
import type { StageResult } from '../core/result.ts'
import { type ActiveRun, counterOwner } from '../core/state.ts'
import type { View } from '../core/view.ts'
import { itemFile, requeueLog } from '../store/layout.ts'
import type { Engine } from './engine.ts'

/** A stage cut short by a stop: the same node, ready, no budget used, partial work kept (design §6). */
export function suspended(view: View, run: ActiveRun, requestId: string, ref?: string | null): Change[] {
  const draft = new Draft(view)
  draft.putRun({ ...onceMore(run, requestId, 'the runtime was stopped', ref), stage_since: view.now })
  draft.event('stage_interrupted', {
    run_id: run.run_id,
    request_id: requestId,
    node_id: run.node_id,
    reason: 'stopped',
  })
  return draft.finish()
}

/**
 * A run that is ready for another attempt at its node, and what that one is told of this. If no tree was kept before it,
 * that from before an earlier attempt at the node is the one to look at.
 */
export function onceMore(run: ActiveRun, requestId: string, reason: string, ref: string | null | undefined): ActiveRun {
  const rescueRef = ref ?? run.previous_attempt?.rescue_ref
  const previous_attempt = { request_id: requestId, reason, ...(rescueRef ? { rescue_ref: rescueRef } : {}) }
  return { ...run, status: 'ready', request_id: null, previous_attempt }
}

/** True while the item of a run lies in its active folder; closure runs have none to lose. */
export function isItemPresent(engine: Engine, run: ActiveRun): boolean {
  return (
    run.work_item_id === null ||
    engine.ports.files.stat(
      engine.workspace.places.at(itemFile(run.work_item_kind as ItemKind, run.work_item_id, 'active')),
    ) !== null
  )
}

/** A person moved the item of a run away: the run ends, the item stays where they put it (design §5). */
export function withdrawn(view: View, run: ActiveRun): Change[] {
  const draft = new Draft(view)
  draft.endRun(run, counterOwner(run), null)
  draft.event('run_withdrawn', {
    run_id: run.run_id,
    plane: run.plane,
    work_item_kind: run.work_item_kind,
    work_item_id: run.work_item_id,
    reason: 'the item is no longer in its active folder',
  })
  return draft.finish()
}

/** A cancelled run ends; its item is blocked, or goes back to its queue when it is to be tried anew. */
export function cancelled(
  view: View,
  run: ActiveRun,
  asked: NonNullable<ActiveRun['cancel_requested']>,
  failure = 'cancelled',
): Change[] {
  const draft = new Draft(view)
  const plan = view.planOf(run.compiled_plan_id)
  const node = plan ? nodeOf(plan, run.plane, run.node_id) : undefined
  draft.endRun(run, counterOwner(run), asked.requeue ? null : (node?.failure_outcome ?? null))
  const kind = run.work_item_kind as ItemKind | null
  const read = kind && run.work_item_id ? view.read(kind, run.work_item_id, 'active') : null
  if (kind && run.work_item_id && read) {
    const told = { run_id: run.run_id, work_item_kind: kind, work_item_id: run.work_item_id }
    const wanted = asked.requeue ? 'queued' : 'blocked'
    const to = leaveActive(draft, view, { kind, id: run.work_item_id, hash: read.hash }, wanted)
    if (to !== wanted)
      draft.event('runtime_completion_conflict', { ...told, plane: run.plane, taken: wanted, moved_to: to ?? null })
    if (to === 'blocked') draft.add({ change: 'block.put', block: blockOfEnded(view, run, failure) })
    if (to === 'queued') draft.add(...requeueRecord(kind, run.work_item_id, asked.reason, view.now))
    else if (to !== undefined)
      draft.event('work_item_blocked', { ...told, reason: asked.reason, failure_class: failure })
  }
  if (run.closure_target_root_spec_id !== null && !asked.requeue) {
    const target = view.targets.find((candidate) => candidate.root_spec_id === run.closure_target_root_spec_id)
    if (target)
      draft.add({
        change: 'closure.put',
        target: {
          ...target,
          held: {
            reason: failure,
            since: view.now,
            attempts: (target.held?.attempts ?? 0) + 1,
            retry_at: null,
            finished_items: view.snapshot.finished_items,
          },
        },
      })
  }
  draft.event('run_cancelled', { run_id: run.run_id, reason: asked.reason, requeued: asked.requeue })
  return draft.finish()
}

/** Why the item of a run is blocked that was ended, by a person or by a rule. */
function blockOfEnded(view: View, run: ActiveRun, failure: string): Block {
  const [kind, id] = [run.work_item_kind as ItemKind, run.work_item_id!]
  const known = view.items.find(kind, id).find(({ state }) => state === 'active')
  const failed = failureKind(failure)
  return blockOf(known ?? { kind, id, effectiveRoot: null, rootIdeaId: null }, view.now, {
    blocked_origin: failed === null ? 'operator' : 'runner_failure',
    failure_class: failure,
    failure_scope: failed?.scope ?? 'runtime_policy',
    source_run_id: run.run_id,
    source_plane: run.plane,
    source_stage: run.stage_kind_id,
  })
}

/**
 * The audit line and event of an item that goes back to its queue (spec 01 §4.16.1). `auto`: what the line says besides
 * where the runtime put a blocked item back by itself.
 */
export function requeueRecord(
  kind: ItemKind,
  id: string,
  reason: string,
  now: string,
  from: ItemState = 'active',
  auto: { auto: true; actor: string; failure_class: string | null; attempt_number: number } | null = null,
): Change[] {
  return [
    {
      change: 'line.append',
      path: requeueLog(kind, id),
      record: { at: now, kind, reason, source_state: from, destination_state: 'queue', ...auto },
    },
    {
      change: 'event.append',
      event_type: 'work_item_requeued',
      data: { work_item_kind: kind, work_item_id: id, reason, source_state: from },
    },
  ]
}

/** The record of a stage result that is not routed. */
const resultRecord = (run: ActiveRun, requestId: string, result: StageResult): Change => ({
  change: 'artifact.put',
  run_id: run.run_id,
  file: `stage_results/${requestId}.json`,
  text: jsonText(result),
})

/** The session a stage was to go on with is gone: the same node at once, in a fresh one; no budget used. */
export const startedAfresh = (view: View, run: ActiveRun, requestId: string, result: StageResult): Change[] =>
  putBack(view, run, requestId, result, 'the session it was to go on with is gone')

/** Failure class of an item that used more than a rule allows. */
const OVER_BUDGET = 'runner_over_budget'

/**
 * A hard rule on usage stopped the stage. `objection`: the rule over this very run or item that is over, which ends it;
 * without one the same node runs again, partial work kept, once the rules over everything allow it.
 */
export function overBudget(
  view: View,
  run: ActiveRun,
  requestId: string,
  result: StageResult,
  objection: string | null,
): Change[] {
  const reason = result.notes[0] ?? OVER_BUDGET
  if (objection === null) return putBack(view, run, requestId, result, reason)
  const told = { run_id: run.run_id, request_id: requestId, node_id: run.node_id, reason }
  return [
    resultRecord(run, requestId, result),
    { change: 'event.append', event_type: 'stage_interrupted', data: told },
    ...blockedOverBudget(view, run, objection),
  ]
}

/** A rule on usage over this very run or item does not let it go on: the item is blocked. */
export const blockedOverBudget = (view: View, run: ActiveRun, objection: string): Change[] =>
  cancelled(view, run, { reason: objection, requeue: false }, OVER_BUDGET)

/** The same node again, ready, told why; no budget used. */
function putBack(view: View, run: ActiveRun, requestId: string, result: StageResult, reason: string): Change[] {
  const draft = new Draft(view)
  draft.add(resultRecord(run, requestId, result))
  draft.putRun({ ...onceMore(run, requestId, reason, result.working_tree?.ref), stage_since: view.now })
  draft.event('stage_interrupted', { run_id: run.run_id, request_id: requestId, node_id: run.node_id, reason })
  return draft.finish()
}

/**
 * A failure of the surroundings uses no budget: the same node later, and past a limit a pause with the next try. A limit
 * of the provider holds for other stages of the runner as well. `chance`: a random number from 0 to below 1.
 */
export function deferred(
  view: View,
  plan: Plan,
  run: ActiveRun,
  requestId: string,
  result: StageResult,
  { resetsAt, chance }: { resetsAt: string | null; chance: number },
): Change[] {
  const limits = plan.recovery_limits
  const failures = run.environment_failures + 1
  const failure = String(result.metadata.failure_class)
  const next = nextTry(view.now, failures, limits, resetsAt, chance)
  const draft = new Draft(view)
  draft.add(resultRecord(run, requestId, result))
  const ready = onceMore(run, requestId, failure, result.working_tree?.ref)
  draft.putRun({ ...ready, environment_failures: failures, not_before: next })
  draft.mark(run.plane, 'IDLE')
  const reason = result.notes[0] ?? failure
  const node = nodeOf(plan, run.plane, run.node_id)
  const wait = node ? waitLearnt(result, node, next, view.now) : null
  if (wait !== null) {
    draft.snapshot.runner_waits = withWait(view.snapshot.runner_waits, wait)
    draft.event('runner_waiting', { ...wait })
  }
  if (failures >= limits.environment_attempts_max) {
    draft.snapshot.pause_sources = [
      ...draft.snapshot.pause_sources.filter((source) => source.source !== 'environment'),
      { source: 'environment', reason, since: view.now, until: next },
    ]
    draft.event('runtime_paused', { source: 'environment', reason, until: next })
  }
  draft.event('stage_deferred', {
    run_id: run.run_id,
    request_id: requestId,
    node_id: run.node_id,
    failure_class: failure,
    reason,
    attempt: failures,
    next_try_at: next,
  })
  return draft.finish()
}
