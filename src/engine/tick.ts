/**
 * The tick: one pass over the workspace, always in this order (design §6):
 *
 *   settle what finished → intake → gates → take up what was answered → claim → start and dispatch → (backlog drained?) completion
 *   → (nothing else to do?) auto-recovery
 *
 * It never waits for an agent. Gates close claim, start and completion only; settling and intake always go on.
 */
import { RECOVERED_KIND } from '../core/auto-recovery.ts'
import { Draft } from '../core/changes.ts'
import { completionStep, openTarget } from '../core/completion.ts'
import { parseDocument } from '../core/document.ts'
import { MillraceError } from '../core/errors.ts'
import { jsonText } from '../core/json.ts'
import { completionGraph, nodeOf, type Plan } from '../core/plan.ts'
import { isWaiting, select } from '../core/select.ts'
import { type Continuation, continuation, FRESH, hasPast } from '../core/session.ts'
import type { ActiveRun } from '../core/state.ts'
import type { View } from '../core/view.ts'
import { readRun } from '../store/runs.ts'
import { takeUpAnswered } from './answered.ts'
import { awaiting, capabilityGate, openCapability } from './approvals.ts'
import { recoverDependency } from './auto-recovery.ts'
import { claim, rootSpecOf } from './claim.ts'
import { dispatch } from './dispatch.ts'
import { blockedOverBudget } from './ending.ts'
import { type Engine, sentenceOf } from './engine.ts'
import { endLanes, gates } from './gates.ts'
import { holdRun } from './hold.ts'
import { intake } from './intake.ts'
import { isRefusal } from './refusal.ts'
import { buildRequest } from './request.ts'
import { type Settled, settleFinished } from './settle.ts'

export interface TickOutcome {
  /** Stages settled in this pass. */
  settled: number
  /** True if anything at all was done, so that another pass is worth it at once. */
  progressed: boolean
  /** Reason of the last decision, or why nothing was done: no_work, paused, stop_requested, degraded, waiting. */
  reason: string
  /** Result class and failure class of the last settled stage, for exit codes. */
  last: Omit<Settled, 'reason'> | null
  /** True if a document may still have been being written when items were chosen: such a pass found out nothing. */
  unsettled: boolean
  /** True once the runtime should end. */
  stopped: boolean
}

/**
 * One pass. `isLast`: no further one is wanted once this one has settled a stage, so that it starts nothing any more.
 * `settled`: what an earlier try of this pass settled before a person's edit got in its way (`conflict`).
 */
export async function tick(engine: Engine, isLast = false, settled: Settled[] = []): Promise<TickOutcome> {
  // A runtime that was succeeded ends at once, also when it has nothing to write.
  engine.workspace.lock.guard()
  if (!(await healed(engine)))
    return { ...outcome(engine, 0, 'degraded', null), stopped: engine.stopping !== 'no' && endLanes(engine) }
  settled.push(...(await settleFinished(engine)))
  await engine.deliveries.settle()
  engine.recoveryDueMs = null
  const tookIn = (await intake(engine)) + (await engine.collector.turn())
  const last = settled.at(-1) ?? null
  const gate = await gates(engine)
  if (gate !== 'open')
    return {
      ...outcome(engine, settled.length, last?.reason ?? gate, last),
      stopped: gate === 'stop_requested' && engine.lanes.size === 0 && engine.finished.length === 0,
    }
  if (isLast && settled.length > 0) return outcome(engine, settled.length, last?.reason ?? 'no_work', last)
  const unsettled = engine.unsettled
  const { arrivals } = engine.workspace.index
  const answered = await takeUpAnswered(engine)
  const claimed = await claim(engine)
  const started = await start(engine)
  // Open work of the lineage may be among the documents that are just arriving: then nothing is drained yet.
  const isArriving = () => engine.unsettled || engine.workspace.index.arrivals !== arrivals
  const drained = answered + claimed + started === 0 && !isArriving() && !hasRunsAtWork(engine)
  const judging = drained && isTurnOf(engine, judgingPlane) ? await completion(engine) : false
  const recovered = drained && !judging && isTurnOf(engine, planeOfTasks) ? await recoverDependency(engine) : false
  const busy = engine.lanes.size > 0
  const idle = settled.length + answered + claimed + started === 0 && !judging && !recovered
  if (!busy && idle && engine.turn === null) await tellIdle(engine)
  return {
    settled: settled.length,
    progressed: settled.length + tookIn + answered + claimed + started > 0 || judging || recovered,
    reason:
      last?.reason ??
      (busy ? 'running' : engine.workspace.view().snapshot.active_runs.length > 0 ? 'waiting' : 'no_work'),
    last,
    unsettled: unsettled || isArriving(),
    stopped: false,
  }
}

