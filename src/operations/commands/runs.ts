/** The commands about active runs: cancelling one, starting one over, clearing what is stale. */
import { Draft } from '../../core/changes.ts'
import { MillraceError } from '../../core/errors.ts'
import { idsMeant } from '../../core/ids.ts'
import { didYouMean, nearestId } from '../../core/nearest.ts'
import type { ChangeContext, ChangeOperation } from '../../core/operation.ts'
import type { ActiveRun } from '../../core/state.ts'
import { done, only, text } from './payload.ts'

/** The run a command means: by id or a unique start of it, or the only active one. */
function findRun(view: ChangeContext['view'], wanted: string | null, plane: string | null): ActiveRun {
  const active = view.snapshot.active_runs.map((one) => one.run_id)
  const meant = wanted === null ? null : idsMeant(wanted, active, 'run-')
  const runs = view.snapshot.active_runs.filter(
    (run) => (plane === null || run.plane === plane) && (meant === null || meant.includes(run.run_id)),
  )
  const [run, second] = runs
  if (!run) {
    const near = wanted === null ? null : nearestId(wanted, active)
    throw new MillraceError(
      'nothing_active',
      wanted === null ? `Nothing is active${plane ? ` on plane ${plane}` : ''}.` : `No active run ${wanted}.`,
      { hint: didYouMean(near, 'see what is active with `millrace status`') },
    )
  }
  if (second)
    throw new MillraceError('item_ambiguous', `Several runs are meant: ${runs.map((one) => one.run_id).join(', ')}.`, {
      hint: 'name one',
    })
  return run
}

export const cancelRun: ChangeOperation = ({ view }, payload) => {
  only(payload, 'run_id', 'reason')
  const run = findRun(view, text(payload, 'run_id'), null)
  const draft = new Draft(view)
  draft.putRun({
    ...run,
    cancel_requested: { reason: text(payload, 'reason', 'operator cancelled the run'), requeue: false },
  })
  return done(draft, `cancelling ${run.run_id}; its item will be blocked`, { run_id: run.run_id })
}

export const retryActive: ChangeOperation = ({ view }, payload) => {
  only(payload, 'reason', 'scope')
  const scope = payload.scope
  if (scope !== undefined && (typeof scope !== 'string' || view.plan?.graphs_by_plane[scope] === undefined)) {
    throw new MillraceError('mailbox_invalid', `The scope ${JSON.stringify(scope)} is no plane of the plan.`, {
      hint: `planes: ${Object.keys(view.plan?.graphs_by_plane ?? {}).join(', ')}`,
    })
  }
  const run = findRun(view, null, (scope as string | undefined) ?? null)
  const draft = new Draft(view)
  // Where its plan is gone it could only be held again: then the target is judged anew, under the plan in force.
  if (run.status === 'held' && run.work_item_id === null && view.planOf(run.compiled_plan_id) !== null) {
    draft.putRun({ ...run, status: 'ready', held: null, stage_since: view.now })
    return done(draft, `${run.run_id} is started again at ${run.node_id}`, { run_id: run.run_id })
  }
  draft.putRun({
    ...run,
    cancel_requested: { reason: text(payload, 'reason', 'operator requested retry'), requeue: true },
  })
  return done(
    draft,
    `requeueing ${run.work_item_kind ?? 'closure target'} ${run.work_item_id ?? run.closure_target_root_spec_id}`,
    { run_id: run.run_id },
  )
}

/** Puts the workspace back on its feet: what a fresh runtime would resume anyway is only reported, unless told to requeue. */
export const clearStaleState: ChangeOperation = ({ view, live }, payload) => {
  only(payload, 'reason', 'requeue')
  const draft = new Draft(view)
  const reason = text(payload, 'reason', 'operator requested stale-state clear')
  const runs = view.snapshot.active_runs
  if (payload.requeue === true) {
    for (const run of runs) draft.putRun({ ...run, cancel_requested: { reason, requeue: true } })
  } else {
    for (const run of runs)
      if (run.status === 'held') draft.putRun({ ...run, status: 'ready', held: null, stage_since: view.now })
  }
  if (!live) {
    draft.snapshot.process_running = false
    draft.snapshot.stop_requested = null
  }
  draft.snapshot.pause_sources = []
  draft.snapshot.runner_waits = []
  for (const target of view.targets)
    if (target.held) draft.add({ change: 'closure.put', target: { ...target, held: null } })
  const changes = draft.finish()
  const requeued = payload.requeue === true ? runs.length : 0
  return {
    changes,
    output: {
      applied: changes.length > 0,
      detail: `requeued=${requeued}; released=${runs.filter((run) => run.status === 'held').length}; the rest is resumed by the next runtime`,
    },
  }
}
