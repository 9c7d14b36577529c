import { describe, expect, it } from 'vitest'
import { clip, issuesText, problemsText } from './clip.ts'
import { TerminalResult } from './result.ts'

describe('clip', () => {
  it('leaves a text that fits alone and ends a longer one in an ellipsis', () => {
    expect(clip('abcde', 5)).toBe('abcde')
    expect(clip('abcdef', 5)).toBe('abcd…')
  })

  it('never leaves half a character', () => {
    expect(clip('abc😀def', 5)).toBe('abc…')
  })
})

describe('problems', () => {
  it('are all told while there are few, and counted beyond that', () => {
    expect(problemsText(['a', 'b'])).toBe('a; b')
    const many = Array.from({ length: 1000 }, (_, index) => `${index} ${'x'.repeat(10_000)}`)
    expect(problemsText(many)).toMatch(/^0 x+…; .*; and 980 more$/)
    expect(problemsText(many).length).toBeLessThan(10_000)
  })

  it('of a schema name their place', () => {
    const issues = TerminalResult.safeParse({ terminal_result: 5, notes: ['a', 6] }).error!.issues
    expect(issuesText(issues)).toMatch(/^terminal_result: .*; notes\.1: /)
    const { error } = TerminalResult.safeParse({ terminal_result: 'BLOCKED', unheard_of: 1 })
    expect(issuesText(error!.issues)).toBe('Unrecognized key: "unheard_of"')
  })
})
