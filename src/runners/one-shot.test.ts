import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import {
  agent,
  bundle,
  clock,
  endAll,
  eventually,
  requestIn,
  stillRunning,
  temporaryFolder,
} from '../../test/agents/rig.ts'
import type { Clock } from '../core/clock.ts'
import type { StageRequest } from '../core/request.ts'
import type { RawResult } from '../core/result.ts'
import { disk, type Files } from '../store/files.ts'
import { runFiles } from './artifacts.ts'
import { commandHarness } from './command.ts'
import { oneShotRunner } from './one-shot.ts'
import { processIdentity } from './process.ts'
import { renderPrompt } from './prompt.ts'
import { type Following, type Handle, isHandle, type Runner } from './runner.ts'

const workspace = temporaryFolder()
const requestIds: string[] = []
afterEach(() => endAll(requestIds.splice(0)))
afterAll(() => fs.rmSync(workspace, { recursive: true, force: true }))

interface Options {
  args?: string[]
  graceSeconds?: number
  outputBytesMax?: number
  stalledAfterSeconds?: number
  env?: Record<string, string>
  environment?: Record<string, string | undefined>
  files?: Files
  clock?: Clock
}

function runnerOf(command: string, options: Options = {}): Runner {
  const config = {
    command,
    args: options.args ?? [],
    line_buffered: false,
    env: options.env ?? {},
    env_pass: ['WANTED'],
  }
  const probe = async () => ({ runner: 'command', ok: true, binary: null, version: null, problem: null, remedy: null })
  return oneShotRunner(
    commandHarness(config, probe),
    {
      files: options.files ?? disk,
      clock: options.clock ?? clock,
      environment: options.environment ?? process.env,
      workspaceRoot: workspace,
    },
    {
      outputBytesMax: options.outputBytesMax ?? 50_000_000,
      stopGraceSeconds: options.graceSeconds ?? 5,
      stalledAfterSeconds: options.stalledAfterSeconds ?? 0,
    },
  )
}

const agentRunner = (name: string, args: string[] = [], options: Options = {}): Runner =>
  runnerOf(process.execPath, { ...options, args: [agent(name), ...args] })

function newRequest(changes: Partial<StageRequest> = {}): StageRequest {
  const request = requestIn(workspace, changes)
  requestIds.push(request.request_id)
  return request
}

async function started(runner: Runner, request: StageRequest): Promise<{ handle: Handle; following: Following }> {
  const handle = await runner.start(request)
  if (!isHandle(handle)) throw new Error(`not started: ${handle.message}`)
  return { handle, following: runner.follow(request, handle) }
}

async function ran(runner: Runner, request: StageRequest): Promise<RawResult> {
  return (await started(runner, request)).following.result
}

const json = (file: string) => JSON.parse(fs.readFileSync(file, 'utf8'))
const stdoutHas = (request: StageRequest, text: string) => () =>
  fs.existsSync(runFiles(request).stdout) && fs.readFileSync(runFiles(request).stdout, 'utf8').includes(text)

