import { describe, expect, it } from 'vitest'
import { type Verdict, verdictObjection } from './verdict.ts'

type Result = Verdict['criteria'][number]['result']

function verdict(changes: Partial<Verdict> = {}, ...results: Result[]): string {
  const criteria = (results.length > 0 ? results : (['pass'] as Result[])).map((result, index) => ({
    id: `C${index + 1}`,
    text: 'It works.',
    result,
    evidence: ['npm test'],
  }))
  const whole: Verdict = {
    schema_version: '1.0',
    kind: 'closure_verdict',
    root_spec_id: 'root',
    verdict: 'pass',
    criteria,
    summary: 'All good.',
    ...changes,
  }
  return JSON.stringify(whole)
}

const objection = (text: string, resultClass = 'success') => verdictObjection(text, 'root', resultClass)

describe('a pass', () => {
  it('is supported by a verdict that says pass with every criterion passed', () => {
    expect(objection(verdict({}, 'pass', 'pass'))).toBeNull()
  })

  it.each([
    [['pass', 'fail'], 'the verdict says pass, but criteria C2 did not'],
    [['unverified', 'pass', 'fail'], 'the verdict says pass, but criteria C1, C3 did not'],
  ] as [Result[], string][])('is not supported by criteria %j', (results, message) => {
    expect(objection(verdict({}, ...results))).toBe(message)
  })

  it.each(['gap', 'blocked'] as const)('is not supported by a verdict that says %s', (said) => {
    expect(objection(verdict({ verdict: said }))).toBe(`the verdict says ${said}`)
  })
})

describe('a gap', () => {
  it('is supported by a verdict that says gap and shows one', () => {
    expect(objection(verdict({ verdict: 'gap' }, 'pass', 'unverified'), 'followup_needed')).toBeNull()
  })

  it('is not supported by a verdict without a gap to show, or that says pass', () => {
    expect(objection(verdict({ verdict: 'gap' }), 'followup_needed')).toBe(
      'a gap was reported, but the verdict says gap with 0 open criteria',
    )
    expect(objection(verdict({}, 'fail'), 'followup_needed')).toBe(
      'a gap was reported, but the verdict says pass with 1 open criteria',
    )
  })
})

describe('any verdict', () => {
  it('must judge the root it was asked about', () => {
    expect(objection(verdict({ root_spec_id: 'other' }))).toBe('the verdict judges other, not root')
    expect(verdictObjection(verdict({ root_spec_id: 'other' }), null, 'success')).toBeNull()
  })

  it.each([
    ['', 'the verdict is not JSON: '],
    ['passed', 'the verdict is not JSON: '],
    ['[]', 'the verdict does not follow its schema: '],
    ['{}', 'the verdict does not follow its schema: '],
    [verdict({ criteria: [] }), 'the verdict does not follow its schema: criteria: '],
    [verdict({ note: 'x' } as never), 'the verdict does not follow its schema: '],
    [verdict({ verdict: 'maybe' as never }), 'the verdict does not follow its schema: verdict: '],
  ])('that reads %j supports nothing', (text, start) => {
    expect(objection(text)?.startsWith(start)).toBe(true)
  })

  it('does not stand in the way of a stage that gave up', () => {
    expect(objection(verdict({ verdict: 'blocked' }, 'unverified'), 'blocked')).toBeNull()
  })
})
