/** Going on, at the same node, with the runs that waited for a person's answer, once there is one or time is over. */
import { approvalOf } from '../core/approval.ts'
import { Draft } from '../core/changes.ts'
import { RawResult, WorkingTree } from '../core/result.ts'
import { mayStart } from '../core/select.ts'
import type { ActiveRun } from '../core/state.ts'
import { runFolder } from '../store/layout.ts'
import { readRequest } from '../store/runs.ts'
import { awaitingFile } from './approvals.ts'
import { dispatch } from './dispatch.ts'
import { type Engine, sentenceOf } from './engine.ts'
import { holdRun } from './hold.ts'
import { keptResult, settleKept } from './kept-result.ts'
import { isRefusal } from './refusal.ts'

/**
 * Takes up the runs whose question is answered, or will not be any more, as lanes for them are free: at the same node,
 * with the result that waited if there was one. Gives how many.
 */
export async function takeUpAnswered(engine: Engine): Promise<number> {
  let taken = 0
  for (const { run_id } of engine.workspace.view().snapshot.active_runs) {
    const view = engine.workspace.view()
    const run = view.snapshot.active_runs.find((one) => one.run_id === run_id)
    if (run?.status !== 'awaiting_approval' || run.approval === undefined || run.cancel_requested !== null) continue
    const isOver = run.approval.expires_at !== null && run.approval.expires_at <= view.now
    if (approvalOf(view, run.approval.approval_id)?.status === 'pending' && !isOver) continue
    const others = view.snapshot.active_runs.filter((one) => one !== run)
    if (!mayStart(run.plane, others, view.plan?.concurrency_policy ?? null)) continue
    if (engine.turn?.admits(run.plane, view.snapshot) === false) continue
    const draft = new Draft(view)
    draft.resolveApproval(run, 'expired', 'nobody answered in time')
    const { approval, ...rest } = run
    if (approval.request_id === null) draft.putRun({ ...rest, status: 'ready', stage_since: view.now })
    else draft.putRun({ ...run, status: 'started', request_id: approval.request_id })
    await engine.commit(draft.finish())
    if (approval.request_id !== null) await takeUpResult(engine, run, approval.request_id)
    taken += 1
  }
  return taken
}

/** Brings a result that waited for an answer to be settled; a run without one that can be read is held. */
export async function takeUpResult(engine: Engine, run: ActiveRun, requestId: string): Promise<void> {
  if (run.begun_by !== undefined) return takeUpKept(engine, run, requestId)
  const request = readRequest(engine.ports.files, engine.workspace.places, run.run_id, requestId)
  const file = `${runFolder(run.run_id)}/${awaitingFile(requestId)}`
  const kept = readKept(engine.workspace.view().readFile(`millrace-agents/${file}`))
  if (request === null || kept === null)
    return holdRun(engine, run, `the result of ${requestId}, which waited for an approval, cannot be read in ${file}`)
  dispatch(engine, request, { how: 'settle', ...kept })
}

/** That of another runtime lies there as its stage result; there is no request of ours. */
async function takeUpKept(engine: Engine, run: ActiveRun, requestId: string): Promise<void> {
  const result = keptResult(engine, run, requestId)
  if (result === null)
    return holdRun(engine, run, `the result of ${requestId}, which waited for an approval, cannot be read any more`)
  try {
    await settleKept(engine, run, requestId, result)
  } catch (error) {
    if (isRefusal(error)) throw error
    await holdRun(engine, run, sentenceOf(error))
  }
}

/** The result in the text of a file that kept it; null if there is none. */
export function readKept(text: string | null): { raw: RawResult; workingTree: WorkingTree | null } | null {
  try {
    const value = JSON.parse(text ?? '') as { raw?: unknown; working_tree?: unknown }
    return { raw: RawResult.parse(value.raw), workingTree: WorkingTree.nullable().parse(value.working_tree) }
  } catch {
    return null
  }
}