describe('an agent that does its work', () => {
  it('ends as exited with its final message, and its artifacts tell the whole story', async () => {
    const request = newRequest()
    const raw = await ran(agentRunner('ok', [], { env: { SECRET: 'do-not-write-me' } }), request)
    const run = runFiles(request)

    expect(raw).toMatchObject({ ending: 'exited', exit_code: 0, cause: null, message: null, swept: [], notes: [] })
    expect(raw.final_message).toBe('Changed two files.\n\n### BUILDER_COMPLETE\n')
    expect(raw.stdout_path).toBe(run.stdout)
    expect(fs.readFileSync(run.exit, 'utf8')).toBe('0\n')
    expect(json(run.handle)).toMatchObject({
      kind: 'runner_handle',
      request_id: request.request_id,
      runner_name: 'command',
    })
    expect(json(run.invocation)).toMatchObject({
      kind: 'runner_invocation',
      stage: 'builder',
      command: [process.execPath, agent('ok')],
      prompt_path: run.prompt,
      cwd: workspace,
    })
    expect(json(run.invocation).environment_names).toEqual(
      expect.arrayContaining(['MILLRACE_REQUEST_ID', 'PATH', 'SECRET']),
    )
    expect(json(run.completion)).toMatchObject({
      kind: 'runner_completion',
      exit_kind: 'completed',
      exit_code: 0,
      observed_exit_kind: null,
      failure_class: null,
      terminal_result_path: null,
    })
    for (const name of fs.readdirSync(request.run_dir)) {
      if (name === 'seen-environment.json') continue
      expect(fs.readFileSync(path.join(request.run_dir, name), 'utf8')).not.toContain('do-not-write-me')
    }
  })

  it('gets the very prompt on stdin: quotes, line feeds, backslashes and non-ASCII text survive', async () => {
    const reason = `it said "don't", 'x' $(rm) \\n \`\` – 日本語 🚂`
    const request = newRequest({ previous_attempt: { request_id: 'request-before', reason } })
    await ran(agentRunner('ok'), request)
    const seen = fs.readFileSync(path.join(request.run_dir, 'seen-prompt.md'), 'utf8')
    expect(seen).toBe(renderPrompt(request))
    expect(seen).toContain(reason)
    expect(json(runFiles(request).invocation).command.join(' ')).not.toContain('Stage Request Context')
  })

  it('sees the allowed part of the environment, what is passed or set, and the two variables of its stage', async () => {
    const request = newRequest()
    const environment = {
      PATH: process.env.PATH,
      WANTED: 'yes',
      UNWANTED: 'no',
      LC_TIME: 'C',
      MILLRACE_REQUEST_ID: 'outer',
    }
    await ran(agentRunner('ok', [], { environment, env: { EXTRA: '1', MILLRACE_RUN_DIR: 'forged' } }), request)
    const seen = json(path.join(request.run_dir, 'seen-environment.json'))
    expect(seen).toMatchObject({ WANTED: 'yes', LC_TIME: 'C', EXTRA: '1', MILLRACE_RUN_DIR: request.run_dir })
    expect(seen.MILLRACE_REQUEST_ID).toBe(request.request_id)
    expect(seen).not.toHaveProperty('UNWANTED')
  })

  it('may print what is not UTF-8 and use line separators', async () => {
    const raw = await ran(agentRunner('bytes'), newRequest())
    expect(raw.final_message).toBe('\ufffd\ufffdA\none\u2028line\n### BUILDER_COMPLETE')
  })

  it('is never started twice for one request', async () => {
    const request = newRequest()
    const runner = agentRunner('ok')
    await ran(runner, request)
    expect(await runner.start(request)).toMatchObject({
      ending: 'not_started',
      message: expect.stringContaining('never started twice'),
    })
  })

  it('keeps its result when the disk is too full to record it', async () => {
    const files: Files = {
      ...disk,
      rename(from, to) {
        if (/handle|completion/.test(to)) throw new Error('ENOSPC: no space left on device')
        disk.rename(from, to)
      },
    }
    const request = newRequest()
    const runner = agentRunner('ok', [], { files })
    const handle = await runner.start(request)
    if (!isHandle(handle)) throw new Error('not started')
    const raw = await runner.follow(request, handle).result
    expect(raw).toMatchObject({ ending: 'exited', exit_code: 0 })
    expect(raw.final_message).toContain('### BUILDER_COMPLETE')
    expect(raw.notes.join()).toContain('ENOSPC')
  })

  it('is heard of without waiting for the next poll', async () => {
    const delays: number[] = []
    for (let round = 0; round < 3; round++) {
      const runner = runnerOf('/bin/sh', { args: ['-c', 'sleep 0.22; echo x'] })
      const { handle, following } = await started(runner, newRequest())
      await eventually(() => !processIdentity.alive(handle.pid, handle.start_time, handle.boot_id))
      const goneMs = performance.now()
      await following.result
      delays.push(performance.now() - goneMs)
    }
    // The process table is looked at every 10 ms; a poll would come some 80 ms after the end.
    expect(Math.min(...delays)).toBeLessThan(40)
  })
})

