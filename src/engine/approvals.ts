/**
 * Approvals while work goes on: asking a person and letting the item wait without a lane; answered.ts goes on at the same
 * node once there is an answer. What a question is and whether an answer still holds is decided in core/approval.ts.
 */
import { type Approval, answerTo, approvalOf, type Question } from '../core/approval.ts'
import type { Grant } from '../core/capability.ts'
import { type Change, Draft } from '../core/changes.ts'
import { jsonText } from '../core/json.ts'
import { nodeOf, type Plan, type PlanGraph, type PlanNode } from '../core/plan.ts'
import type { StageResult } from '../core/result.ts'
import { type Decision, endDecision } from '../core/route.ts'
import { mayStart } from '../core/select.ts'
import { type ActiveRun, counterOwner } from '../core/state.ts'
import type { View } from '../core/view.ts'
import type { Finished } from './dispatch.ts'

/** The question about a capability that a node requires; null where nobody has to be asked. */
export function capabilityQuestion(run: ActiveRun, node: PlanNode, grant: Grant): Question | null {
  if (grant.decision !== 'approval_required') return null
  const { kind, id } = counterOwner(run)
  return {
    asked_by: 'capability',
    asked_by_id: grant.capability_id,
    capability_id: grant.capability_id,
    question: `May stage ${node.stage_kind_id} of ${kind} ${id} use ${grant.capability_id}?`,
    subject: null,
    denied_outcome: node.denied_outcome,
    expires_after_seconds: grant.expires_after_seconds,
  }
}

/** The question of the edge that a decision takes; null where it takes none that asks. It is about this very result. */
export function edgeQuestion(
  graph: PlanGraph,
  result: StageResult,
  decision: Decision,
  requestId: string,
): Question | null {
  const edge = graph.transitions.find(
    (row) => row.edge_id === decision.edge_id && row.outcome === result.terminal_result && row.approval !== null,
  )
  if (!edge?.approval) return null
  const { capability_id, question, denied_outcome = null, expires_after_seconds = null } = edge.approval
  const asked_by_id = edge.edge_id
  return {
    asked_by: 'edge',
    asked_by_id,
    capability_id,
    question,
    subject: requestId,
    denied_outcome,
    expires_after_seconds,
  }
}

/** The first capability of the node that a person still has to be asked for; null if the stage may start. */
export function openCapability(view: View, run: ActiveRun, node: PlanNode): Approval | null {
  for (const grant of node.grants) {
    const question = capabilityQuestion(run, node, grant)
    const answer = question && answerTo(view, run, question, null)
    if (answer?.answer === 'open') return answer.approval
  }
  return null
}

/**
 * A run that waits for an answer: it is put off its lane, and the question is put if it is new. `request_id`: the stage
 * run whose result waits; null where the stage is yet to begin.
 */
export function awaiting(view: View, run: ActiveRun, approval: Approval, request_id: string | null): Change[] {
  const draft = new Draft(view)
  const { approval_id, expires_at } = approval
  if (approvalOf(view, approval_id) === null) draft.putApproval({ ...approval, request_id })
  draft.putRun({
    ...run,
    status: 'awaiting_approval',
    request_id: null,
    approval: { approval_id, since: view.now, expires_at, request_id },
  })
  if (
    mayStart(
      run.plane,
      view.snapshot.active_runs.filter((other) => other !== run),
      null,
    )
  )
    draft.mark(run.plane, 'IDLE')
  return draft.finish()
}

/** The same for a stage that has ended: its result is kept whole in the run folder until there is an answer. */
export function resultAwaiting(view: View, run: ActiveRun, approval: Approval, finished: Finished): Change[] {
  const { raw, workingTree, request } = finished
  const kept = { schema_version: '1.0', kind: 'awaiting_result', raw, working_tree: workingTree }
  const text = jsonText(kept)
  return [
    { change: 'artifact.put', run_id: run.run_id, file: awaitingFile(request.request_id), text },
    ...awaiting(view, run, approval, request.request_id),
  ]
}

/** File of a run folder that keeps a result while a person is asked. */
export const awaitingFile = (requestId: string): string => `awaiting_approval.${requestId}.json`

/** Where a denial without an outcome of its own leads: to the end of the run that blocks its item. */
export function deniedDecision(graph: PlanGraph, run: ActiveRun): Decision | null {
  const terminal = graph.terminal_states.find((state) => state.terminal_class === 'blocked')
  if (!terminal) return null
  const why = { failure: APPROVAL_DENIED, reason: `${run.stage_kind_id}_blocked:${APPROVAL_DENIED}` }
  return endDecision(graph, run, terminal.terminal_state_id, APPROVAL_DENIED, why, [])
}

/** Failure class of what a person did not allow. */
export const APPROVAL_DENIED = 'approval_denied'

/** What was decided about the capabilities of a node when its stage was started. */
export function capabilityGate(view: View, plan: Plan, run: ActiveRun, requestId: string): Change[] {
  const node = nodeOf(plan, run.plane, run.node_id)
  if (!node || node.grants.length === 0) return []
  const grants = node.grants.map((grant) => {
    const question = capabilityQuestion(run, node, grant)
    const answer = question && answerTo(view, run, question, null)
    return { ...grant, approval_id: answer?.approval.approval_id ?? null, status: answer?.answer ?? grant.decision }
  })
  const gate = { schema_version: '1.0', kind: 'capability_gate', run_id: run.run_id, request_id: requestId, grants }
  const text = jsonText(gate)
  return [{ change: 'artifact.put', run_id: run.run_id, file: `capability_gate.${requestId}.json`, text }]
}
