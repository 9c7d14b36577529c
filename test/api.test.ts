/** The exported surface as a snapshot: an accidental change of it shows in review. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import * as api from '../src/index.ts'

const source = fs.readFileSync(path.join(import.meta.dirname, '../src/index.ts'), 'utf8')

test('the public API is exactly this', () => {
  const names = [...source.matchAll(/export (type )?\{([^}]*)\}/g)].flatMap(([, whole, list]) =>
    list!
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => (whole && !name.startsWith('type ') ? `type ${name}` : name)),
  )
  expect(names.sort()).toMatchInlineSnapshot(`
    [
      "ERROR_CODES",
      "EXIT",
      "MillraceError",
      "compile",
      "parseConfig",
      "parseDocument",
      "renderDocument",
      "route",
      "type CompileInput",
      "type Compiled",
      "type Config",
      "type Decision",
      "type DocumentKind",
      "type ErrorCode",
      "type Following",
      "type Handle",
      "type Loop",
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
      "type WorkDocument",
    ]
  `)
  const values = names.filter((name) => !name.startsWith('type ')).sort()
  expect(Object.keys(api).sort()).toEqual(values)
})
