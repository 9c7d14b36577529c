import { expect, test } from 'vitest'
import { describeDiagnostic, Findings } from './diagnostics.ts'

test('a name as long as a book is told in a few words', () => {
  const findings = new Findings()
  const name = 'a'.repeat(100_000)
  findings.error('MODE_STAGE_OUTSIDE_LOOPS', 'modes/m.json', `stage_runner_bindings.${name}`, `no stage ${name}`)
  findings.warn('SKILL_MISSING', 'modes/m.json', null, name)
  expect(describeDiagnostic(findings.all[0]!)).toMatch(/^MODE_STAGE_OUTSIDE_LOOPS modes\/m\.json \(stage_runner_/)
  expect(JSON.stringify(findings.all).length).toBeLessThan(10_000)
  expect(findings.all[1]).toMatchObject({ at: null, severity: 'warning' })
})