function outcome(engine: Engine, settled: number, reason: string, last: TickOutcome['last']): TickOutcome {
  return {
    settled,
    progressed: settled > 0,
    reason: engine.lanes.size > 0 && reason === 'no_work' ? 'running' : reason,
    last,
    unsettled: engine.unsettled,
    stopped: false,
  }
}

const HEAL_BACKOFF_MS_MAX = 30_000

/** A transaction the disk refused half-way is tried again, with backoff; nothing is decided before it is through. */
async function healed(engine: Engine): Promise<boolean> {
  if (!engine.workspace.degraded) return true
  const now = engine.clock.monotonicMs()
  if (now < engine.healing.notBefore) return false
  try {
    await engine.workspace.heal()
    for (const request of engine.undispatched.splice(0)) dispatch(engine, request)
    const draft = new Draft(engine.workspace.view())
    draft.event('runtime_recovered', { journal: 'applied', attempts: engine.healing.attempts })
    await engine.commit(draft.finish())
    return true
  } catch (error) {
    if (MillraceError.is(error) && error.code === 'lock_lost') throw error
    const attempts = engine.healing.attempts + 1
    engine.healing = { attempts, notBefore: now + Math.min(HEAL_BACKOFF_MS_MAX, 500 * 2 ** Math.min(attempts, 10)) }
    return false
  }
}

/**
 * Starts what is ready: the request, with its id, is durable before anything is spawned; then a lane is dispatched.
 * A run that cannot be started is held with the reason; the others go on.
 */
async function start(engine: Engine): Promise<number> {
  const view = engine.workspace.view()
  let started = 0
  for (const run of view.snapshot.active_runs) {
    if (
      run.status !== 'ready' ||
      run.cancel_requested !== null ||
      (run.not_before !== null && run.not_before > view.now) ||
      waitsForRunner(view, run) ||
      engine.turn?.includes(run, view.snapshot) === false
    )
      continue
    for (let attempt = 1; ; attempt++) {
      try {
        const objection = engine.governance.objection(run)
        const asked = objection === null ? questionBefore(engine, run) : null
        if (asked !== null) await engine.commit(awaiting(engine.workspace.view(), run, asked, null))
        else if (objection === null) await startRun(engine, run)
        else await engine.commit(blockedOverBudget(engine.workspace.view(), run, objection))
        started += 1
      } catch (error) {
        if (MillraceError.is(error) && (error.code === 'lock_lost' || error.code === 'degraded')) throw error
        if (MillraceError.is(error) && error.code === 'conflict' && attempt < START_ATTEMPTS_MAX) continue
        if (isRefusal(error)) throw error
        await holdRun(engine, run, sentenceOf(error))
      }
      break
    }
  }
  return started
}

/** What a person has to be asked before the next stage of a run may start. */
function questionBefore(engine: Engine, run: ActiveRun) {
  const view = engine.workspace.view()
  const plan = view.planOf(run.compiled_plan_id)
  const node = plan && nodeOf(plan, run.plane, run.node_id)
  return node ? openCapability(view, run, node) : null
}

/** Whether a run is there that does not merely wait for a person's answer. */
const hasRunsAtWork = (engine: Engine): boolean =>
  engine.workspace.view().snapshot.active_runs.some((run) => run.status !== 'awaiting_approval')

/** In a turn, work that others would claim is still to be done before a plane may do what it does when nothing is left. */
function isTurnOf({ turn, workspace }: Engine, planeIn: (plan: Plan) => string | undefined): boolean {
  const view = workspace.view()
  const plane = view.plan && planeIn(view.plan)
  return turn === null || (!!plane && turn.admits(plane, view.snapshot) && select(view, view.plan!) === null)
}

const judgingPlane = (plan: Plan): string | undefined => completionGraph(plan)?.plane
const planeOfTasks = (plan: Plan): string | undefined =>
  plan.claim_order.planes.find(({ kinds }) => kinds.includes(RECOVERED_KIND))?.plane

function waitsForRunner(view: View, run: ActiveRun): boolean {
  const plan = view.snapshot.runner_waits.length === 0 ? null : view.planOf(run.compiled_plan_id)
  return plan !== null && isWaiting(view.snapshot, plan, run.plane, run.node_id, view.now)
}

/** A start is tried again at most this often when people edit in between. */
const START_ATTEMPTS_MAX = 5

