/** Consistency of one stage kind with itself. Pure; findings only, each saying how to mend it. */
import type { Findings } from './diagnostics.ts'
import type { StageKind } from './stage.ts'

export function checkStageKind(kind: StageKind, path: string, findings: Findings): void {
  const wrong = (at: string, message: string) => findings.error('STAGE_KIND_INCONSISTENT', path, at, message)
  const legal = new Set(kind.legal_outcomes)
  const within = (outcomes: readonly string[], at: string) => {
    for (const outcome of outcomes)
      if (!legal.has(outcome)) wrong(at, `${outcome} is not among legal_outcomes; add it there or remove it here`)
  }
  within(kind.success_outcomes, 'success_outcomes')
  within(kind.failure_outcomes, 'failure_outcomes')
  within([kind.failure_outcome], 'failure_outcome')
  within(Object.keys(kind.owed_artifacts_by_outcome), 'owed_artifacts_by_outcome')
  for (const handIn of kind.hand_ins) within(handIn.outcomes, 'hand_ins')
  within(Object.keys(kind.allowed_result_classes_by_outcome), 'allowed_result_classes_by_outcome')
  checkClasses(kind, wrong)
  checkOwedPaths(kind, wrong)
}

function checkClasses(kind: StageKind, wrong: (at: string, message: string) => void): void {
  const at = 'allowed_result_classes_by_outcome'
  for (const outcome of kind.legal_outcomes) {
    const classes = kind.allowed_result_classes_by_outcome[outcome]
    const succeeds = kind.success_outcomes.includes(outcome)
    if (!classes) wrong(at, `${outcome} has no result class; give it one`)
    else if (succeeds && !classes.includes('success'))
      wrong(at, `${outcome} must carry the class success; add it, or take ${outcome} out of success_outcomes`)
    else if (!succeeds && classes.includes('success'))
      wrong(at, `${outcome} must not carry the class success; remove it, or add ${outcome} to success_outcomes`)
  }
  if (!kind.allowed_result_classes_by_outcome[kind.failure_outcome]?.includes('recoverable_failure'))
    wrong('failure_outcome', `${kind.failure_outcome} must allow the class recoverable_failure; add it`)
}

const CLOSURE_PATH = /^\{(rubric|verdict|report)\}$/

function checkOwedPaths(kind: StageKind, wrong: (at: string, message: string) => void): void {
  for (const { path } of Object.values(kind.owed_artifacts_by_outcome).flat()) {
    const isInside = !path.startsWith('/') && !path.includes('{') && !path.split('/').includes('..')
    if (isInside || (kind.closure_role && CLOSURE_PATH.test(path))) continue
    const closure = kind.closure_role ? ', or {rubric}, {verdict} or {report}' : ''
    wrong('owed_artifacts_by_outcome', `${path} leads elsewhere; give a path inside the run folder${closure}`)
  }
}
