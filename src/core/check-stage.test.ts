import { describe, expect, it } from 'vitest'
import { assetsWith } from '../../test/rig/assets.ts'
import { parseFamilies } from './assets.ts'
import { checkStageKind } from './check-stage.ts'
import { Findings } from './diagnostics.ts'
import type { StageKind } from './stage.ts'

const { stageKinds } = parseFamilies(assetsWith())

function messagesOn(change: (kind: StageKind) => void, id = 'checker'): string[] {
  const kind = structuredClone(stageKinds.get(id)!.value)
  change(kind)
  const findings = new Findings()
  checkStageKind(kind, 'kind.json', findings)
  for (const finding of findings.all)
    expect(finding).toMatchObject({ code: 'STAGE_KIND_INCONSISTENT', path: 'kind.json' })
  return findings.all.map(({ at, message }) => `${at}: ${message}`)
}

const owing = (path: string) => (kind: StageKind) => {
  kind.owed_artifacts_by_outcome = { [kind.success_outcomes[0]!]: [{ name: 'n', path, format: 'text', reuse: false }] }
}

describe('a stage kind', () => {
  it.each([...stageKinds.keys()])('%s is shipped consistent', (id) => {
    expect(messagesOn(() => {}, id)).toEqual([])
  })

  it('may speak of its own outcomes only, wherever it does', () => {
    const mend = 'X is not among legal_outcomes; add it there or remove it here'
    const found = messagesOn((kind) => {
      kind.success_outcomes.push('X')
      kind.failure_outcomes.push('X')
      kind.owed_artifacts_by_outcome.X = []
      kind.hand_ins.push({ kind: 'task', outcomes: ['X'], at_least: 0 })
      kind.allowed_result_classes_by_outcome.X = ['blocked']
    })
    expect(found).toEqual(
      [
        'success_outcomes',
        'failure_outcomes',
        'owed_artifacts_by_outcome',
        'hand_ins',
        'allowed_result_classes_by_outcome',
      ].map((at) => `${at}: ${mend}`),
    )
  })

  it('needs a failure outcome that is its own and may be recoverable, for what the runtime records itself', () => {
    expect(messagesOn((kind) => Object.assign(kind, { failure_outcome: 'X' }))).toEqual([
      'failure_outcome: X is not among legal_outcomes; add it there or remove it here',
      'failure_outcome: X must allow the class recoverable_failure; add it',
    ])
    expect(
      messagesOn((kind) => Object.assign(kind.allowed_result_classes_by_outcome, { BLOCKED: ['blocked'] })),
    ).toEqual(['failure_outcome: BLOCKED must allow the class recoverable_failure; add it'])
  })

  it('gives every outcome a class, and the class success to exactly its successes', () => {
    const found = messagesOn((kind) => {
      kind.legal_outcomes.push('NEW')
      kind.allowed_result_classes_by_outcome.CHECKER_PASS = ['no_op']
      kind.allowed_result_classes_by_outcome.FIX_NEEDED = ['success']
    })
    expect(found).toEqual([
      'allowed_result_classes_by_outcome: CHECKER_PASS must carry the class success; add it, or take CHECKER_PASS out of success_outcomes',
      'allowed_result_classes_by_outcome: FIX_NEEDED must not carry the class success; remove it, or add FIX_NEEDED to success_outcomes',
      'allowed_result_classes_by_outcome: NEW has no result class; give it one',
    ])
  })

  it.each(['/etc/passwd', '../secret', 'a/../../b', '{other}', 'x/{report}', '{verdict}'])(
    'may not owe a file at %s',
    (path) => {
      expect(messagesOn(owing(path))).toEqual([
        `owed_artifacts_by_outcome: ${path} leads elsewhere; give a path inside the run folder`,
      ])
    },
  )

  it.each(['summary.md', 'deep/er/notes.json', '..notes'])('may owe a file at %s', (path) => {
    expect(messagesOn(owing(path))).toEqual([])
  })

  it.each(['{rubric}', '{verdict}', '{report}'])('that judges closure may owe %s', (path) => {
    expect(messagesOn(owing(path), 'arbiter')).toEqual([])
    for (const other of ['{other}', 'x/{report}', '{report}.md'])
      expect(messagesOn(owing(other), 'arbiter')[0]).toContain('or {rubric}, {verdict} or {report}')
  })
})
