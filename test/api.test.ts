/** The exported surface as a snapshot: an accidental change of it shows in review. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import * as api from '../src/index.ts'
import * as testing from '../src/testing.ts'

/** What an entry file exports, types marked as such. */
function exportsOf(entry: string): string[] {
  const source = fs.readFileSync(path.join(import.meta.dirname, '../src', entry), 'utf8')
  return [...source.matchAll(/export (type )?\{([^}]*)\}/g)]
    .flatMap(([, whole, list]) =>
      list!
        .split(',')
        .map((name) => name.trim())
        .filter((name) => name !== '')
        .map((name) => (whole && !name.startsWith('type ') ? `type ${name}` : name)),
    )
    .sort()
}
const valuesOf = (entry: string) => exportsOf(entry).filter((name) => !name.startsWith('type '))

test('the public API is exactly this', () => {
  expect(exportsOf('index.ts')).toMatchInlineSnapshot(`
    [
      "ERROR_CODES",
      "EXIT",
      "MillraceError",
      "compile",
      "parseConfig",
      "parseDocument",
      "renderDocument",
      "route",
      "textTranscript",
      "type AgentEvent",
      "type Command",
      "type CompileInput",
      "type Compiled",
      "type Config",
      "type Decision",
      "type DocumentKind",
      "type ErrorCode",
      "type Findings",
      "type Following",
      "type Handle",
      "type Harness",
      "type HarnessSettings",
      "type Loop",
      "type MakeHarness",
      "type Mode",
      "type Plan",
      "type Progress",
      "type RawResult",
      "type Remains",
      "type Runner",
      "type RunnerProbe",
      "type RuntimeEvent",
      "type StageKind",
      "type StageRequest",
      "type StageResult",
      "type TerminalResult",
      "type Transcript",
      "type WorkDocument",
    ]
  `)
  expect(Object.keys(api).sort()).toEqual(valuesOf('index.ts'))
})

test('the conformance kit exports exactly this', () => {
  expect(exportsOf('testing.ts')).toMatchInlineSnapshot(`
    [
      "BEHAVIOURS",
      "conformance",
      "conformanceTable",
      "moduleRunner",
      "type Asked",
      "type Behaviour",
      "type Place",
      "type Prepared",
      "type Row",
      "type Seen",
      "type SingleTurn",
      "type Subject",
      "type Turn",
    ]
  `)
  expect(Object.keys(testing).sort()).toEqual(valuesOf('testing.ts'))
})
