import { expect, test } from 'vitest'
import { keyLines, lineOf } from './toml-lines.ts'

const TOML = `# a comment
[runtime]
default_mode = "x" # said = here

[runners.codex]
args = [
  "a = 1",
  "[b]",
]
env = { KEY = "v" }
"profile" = 'p'
[ stages . builder ] # spaced
model = """
timeout_seconds = 5
"""
timeout_seconds = 6
[[usage_governance.runtime_token_rules.rules]]
rule_id = "one"
[[usage_governance.runtime_token_rules.rules]]
rule_id = "two"
`
const lines = keyLines(TOML)

test.each([
  ['runtime.default_mode', 3],
  ['runners.codex.args', 6],
  ['runners.codex.env', 10],
  ['runners.codex.env.KEY', 10],
  ['runners.codex.profile', 11],
  ['stages.builder.model', 13],
  ['stages.builder.timeout_seconds', 16],
  ['usage_governance.runtime_token_rules.rules', 17],
  ['stages.builder', 12],
])('%s is set on line %d', (key, line) => {
  expect(lineOf(lines, key)).toBe(line)
})

test('what only looks like a key within a text, an array or a comment is none', () => {
  expect([lines.has('said'), lines.has('runners.codex.a'), lines.has('b')]).toEqual([false, false, false])
  expect(lineOf(lines, 'watchers.enabled')).toBeNull()
})

test('carriage returns and a text with quotes in it do not lead astray', () => {
  const windows = keyLines('[a]\r\nb = "x\\"[" # \'\'\'\r\nc = 1\r\n')
  expect([lineOf(windows, 'a.b'), lineOf(windows, 'a.c')]).toEqual([2, 3])
})
