/** Consistency of one stage kind with itself. Pure; findings only. */
import type { Findings } from './diagnostics.ts'
import type { StageKind } from './stage.ts'

export function checkStageKind(kind: StageKind, path: string, findings: Findings): void {
  const wrong = (at: string, message: string) => findings.error('STAGE_KIND_INCONSISTENT', path, at, message)
  const legal = new Set(kind.legal_outcomes)
  const within = (outcomes: readonly string[], at: string) => {
    for (const outcome of outcomes) if (!legal.has(outcome)) wrong(at, `${outcome} is not among legal_outcomes`)
  }
  within(kind.success_outcomes, 'success_outcomes')
  within(kind.failure_outcomes, 'failure_outcomes')
  within([kind.failure_outcome], 'failure_outcome')
  within(Object.keys(kind.owed_artifacts_by_outcome), 'owed_artifacts_by_outcome')
  for (const handIn of kind.hand_ins) within(handIn.outcomes, 'hand_ins')
  within(Object.keys(kind.allowed_result_classes_by_outcome), 'allowed_result_classes_by_outcome')
  for (const outcome of kind.legal_outcomes) {
    const classes = kind.allowed_result_classes_by_outcome[outcome]
    if (!classes) wrong('allowed_result_classes_by_outcome', `${outcome} has no result class`)
    else if (kind.success_outcomes.includes(outcome) !== classes.includes('success'))
      wrong(
        'allowed_result_classes_by_outcome',
        `${outcome} must ${kind.success_outcomes.includes(outcome) ? '' : 'not '}carry the class success`,
      )
  }
  if (!kind.allowed_result_classes_by_outcome[kind.failure_outcome]?.includes('recoverable_failure')) {
    wrong('failure_outcome', `${kind.failure_outcome} must allow the class recoverable_failure`)
  }
  for (const owed of Object.values(kind.owed_artifacts_by_outcome).flat()) {
    const inside = !owed.path.startsWith('/') && !owed.path.split('/').includes('..')
    if (!inside || (owed.path.includes('{') && !/^\{(rubric|verdict|report)\}$/.test(owed.path))) {
      wrong(
        'owed_artifacts_by_outcome',
        `${owed.path} must be a path inside the run folder, or {rubric}, {verdict} or {report}`,
      )
    }
  }
}
