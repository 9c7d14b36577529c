import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { clock, endAll, requestIn, stillRunning, temporaryFolder } from '../../test/agents/rig.ts'
import type { RawResult } from '../core/result.ts'
import { disk } from '../store/files.ts'
import { commandHarness } from './command.ts'
import { oneShotRunner } from './one-shot.ts'
import { isHandle } from './runner.ts'

const workspace = temporaryFolder()
const requestIds: string[] = []
afterEach(() => endAll(requestIds.splice(0)))
afterAll(() => fs.rmSync(workspace, { recursive: true, force: true }))

/** How a shell script ends that may be without a sign of life for a second, and may take three. */
async function ran(script: string, stalledAfterSeconds = 1): Promise<{ raw: RawResult; left: string[] }> {
  const request = requestIn(workspace, { timeout_seconds: 3 })
  requestIds.push(request.request_id)
  const config = { command: '/bin/sh', args: ['-c', script], line_buffered: false, env: {}, env_pass: [] }
  const probe = async () => ({ runner: 'command', ok: true, binary: null, version: null, problem: null, remedy: null })
  const runner = oneShotRunner(
    commandHarness(config, probe),
    { files: disk, clock, environment: process.env, workspaceRoot: workspace },
    { outputBytesMax: 50_000_000, stopGraceSeconds: 5, stalledAfterSeconds },
  )
  const handle = await runner.start(request)
  if (!isHandle(handle)) throw new Error(`not started: ${handle.message}`)
  const raw = await runner.follow(request, handle).result
  return { raw, left: stillRunning(request) }
}

describe('an agent without a sign of life', () => {
  it('is stopped, with nothing left of it, and its result says why', async () => {
    const { raw, left } = await ran('echo thinking; sleep 300 & wait')
    expect(raw).toMatchObject({
      ending: 'stalled',
      cause: null,
      message: 'The agent showed no sign of life for 1 s and was stopped.',
    })
    expect(Date.parse(raw.ended_at) - Date.parse(raw.started_at)).toBeGreaterThanOrEqual(1000)
    expect(left).toEqual([])
  })

  it('is left alone where nobody asked for it', async () => {
    expect((await ran('sleep 300', 0)).raw.ending).toBe('timed_out')
  })

  it('is stopped though the folder of the runtime changes all the time', async () => {
    const file = path.join(workspace, 'millrace-agents/state/runtime_snapshot.json')
    fs.mkdirSync(path.dirname(file), { recursive: true })
    const writing = setInterval(() => fs.writeFileSync(file, String(Math.random())), 100)
    expect((await ran('sleep 300')).raw.ending).toBe('stalled')
    clearInterval(writing)
  })
})

describe('no sign of life is missed in', () => {
  it.each([
    ['an agent that prints now and then', 'while :; do echo on; sleep 0.4; done'],
    ['one that prints errors only', 'while :; do echo on >&2; sleep 0.4; done'],
    ['a tool at work in a session of its own', "setsid sh -c 'while :; do :; done' & sleep 300"],
    ['one that changes a file deep in the tree', 'mkdir -p a/b; while :; do date >a/b/c; sleep 0.4; done'],
    ['one that changes a file of its run folder', 'while :; do date >"$MILLRACE_RUN_DIR/notes.md"; sleep 0.4; done'],
  ])('%s', async (_title, script) => {
    expect((await ran(script)).raw.ending).toBe('timed_out')
  })
})
