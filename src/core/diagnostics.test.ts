import { expect, test } from 'vitest'
import { describeFormat } from '../../test/rig/format.ts'
import { CompileDiagnostics, describeDiagnostic, Findings } from './diagnostics.ts'

const report = {
  schema_version: '2.0',
  kind: 'compile_diagnostics',
  ok: false,
  mode_id: 'mine',
  compiled_plan_id: null,
  used_last_known_good: true,
  diagnostics: [{ code: 'LOOP_UNKNOWN', severity: 'error', path: 'modes/mine.json', at: null, message: 'A message.' }],
  emitted_at: '2026-03-02T12:00:00.000Z',
}

describeFormat('the report of a compile', {
  schema: CompileDiagnostics,
  full: { ...report, compiled_plan_id: 'plan-1', diagnostics: [{ ...report.diagnostics[0], at: 'mode_id' }] },
  least: report,
  filled: report,
  words: {
    schema_version: ['2.0'],
    kind: ['compile_diagnostics'],
    'diagnostics.0.severity': ['error', 'warning'],
  },
})

test('a name as long as a book is told in a few words', () => {
  const findings = new Findings()
  const name = 'a'.repeat(100_000)
  findings.error('MODE_STAGE_OUTSIDE_LOOPS', 'modes/m.json', `stage_runner_bindings.${name}`, `no stage ${name}`)
  findings.warn('SKILL_MISSING', 'modes/m.json', null, name)
  expect(describeDiagnostic(findings.all[0]!)).toMatch(/^MODE_STAGE_OUTSIDE_LOOPS modes\/m\.json \(stage_runner_/)
  expect(JSON.stringify(findings.all).length).toBeLessThan(10_000)
  expect(findings.all[1]).toMatchObject({ at: null, severity: 'warning' })
})