async function startRun(engine: Engine, run: ActiveRun): Promise<void> {
  const view = engine.workspace.view()
  const plan = view.planOf(run.compiled_plan_id)
  if (!plan)
    throw new MillraceError(
      'routing_failed',
      `the plan ${run.compiled_plan_id} of run ${run.run_id} is gone from state/plans`,
      { hint: 'put it back, or requeue the item with `millrace control retry-active`' },
    )
  const target = view.targets.find((candidate) => candidate.root_spec_id === run.closure_target_root_spec_id) ?? null
  const { bootId } = engine.ports.processes.self()
  const requestId = `request-${engine.clock.hex(32)}`
  const continued = continuationOf(engine, plan, run, bootId)
  const request = buildRequest(engine.workspace.places, plan, run, target, requestId, bootId, continued)
  const draft = new Draft(view)
  draft.putRun({ ...run, status: 'started', request_id: request.request_id })
  draft.add(...capabilityGate(view, plan, run, request.request_id))
  draft.add({
    change: 'artifact.put',
    run_id: run.run_id,
    file: `stage_requests/${request.request_id}.json`,
    text: jsonText(request),
  })
  if (run.stage_runs === 0 && run.previous_attempt === null) {
    const named = {
      schema_version: '1.0',
      kind: 'resolved_snapshot',
      run_id: run.run_id,
      compiled_plan_id: plan.compiled_plan_id,
      mode_id: plan.mode_id,
      plan_path: `millrace-agents/state/plans/${plan.compiled_plan_id}/plan.json`,
    }
    draft.add({
      change: 'artifact.put',
      run_id: run.run_id,
      file: 'resolved_snapshot.json',
      text: jsonText(named),
    })
  }
  draft.mark(run.plane, request.running_status_marker)
  draft.event('stage_started', {
    request_id: request.request_id,
    stage: run.stage_kind_id,
    node_id: run.node_id,
    stage_kind_id: run.stage_kind_id,
    plane: run.plane,
    run_id: run.run_id,
    work_item_kind: run.work_item_kind ?? 'spec',
    work_item_id: run.work_item_id ?? run.closure_target_root_spec_id,
    runner: request.runner_name,
    troubleshoot_report_path: request.preferred_troubleshoot_report_path,
  })
  await engine.commit(draft.finish())
  if (engine.workspace.degraded) engine.undispatched.push(request)
  else dispatch(engine, request)
}

/** The session a stage goes on with; asked of the run folder only where there can be one. */
function continuationOf(engine: Engine, plan: Plan, run: ActiveRun, bootId: string): Continuation {
  const node = nodeOf(plan, run.plane, run.node_id)
  if (!node || !hasPast(run, node)) return FRESH
  const earlier = readRun(engine.ports.files, engine.workspace.places, run.run_id)
  const mayResume = engine.config.recovery.resume_sessions
  return earlier === null ? FRESH : continuation(run, node, earlier, { bootId, mayResume })
}

/** Nothing runs and nothing can be claimed: is a closure target ready to be judged? */
async function completion(engine: Engine): Promise<boolean> {
  const view = engine.workspace.view()
  const plan = view.plan
  if (!plan) return false
  const { draft, backfill, run } = completionStep(view, plan, `run-${engine.clock.hex(32)}`)
  if (engine.unsettled) return false // reading the lineage met a document that is just arriving
  if (backfill) {
    const read = view.read(backfill.kind, backfill.id, backfill.state)
    const parsed = read === null ? null : parseDocument(backfill.kind, read.text)
    if (read !== null && parsed?.ok) {
      const opening = openTarget(draft, view, rootSpecOf(parsed.document, read.text))
      const told = {
        root_spec_id: backfill.id,
        root_idea_id: backfill.rootIdeaId,
        spec_path: `millrace-agents/specs/${backfill.state}/${backfill.id}.md`,
      }
      if (opening.opened) draft.event('completion_behavior_target_backfilled', told)
      else if (opening.reason === 'missing_root_idea_source')
        draft.announce('root_idea_source_missing', backfill.id, backfill.id, { ...told, looked_in: opening.looked })
    }
  }
  const changes = draft.finish()
  await engine.commit(changes)
  return (
    run !== null ||
    changes.some(
      (change) => change.change === 'event.append' && change.event_type === 'completion_behavior_target_backfilled',
    )
  )
}

async function tellIdle(engine: Engine): Promise<void> {
  const view = engine.workspace.view()
  if (view.snapshot.active_runs.length > 0) return
  const draft = new Draft(view)
  if (draft.announce('runtime_tick_idle', 'runtime', 'idle', { reason: 'no_work' })) await engine.commit(draft.finish())
}
