/**
 * Every file of a workspace that has seen some work is spoiled in turn, and everything that can be read is read: an answer
 * or a sentence comes each time, never a defect of ours.
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { asMillraceError } from '../../src/core/errors.ts'
import type { InputField, Operation } from '../../src/core/operation.ts'
import type { Context } from '../../src/operations/context.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import type { Runner } from '../../src/runners/runner.ts'
import { contextIn } from '../rig/context.ts'
import { type WorkedWorkspace, workedWorkspace } from './workspace.ts'

type Read = Operation<Context, Record<string, unknown>, unknown>

/** Reading verbs that look at no file of a workspace, or write one elsewhere. */
const ELSEWHERE = new Set(['daemon status', 'docs', 'schema', 'completion', 'skills export'])

/** Others that write nothing as they are asked here. */
const EXAMINING = new Set(['doctor', 'upgrade', 'gc'])

const SPOILED: readonly (readonly [what: string, bytes: Uint8Array])[] = [
  ['bytes that are no text', Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x0a, 0x80])],
  ['JSON of another kind', Buffer.from('[null]\n')],
  ['nothing', Buffer.from('null\n')],
]

let worked: WorkedWorkspace
let reads: Read[]
beforeAll(async () => {
  worked = await workedWorkspace()
  const all = await Promise.all(OPERATIONS.map(async ({ load }) => (await load()) as unknown as Read))
  reads = all.filter(({ flavour, name }) => (flavour === 'read' && !ELSEWHERE.has(name)) || EXAMINING.has(name))
})
afterAll(() => worked.dispose())

/** Values for the fields that have to be given. */
function inputOf({ input }: Read): Record<string, unknown> {
  const given = input.filter(({ required, positional }) => required === true || positional === true)
  return Object.fromEntries(given.flatMap((field) => memberOf(field)))
}

function memberOf({ name, type, required }: InputField): [string, unknown][] {
  const value = VALUES[name]?.() ?? (required === true ? 'standard' : null)
  return value === null ? [] : [[name, type === 'list' ? [value] : value]]
}

const VALUES: Readonly<Record<string, () => string>> = {
  work_item_id: () => 'T-1',
  run_id: () => worked.runId,
  ref: () => worked.runId,
  id: () => worked.runId,
  subject: () => worked.runId,
  root_spec_id: () => 'S-1',
  skill_id: () => 'builder-core',
  stage_kind_id: () => 'builder',
  loop_id: () => 'execution.standard',
}

/** What people and agents read, and the runtime only names. */
const PROSE = /(^|\/)(entrypoints|skills|docs)\/|_summary\.md$|^(outline|historylog)\.md$/

/** One file of each kind, of the run that is asked about where it has one: ids and numbers make no other kind. */
function oneOfEachKind({ root, runId }: WorkedWorkspace): string[] {
  const top = path.join(root, 'millrace-agents')
  const isOfRun = (name: string): number => (name.includes(runId) ? 1 : 0)
  const names = (fs.readdirSync(top, { recursive: true }) as string[])
    .filter((name) => fs.lstatSync(path.join(top, name)).isFile() && !PROSE.test(name))
    .sort((a, b) => isOfRun(a) - isOfRun(b) || (a < b ? -1 : 1))
  const kinds = new Map(names.map((name) => [name.replace(/[0-9a-f-]{8,}|\d+/g, '#'), name]))
  return [...kinds.values()]
}

test('whatever lies in the place of a file, what is read ends in an answer or in a sentence', async () => {
  const { root } = worked
  const files = oneOfEachKind(worked)
  expect(files.length).toBeGreaterThan(20)
  expect(reads.length).toBeGreaterThan(20)
  const context = { ...contextIn(root), runners: () => new Map<string, Runner>() }
  const broken: string[] = []
  for (const file of files) {
    const at = path.join(root, 'millrace-agents', file)
    const sound = fs.readFileSync(at)
    for (const [what, bytes] of SPOILED) {
      fs.writeFileSync(at, bytes)
      const told = await Promise.all(
        reads.map((read) =>
          read.run(context, inputOf(read)).then(
            () => [],
            (thrown: unknown) => {
              const { code, message } = asMillraceError(thrown)
              return code === 'internal' ? [`${read.name}: ${file} holds ${what}: ${message}`] : []
            },
          ),
        ),
      )
      broken.push(...told.flat())
    }
    fs.writeFileSync(at, sound)
  }
  expect(broken).toEqual([])
}, 280_000)
