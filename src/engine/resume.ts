/**
 * Resume: what a new runtime does with the stages an earlier one left (design §6). A finished result is settled, a
 * living agent adopted or killed, an interrupted stage run again: the same node, a new request, told so.
 */
import { type Change, Draft, event } from '../core/changes.ts'
import { nodeOf } from '../core/plan.ts'
import type { StageRequest } from '../core/request.ts'
import type { TokenUsage } from '../core/result.ts'
import type { ActiveRun } from '../core/state.ts'
import type { Runner } from '../runners/runner.ts'
import { readRequest } from '../store/runs.ts'
import { takeUpResult } from './answered.ts'
import { dispatch } from './dispatch.ts'
import { cancelled, onceMore } from './ending.ts'
import { type Engine, sentenceOf } from './engine.ts'
import { hold, holdRun } from './hold.ts'
import { keptResult, settleKept } from './kept-result.ts'
import { ledgerChanges } from './ledger.ts'
import { isRefusal } from './refusal.ts'
import { refBefore, removeHalfRead } from './rescue.ts'

export async function resume(engine: Engine): Promise<void> {
  for (const run of engine.workspace.view().snapshot.active_runs) {
    if (run.status !== 'started' || run.request_id === null) continue
    try {
      if (run.begun_by !== undefined) await takeOver(engine, run, run.request_id)
      else if (run.approval) await takeUpResult(engine, run, run.request_id)
      else await resumeRun(engine, run, run.request_id)
    } catch (error) {
      if (isRefusal(error)) throw error
      await holdRun(engine, run, sentenceOf(error))
    }
  }
}

async function resumeRun(engine: Engine, run: ActiveRun, requestId: string): Promise<void> {
  const request = readRequest(engine.ports.files, engine.workspace.places, run.run_id, requestId)
  if (request === null) return holdRun(engine, run, `the request ${requestId} cannot be read`)
  removeHalfRead(engine.ports.files, request)
  const runner = engine.runners.get(request.runner_name)
  if (!runner) return holdRun(engine, run, `runner ${request.runner_name} is not known any more`)
  const remains = await runner.remains(request)
  const isCertain = request.boot_id === null || request.boot_id === engine.ports.processes.self().bootId
  if (remains.state === 'finished' && isCertain) return dispatch(engine, request, { how: 'collect' })
  if (remains.state === 'alive' && engine.config.runtime.on_restart === 'adopt') {
    const draft = new Draft(engine.workspace.view())
    draft.event('stage_adopted', {
      run_id: run.run_id,
      request_id: requestId,
      node_id: run.node_id,
      pid: remains.handle.pid,
    })
    await engine.commit(draft.finish())
    return dispatch(engine, request, { how: 'adopt', handle: remains.handle })
  }
  if (remains.state === 'alive') {
    const following = runner.follow(request, remains.handle)
    await following.stop('killed')
    // It may have ended by itself before the kill reached it: then it has a result like any other.
    if ((await following.result).ending === 'exited') return dispatch(engine, request, { how: 'collect' })
  }
  // Never run again before nothing of the earlier attempt is left that could still edit.
  const swept = await runner.sweep(requestId)
  const reason = isCertain ? DIED : RESTARTED
  const used = ledgerChanges(engine, engine.workspace.view(), request, {
    usage: usedBy(runner, request),
    ending: 'interrupted',
    endedAt: engine.clock.now().toISOString(),
    hasResult: false,
  })
  const begun = remains.state !== 'gone' || remains.begun
  await interrupted(engine, run, requestId, { reason, swept, begun, used })
}

/**
 * A stage that another runtime began left no request of ours: its result is settled as that runtime accepted it, and where
 * there is none the stage was interrupted.
 */
async function takeOver(engine: Engine, begun: ActiveRun, requestId: string): Promise<void> {
  const result = keptResult(engine, begun, requestId)
  if (result !== null) return settleKept(engine, begun, requestId, result)
  const { begun_by, ...run } = begun
  const reason = `the runtime that ran it (${begun_by}) ended before its result was recorded`
  await interrupted(engine, run, requestId, { reason, swept: 0, begun: true, used: [] })
}

const USAGE_BYTES_PER_READ = 4 * 1024 * 1024

/** What an agent told of its use before it died. */
function usedBy(runner: Runner, request: StageRequest): TokenUsage | null {
  const view = runner.view(request)
  while (view.read(USAGE_BYTES_PER_READ).more);
  view.end()
  return view.usage()
}

const DIED = 'the runtime died while it ran, and so did the stage'
/** What a stage left is flushed right before its result is recorded: after a loss of power it may be half there. */
const RESTARTED = 'the machine was restarted before its result was recorded'

/** The same node once more, on a budget of its own; a stage that may run only once waits for an operator instead. */
async function interrupted(
  engine: Engine,
  run: ActiveRun,
  requestId: string,
  { reason, swept, begun, used }: { reason: string; swept: number; begun: boolean; used: readonly Change[] },
): Promise<void> {
  const ref = await refBefore(engine.ports, engine.options.workspaceRoot, run.run_id, requestId)
  const view = engine.workspace.view()
  const plan = view.planOf(run.compiled_plan_id)
  const node = plan ? nodeOf(plan, run.plane, run.node_id) : undefined
  if (!plan || !node) return holdRun(engine, run, `the plan ${run.compiled_plan_id} is gone from state/plans`, used)
  const told = { run_id: run.run_id, request_id: requestId, node_id: run.node_id, reason, swept }
  // One transaction each: a crash must find a run that is interrupted, or one that waits or has ended, never half of it.
  if (run.interruptions >= plan.recovery_limits.interruptions_max) {
    const ended = cancelled(view, run, { reason, requeue: false }, 'interrupted_too_often')
    return engine.commit([...used, event('stage_interrupted', told), ...ended])
  }
  const again: ActiveRun = {
    ...onceMore(run, requestId, reason, ref),
    stage_since: view.now,
    interruptions: run.interruptions + 1,
  }
  const draft = new Draft(view)
  draft.event('stage_interrupted', told)
  if (begun && node.idempotence_policy === 'single_attempt_only')
    hold(draft, again, notRepeated(node.stage_kind_id), view.now)
  else if (!engine.config.recovery.stale_state_recovery_enabled) hold(draft, again, leftToAPerson, view.now)
  else draft.putRun(again)
  return engine.commit([...used, ...draft.finish()])
}

const notRepeated = (stage: string): string =>
  `stage ${stage} was interrupted and may not be repeated unasked; run it again with \`millrace control retry-active\`, or cancel it`

const leftToAPerson =
  'the stage was interrupted, and recovery.stale_state_recovery_enabled = false leaves it to a person; run it again with `millrace control retry-active`, or cancel it'
