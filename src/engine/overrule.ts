/** A result that counts as another outcome than its stage gave: a validator, a person or the workspace is against it. */
import { type Approval, deniedSentence } from '../core/approval.ts'
import type { PlanNode } from '../core/plan.ts'
import type { StageResult } from '../core/result.ts'
import { APPROVAL_DENIED } from './approvals.ts'
import type { Judgement } from './judge.ts'

/** A result that a validator does not let pass. */
export function overruled(
  result: StageResult,
  node: PlanNode,
  { validator, outcome, findings }: Extract<Judgement, { judgement: 'fail' }>,
): StageResult {
  const isLegal = outcome !== null && Object.hasOwn(node.allowed_result_classes_by_outcome, outcome)
  const strange =
    outcome !== null && !isLegal ? [`${outcome}, which ${validator} names, is no outcome of the node`] : []
  return countedAs(result, node, isLegal ? outcome : null, [...findings, ...strange], 'validator_failed')
}

/** A result that a person does not let pass. */
export const deniedResult = (result: StageResult, node: PlanNode, approval: Approval): StageResult =>
  countedAs(result, node, approval.denied_outcome, [deniedSentence(approval)], APPROVAL_DENIED)

/** The result as another outcome than the stage gave, for reasons of ours; without one the failure outcome of the node. */
export function countedAs(
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