describe('an agent that fails', () => {
  it('with a status other than 0 says so, with the last line of its stderr', async () => {
    const request = newRequest()
    const raw = await ran(agentRunner('die', ['3']), request)
    expect(raw).toMatchObject({ ending: 'exited', exit_code: 3, cause: null })
    expect(raw.message).toBe('The agent exited with status 3: the disk caught fire')
    expect(json(runFiles(request).completion)).toMatchObject({
      exit_kind: 'runner_error',
      exit_code: 3,
      failure_class: 'runner_non_zero_exit',
    })
  })

  it('because its program is missing is not started, and nothing is left to adopt', async () => {
    const request = newRequest()
    const runner = runnerOf('no-such-program')
    const raw = await runner.start(request)
    expect(raw).toMatchObject({ ending: 'not_started', cause: 'missing_binary', exit_code: 127 })
    expect(json(runFiles(request).completion)).toMatchObject({
      exit_kind: 'runner_error',
      exit_code: 127,
      failure_class: 'runner_binary_not_found',
    })
    expect(fs.readFileSync(runFiles(request).stderr, 'utf8')).toContain('no-such-program')
    expect(await runner.remains(request)).toEqual({ state: 'gone', begun: false })
  })

  it('with status 127 of its own is not taken for a missing program', async () => {
    const raw = await ran(runnerOf('/bin/sh', { args: ['-c', 'exit 127'] }), newRequest())
    expect(raw).toMatchObject({ ending: 'exited', exit_code: 127, cause: null })
  })

  it('because its directory is gone is not started', async () => {
    const request = newRequest({ workspace_root: path.join(workspace, 'gone') })
    expect(await agentRunner('ok').start(request)).toMatchObject({ ending: 'not_started', cause: null })
  })

  it('because someone killed it and its keeper is no success, whatever it printed', async () => {
    const request = newRequest()
    const { handle, following } = await started(agentRunner('hang'), request)
    await eventually(stdoutHas(request, 'thinking'))
    process.kill(handle.pid, 'SIGKILL')
    expect(await following.result).toMatchObject({ ending: 'killed', exit_code: null })
    expect(stillRunning(request)).toEqual([])
  })
})

describe('the limits of a stage', () => {
  it('end an agent that hangs until its time is up, with nothing left of it', async () => {
    const request = newRequest({ timeout_seconds: 1 })
    const raw = await ran(agentRunner('hang'), request)
    expect(raw).toMatchObject({ ending: 'timed_out', message: 'The agent did not end within 1 s and was stopped.' })
    expect(stillRunning(request)).toEqual([])
    expect(json(runFiles(request).completion)).toMatchObject({
      exit_kind: 'timeout',
      exit_code: 124,
      observed_exit_kind: 'runner_error',
      failure_class: 'runner_timeout',
    })
  })

  it('end an agent that floods its output', async () => {
    const request = newRequest()
    const raw = await ran(agentRunner('flood', [], { outputBytesMax: 1_000_000 }), request)
    expect(raw.ending).toBe('output_limit')
    expect(Buffer.byteLength(raw.final_message ?? '')).toBeLessThanOrEqual(1024 * 1024)
    expect(stillRunning(request)).toEqual([])
  })

  it('kill an agent that ignores TERM once its grace is over', async () => {
    const request = newRequest()
    const { following } = await started(agentRunner('stubborn', [], { graceSeconds: 0.5 }), request)
    await eventually(stdoutHas(request, 'not listening'))
    const beforeMs = performance.now()
    await following.stop('cancelled')
    const tookMs = performance.now() - beforeMs
    expect(tookMs).toBeGreaterThan(490)
    expect(tookMs).toBeLessThan(1500)
    expect(await following.result).toMatchObject({ ending: 'cancelled', exit_code: null })
    expect(stillRunning(request)).toEqual([])
  })
})

