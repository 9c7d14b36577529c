/** Health: what it says of a workspace in order, and of one with a fault put into each of its parts. */
import * as fs from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { health } from '../../src/operations/doctor/health.ts'
import { Health, type HealthOutput } from '../../src/operations/schemas/doctor.ts'
import { contextIn, newWorkspace, type TestWorkspace } from '../rig/context.ts'

const opened: TestWorkspace[] = []
let prerequisites: HealthOutput['runner_prerequisites'] = []
let ready: boolean[] = []
afterEach(() => {
  for (const workspace of opened.splice(0)) workspace.dispose()
})

async function examined(spoil: (workspace: TestWorkspace) => void = () => {}) {
  const workspace = await newWorkspace()
  opened.push(workspace)
  fs.writeFileSync(workspace.at('millrace.toml'), THERE)
  spoil(workspace)
  const started: string[] = []
  const exec = async (file: string) => {
    started.push(file)
    throw new Error('nothing may be started')
  }
  const answer = await health.run(contextIn(workspace.root, { exec: exec as never }), {})
  expect(Health.safeParse(answer).error).toBeUndefined()
  expect(started).toEqual([])
  prerequisites = answer.runner_prerequisites
  ready = [answer.bootstrap_ready, answer.execution_ready]
  return {
    ok: answer.ok,
    status: answer.status,
    checks: Object.fromEntries(answer.checks.map((one) => [one.check_id, one.status])),
  }
}

/** A program that is there, and something it can log in with. */
const THERE = `[runners.codex]
command = ${JSON.stringify(process.execPath)}
env = { CODEX_API_KEY = "made-up" }
`

const GOOD = {
  'config.load': 'pass',
  'workspace.directories': 'pass',
  'workspace.files': 'pass',
  'assets.required': 'pass',
  'execution.runners': 'pass',
}

test('a fresh workspace passes every check, and no process is started for it', async () => {
  expect(await examined()).toEqual({ ok: true, status: 'pass', checks: GOOD })
})

test.each([
  ['a folder that is missing', 'workspace.directories', (at: TestWorkspace['at']) => fs.rmdirSync(at('tasks/done'))],
  [
    'a state file that is missing',
    'workspace.files',
    (at: TestWorkspace['at']) => fs.rmSync(at('state/recovery_counters.json')),
  ],
  [
    'a mode that does not compile',
    'assets.required',
    (at: TestWorkspace['at']) =>
      fs.writeFileSync(at('millrace.toml'), `[runtime]\ndefault_mode = "no_such_mode"\n${THERE}`),
  ],
])('%s fails its own check', async (_what, check, spoil) => {
  expect(await examined(({ at }) => spoil(at))).toEqual({
    ok: false,
    status: 'fail',
    checks: { ...GOOD, [check]: 'fail' },
  })
})

test('a config that cannot be read fails, and keeps the assets from being looked at', async () => {
  const spoiled = await examined(({ at }) => fs.writeFileSync(at('millrace.toml'), '[runtime\n'))
  expect(spoiled).toEqual({
    ok: false,
    status: 'fail',
    checks: { ...GOOD, 'config.load': 'fail', 'assets.required': 'warn', 'execution.runners': 'fail' },
  })
})

test('a program that is not there fails its own check, and names the stages that need it', async () => {
  const spoiled = await examined(({ at }) =>
    fs.writeFileSync(at('millrace.toml'), '[runners.codex]\ncommand = "nope"\n'),
  )
  expect(spoiled).toEqual({ ok: false, status: 'fail', checks: { ...GOOD, 'execution.runners': 'fail' } })
  expect(ready).toEqual([true, false])
  expect(prerequisites).toMatchObject([
    { runner: 'codex_cli', executable: 'nope', available: false, auth_status: 'unknown', resolved_path: null },
  ])
  expect(prerequisites[0]?.affected_stages).toContain('builder')
  expect(prerequisites[0]?.details.join()).toContain('npm install')
})

test('a program with nothing to log in with fails its own check', async () => {
  const config = `[runners.codex]\ncommand = ${JSON.stringify(process.execPath)}\n`
  const spoiled = await examined(({ at }) => fs.writeFileSync(at('millrace.toml'), config))
  expect(spoiled.checks['execution.runners']).toBe('fail')
  expect(prerequisites).toMatchObject([{ available: true, auth_status: 'missing', resolved_path: process.execPath }])
})
