/** Where the loop leads a result, and what becomes of it if the edge it takes asks a person. */
import { type Approval, answerTo } from '../core/approval.ts'
import type { PlanGraph, PlanNode } from '../core/plan.ts'
import type { StageResult } from '../core/result.ts'
import { type Decision, route } from '../core/route.ts'
import type { ActiveRun } from '../core/state.ts'
import type { View } from '../core/view.ts'
import { deniedDecision, edgeQuestion } from './approvals.ts'
import { deniedResult } from './overrule.ts'

/** Without a decision: nobody has answered yet what the edge asks. */
export function throughEdge(
  view: View,
  { graph, node, run }: { graph: PlanGraph; node: PlanNode; run: ActiveRun },
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

/** Where a result leads; a denial that counts as no outcome of the node ends the run as blocked. */
export function decisionOn(
  graph: PlanGraph,
  run: ActiveRun,
  view: View,
  result: StageResult,
  denied: Approval | null,
): Decision {
  const refused = denied !== null && denied.denied_outcome === null ? deniedDecision(graph, run) : null
  return refused ?? route(graph, run, view.counters, result)
}