describe('a stop in the middle', () => {
  it('ends the agent at once if it listens, and counts as cancelled', async () => {
    const request = newRequest()
    const { following } = await started(agentRunner('hang'), request)
    await eventually(stdoutHas(request, 'thinking'))
    await Promise.all([following.stop('cancelled'), following.stop('cancelled')])
    expect(await following.result).toMatchObject({ ending: 'cancelled', message: 'The agent was stopped on request.' })
    expect(json(runFiles(request).completion)).toMatchObject({
      exit_kind: 'interrupted',
      failure_class: 'runner_interrupted',
    })
    expect(stillRunning(request)).toEqual([])
  })

  it('makes a marker that comes after it worthless', async () => {
    const request = newRequest()
    const runner = agentRunner('late-marker')
    const { following } = await started(runner, request)
    await eventually(stdoutHas(request, 'working'))
    await following.stop('cancelled')
    const raw = await following.result
    expect(raw.final_message).toContain('### BUILDER_COMPLETE')
    expect(raw).toMatchObject({ ending: 'cancelled', exit_code: 0 })
    expect(json(runFiles(request).completion)).toMatchObject({ observed_exit_kind: 'completed', observed_exit_code: 0 })
    expect((await runner.collect(request)).ending, 'also for a later runtime').toBe('cancelled')
  })

  it('skips the grace when the agent is to be killed, also after a polite stop', async () => {
    const request = newRequest()
    const { following } = await started(agentRunner('stubborn', [], { graceSeconds: 60 }), request)
    await eventually(stdoutHas(request, 'not listening'))
    void following.stop('cancelled')
    await following.stop('killed')
    expect((await following.result).ending).toBe('cancelled')
    expect(stillRunning(request)).toEqual([])
  })

  it('reaches a process in a session of its own that ignores TERM', async () => {
    const request = newRequest()
    const { following } = await started(agentRunner('stray', ['stay']), request)
    await eventually(stdoutHas(request, 'left something running'))
    expect(stillRunning(request).length).toBeGreaterThan(2)
    await following.stop('cancelled')
    expect(stillRunning(request)).toEqual([])
    const raw = await following.result
    expect(raw.swept.some((process) => process.command.includes('trap'))).toBe(true)
  })

  it('comes too late for an agent that has ended', async () => {
    const request = newRequest()
    const { handle, following } = await started(agentRunner('ok'), request)
    await eventually(() => !processIdentity.alive(handle.pid, handle.start_time, handle.boot_id))
    await following.stop('cancelled')
    expect((await following.result).ending).toBe('exited')
  })
})

describe('what an agent leaves behind', () => {
  it('is ended and named in the result', async () => {
    const request = newRequest()
    const raw = await ran(agentRunner('stray'), request)
    expect(raw).toMatchObject({ ending: 'exited', exit_code: 0 })
    expect(raw.swept.map((process) => process.command).join()).toContain('trap')
    expect(raw.notes.join()).toContain('left behind by the agent and ended')
    expect(stillRunning(request)).toEqual([])
  })

  it('is spared and named if the stage kind keeps its background', async () => {
    const request = newRequest({ keep_background: true })
    const runner = agentRunner('stray')
    const raw = await ran(runner, request)
    expect(raw.swept).toEqual([])
    expect(raw.notes.join()).toContain('left running')
    expect(stillRunning(request).length).toBeGreaterThan(0)
    expect(await runner.sweep(request.request_id)).toBeGreaterThan(0)
    expect(stillRunning(request)).toEqual([])
  })
})

describe('progress', () => {
  it('is the growth of what the agent printed', async () => {
    const request = newRequest()
    const { following } = await started(agentRunner('hang'), request)
    const before = following.progress()
    await eventually(() => following.progress().outputBytes > 0)
    expect(following.progress().outputBytes).toBe('thinking\n'.length)
    expect(following.progress().lastActivityMs).toBeGreaterThan(before.lastActivityMs)
    await following.stop('killed')
  })
})

describe('an agent whose runtime is killed', () => {
  const tools = temporaryFolder()
  const starter = bundle(path.join(import.meta.dirname, '../../test/agents/starter.ts'), tools)
  afterAll(() => fs.rmSync(tools, { recursive: true, force: true }))

  /** Starts the agent in a runtime of its own and kills that runtime with SIGKILL. */
  async function orphaned(request: StageRequest, name: string, args: string[]): Promise<Handle> {
    const requestFile = path.join(tools, `${request.request_id}.json`)
    fs.writeFileSync(requestFile, JSON.stringify(request))
    const runtime = spawn(process.execPath, [starter, requestFile, process.execPath, agent(name), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let printed = ''
    runtime.stdout.on('data', (chunk) => {
      printed += chunk
    })
    expect(await eventually(() => printed.endsWith('\n'))).toBe(true)
    const dead = new Promise((resolve) => runtime.once('exit', resolve))
    runtime.kill('SIGKILL')
    await dead
    return JSON.parse(printed)
  }

  it('lives on, is found alive, and its result is taken by the next one', async () => {
    const request = newRequest()
    const handle = await orphaned(request, 'slow', ['700'])
    const runner = agentRunner('slow')
    expect(await runner.remains(request)).toEqual({ state: 'alive', handle })
    const raw = await runner.follow(request, handle).result
    expect(raw).toMatchObject({
      ending: 'exited',
      exit_code: 0,
      final_message: 'started\ndone\n### BUILDER_COMPLETE\n',
      swept: [],
    })
    expect(raw.started_at).toBe(handle.started_at)
    expect(await runner.remains(request)).toEqual({ state: 'finished' })
  })

  it('ends, and its exit record wakes the next one: no poll has to come round', async () => {
    const request = newRequest()
    const handle = await orphaned(request, 'slow', ['300'])
    /** Waits of a poll's length never end. */
    const withoutPolls: Clock = {
      ...clock,
      after: (ms, callback) => (ms < 50 ? clock.after(ms, callback) : () => {}),
    }
    const raw = await agentRunner('slow', [], { clock: withoutPolls }).follow(request, handle).result
    expect(raw).toMatchObject({ ending: 'exited', exit_code: 0 })
  })

  it('is found by its pid file, or by its marker alone, if the handle was never written', async () => {
    const request = newRequest()
    const handle = await orphaned(request, 'hang', [])
    const runner = agentRunner('hang')
    const identity = { pid: handle.pid, start_time: handle.start_time, boot_id: handle.boot_id }
    fs.rmSync(runFiles(request).handle)
    expect(await runner.remains(request)).toMatchObject({ state: 'alive', handle: identity })
    fs.rmSync(runFiles(request).pid)
    const remains = await runner.remains(request)
    expect(remains).toMatchObject({ state: 'alive', handle: identity })
    if (remains.state !== 'alive') return
    expect(Math.abs(remains.handle.deadline_boot_ms - handle.deadline_boot_ms)).toBeLessThan(2000)
    const following = runner.follow(request, remains.handle)
    await following.stop('cancelled')
    expect((await following.result).ending).toBe('cancelled')
    expect(stillRunning(request)).toEqual([])
  })

  it('is stopped by the next one when its time is up', async () => {
    const request = newRequest({ timeout_seconds: 1 })
    const handle = await orphaned(request, 'hang', [])
    const raw = await agentRunner('hang').follow(request, handle).result
    expect(raw.ending).toBe('timed_out')
    expect(stillRunning(request)).toEqual([])
  })

  it('and which has ended meanwhile is collected without following', async () => {
    const request = newRequest()
    await orphaned(request, 'slow', ['100'])
    const runner = agentRunner('slow')
    expect(await eventually(() => fs.existsSync(runFiles(request).exit))).toBe(true)
    expect(await runner.remains(request)).toEqual({ state: 'finished' })
    const raw = await runner.collect(request)
    expect(raw).toMatchObject({
      ending: 'exited',
      exit_code: 0,
      final_message: 'started\ndone\n### BUILDER_COMPLETE\n',
      swept: [],
    })
    expect(json(runFiles(request).completion)).toMatchObject({
      exit_kind: 'completed',
      command: [process.execPath, agent('slow'), '100'],
    })
  })

  it('and which is killed as well is gone, and the sweep ends what it left', async () => {
    const request = newRequest()
    const handle = await orphaned(request, 'stray', ['stay'])
    await eventually(stdoutHas(request, 'left something running'))
    process.kill(-handle.pid, 'SIGKILL')
    const runner = agentRunner('stray')
    await eventually(() => !processIdentity.alive(handle.pid, handle.start_time, handle.boot_id))
    expect(await runner.remains(request)).toEqual({ state: 'gone', begun: true })
    expect(await runner.sweep(request.request_id)).toBeGreaterThan(0)
    expect(stillRunning(request)).toEqual([])
  })

  it('in the middle of a stop is still stopped, not taken for finished', async () => {
    const request = newRequest()
    const handle = await orphaned(request, 'late-marker', [])
    await eventually(stdoutHas(request, 'working'))
    fs.writeFileSync(runFiles(request).stop, JSON.stringify({ reason: 'cancelled' }))
    const raw = await agentRunner('late-marker').follow(request, handle).result
    expect(raw).toMatchObject({ ending: 'cancelled', exit_code: 0 })
  })
})
