import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { agent, clock, endAll, eventually, requestIn, stillRunning, temporaryFolder } from '../../../test/agents/rig.ts'
import { bundled } from '../../../test/rig/bundle.ts'
import { type Config, parseConfig } from '../../core/config.ts'
import type { StageRequest } from '../../core/request.ts'
import { disk } from '../../store/files.ts'
import { runFiles } from '../artifacts.ts'
import { runnersFor } from '../registry.ts'
import { isHandle } from '../runner.ts'
import { piArguments } from './pi.ts'
import { piTranscript } from './transcript.ts'

const workspace = temporaryFolder()
const requestIds: string[] = []
afterEach(() => endAll(requestIds.splice(0)))
afterAll(() => fs.rmSync(workspace, { recursive: true, force: true }))

const configured = (pi: Partial<Config['runners']['pi']> = {}) => parseConfig({ runners: { pi } }, 'test')
const request = requestIn(workspace)

describe('the command line of Pi', () => {
  it('is the documented one by default, without the prompt', () => {
    expect(piArguments(configured().runners.pi, request)).toEqual(
      'pi --mode rpc --no-session --no-context-files --no-skills'.split(' '),
    )
  })

  it('keeps the documented order with everything set, and prefers the effort of the stage', () => {
    const config = configured({
      command: '/opt/pi',
      args: ['--no-extensions'],
      provider: 'anthropic',
      thinking: 'minimal',
      disable_context_files: false,
      disable_skills: false,
    }).runners.pi
    const full: StageRequest = { ...request, model_name: 'opus', model_reasoning_effort: 'xhigh' }
    const start = '/opt/pi --no-extensions --mode rpc --no-session --provider anthropic'
    expect(piArguments(config, full).join(' ')).toBe(`${start} --model opus --thinking xhigh`)
    expect(piArguments(config, request).join(' ')).toBe(`${start} --thinking minimal`)
  })

  it.each(['--mode', '--mode=json', '--no-session', '--provider', '--model=x', '--thinking', '--no-context-files'])(
    'is not to be changed by %s among the arguments',
    (argument) => {
      expect(() => configured({ args: ['--verbose', argument] })).toThrow(
        new RegExp(`runners\\.pi\\.args.*${argument.split('=')[0]}`),
      )
    },
  )
})

describe('reading the log of Pi', () => {
  const at = new Date(2026, 2, 10, 14, 0)
  function read(records: unknown[], exitCode: number, stderr: string | null = null) {
    const transcript = piTranscript()
    const events = records.flatMap((record) =>
      transcript.line({ text: typeof record === 'string' ? record : JSON.stringify(record), truncated: false }),
    )
    return { events, ...transcript.findings({ exitCode, at, stdout: null, stderr, lastMessage: null }) }
  }
  const usage = (input: number, cost = 0) => ({ input, output: 1, cacheRead: 2, cacheWrite: 3, cost: { total: cost } })
  const message = (text: string, more: object = {}) => ({
    type: 'message_end',
    message: { role: 'assistant', content: [{ type: 'text', text }], stopReason: 'stop', ...more },
  })
  const stats = (input: number) => ({
    id: 'session-stats-1',
    type: 'response',
    data: { sessionId: 's', tokens: { input, output: 0, cacheRead: 0, cacheWrite: 0 }, cost: 0.5 },
  })

  it('adds up what each message used, cached tokens among the input', () => {
    const found = read([message('', { usage: usage(10, 0.25) }), message('', { usage: usage(20, 0.5) }), stats(1)], 0)
    expect(found.usage).toEqual({
      input_tokens: 40,
      cached_input_tokens: 4,
      output_tokens: 2,
      thinking_tokens: 0,
      total_tokens: 42,
      cache_write_tokens: 6,
      cost_usd: 0.75,
    })
    expect(read([message('', { usage: usage(10) })], 0).usage, 'no price is no cost').not.toHaveProperty('cost_usd')
  })

  it('takes the sums of the session where they know of more', () => {
    expect(read([message('', { usage: usage(10) }), stats(900)], 0).usage).toMatchObject({
      input_tokens: 900,
      cost_usd: 0.5,
    })
    expect(read([], 0).usage).toBeNull()
  })

  it('does not take what a failed request left for a final message', () => {
    const error = message('Half.\n\n### BUILDER_COMPLETE', { stopReason: 'error', errorMessage: '429 slow down' })
    expect(read([message('before'), error], 1)).toMatchObject({
      finalMessage: null,
      failure: { cause: 'rate_limit', message: '429 slow down' },
    })
    expect(read([error, message('after')], 0)).toMatchObject({ finalMessage: 'after', failure: null })
    const aborted = message('', { stopReason: 'aborted', errorMessage: 'Operation aborted' })
    expect(read([error, aborted], 1).failure, 'aborted while it tried again').toMatchObject({ cause: 'rate_limit' })
    expect(read([aborted], 1).failure).toMatchObject({ cause: null, message: 'Operation aborted' })
  })

  it('says so where the model cut its last message off', () => {
    const cut = message('Half a', { stopReason: 'length' })
    expect(read([cut], 0)).toMatchObject({ finalMessage: 'Half a', notes: [expect.stringContaining('cut the last')] })
    expect(read([cut, message('whole')], 0).notes).toEqual([])
  })

  it('trusts stderr only where Pi did not come to its end', () => {
    const stderr = 'Error: Unknown option: --no-such-thing\n'
    expect(read([], 1, stderr).failure).toMatchObject({ cause: 'wrong_version', message: stderr.trim() })
    expect(read([{ type: 'agent_start' }, message('x'), { type: 'agent_end' }], 0, stderr).failure).toBeNull()
  })

  it('tells what the agent does', () => {
    const content = [
      { type: 'thinking', thinking: 'Hm.' },
      { type: 'text', text: 'On it.' },
      { type: 'toolCall', name: 'bash' },
    ]
    const records = [
      message('', { content }),
      { type: 'tool_execution_start', toolCallId: 'c', toolName: 'write', args: { path: 'a.txt', content: 'x' } },
      { type: 'tool_execution_end', toolCallId: 'c', toolName: 'write', result: { content: [] }, isError: true },
      { type: 'auto_retry_start', errorMessage: '503' },
      { type: 'extension_ui_request', method: 'select', title: 'Which?' },
      { type: 'extension_ui_request', method: 'setStatus' },
      { type: 'progress' },
    ]
    expect(read(records, 0).events).toEqual([
      { event: 'reasoning', text: 'Hm.' },
      { event: 'message', text: 'On it.' },
      { event: 'tool_started', id: 'c', tool: 'write', detail: 'a.txt' },
      { event: 'tool_ended', id: 'c', tool: 'write', ok: false, detail: '' },
      { event: 'retry', text: '503' },
      { event: 'warning', text: 'answered with a cancel, as nobody is there: Which?' },
    ])
  })

  it('survives lines that are no records, and counts them', () => {
    const found = read(['banner', 'null', '{"type":"message_end","message":{"role":"assistant","content":7}}', ''], 0)
    expect(found).toMatchObject({ failure: null, finalMessage: null })
    expect(found.notes).toEqual(['2 lines of the event log are not events or are too long'])
  })
})

describe('running Pi', () => {
  const driver = bundled(path.join(import.meta.dirname, '../two-way/driver.ts'))
  const runnerOf = (pi: Partial<Config['runners']['pi']>) =>
    runnersFor(configured(pi), {
      files: disk,
      clock,
      environment: process.env,
      workspaceRoot: workspace,
      scriptedAgent: '',
      driver,
    }).get('pi_rpc')!
  const fake = (mode: string) => runnerOf({ command: process.execPath, args: [agent('pi')], env: { FAKE_PI: mode } })

  async function begun(mode: string, more: Partial<StageRequest> = {}) {
    const stage = requestIn(workspace, { runner_name: 'pi_rpc', ...more })
    requestIds.push(stage.request_id)
    const runner = fake(mode)
    const handle = await runner.start(stage)
    if (!isHandle(handle)) throw new Error(handle.message ?? '')
    return { stage, runner, following: runner.follow(stage, handle), files: runFiles(stage) }
  }

  it('gives final message, session, usage and cost, and the same again to a later runtime', async () => {
    const { stage, runner, following, files } = await begun('ok')
    const raw = await following.result
    const length = fs.readFileSync(files.prompt, 'utf8').length
    expect(raw).toMatchObject({
      ending: 'exited',
      exit_code: 0,
      session_id: 'session-7',
      final_message: `Read ${length} characters.\u2028Done.\n\n### BUILDER_COMPLETE`,
      token_usage: { input_tokens: 200, cached_input_tokens: 60, output_tokens: 40, cache_write_tokens: 20 },
      event_log_path: files.events,
      swept: [],
      notes: [],
    })
    expect(fs.readFileSync(files.stdout, 'utf8')).toBe(raw.final_message)
    const { command } = JSON.parse(fs.readFileSync(files.invocation, 'utf8')) as { command: string[] }
    expect(command.slice(command.indexOf('--') + 1)).toEqual([
      ...[process.execPath, agent('pi'), '--mode', 'rpc', '--no-session', '--no-context-files', '--no-skills'],
    ])
    const again = await runner.collect(stage)
    expect({ ...again, ended_at: raw.ended_at }).toEqual(raw)
  })

  it('never waits for an answer of a person', async () => {
    const raw = await (await begun('asks')).following.result
    expect(raw.final_message).toMatch(/"cancelled":true.*BUILDER_COMPLETE/s)
  })

  it('that tries again by itself is waited for', async () => {
    const raw = await (await begun('retries')).following.result
    expect(raw).toMatchObject({ ending: 'exited', exit_code: 0, cause: null })
    expect(raw.final_message).toBe('Done.\n\n### BUILDER_COMPLETE')
  }, 20_000)

  it.each([
    ['gives-up', 'provider_error', 'overloaded', '500 internal server error'],
    ['unauthorized', 'provider_error', 'auth', '401 bad key'],
    ['rejects', 'provider_error', 'auth', 'No API key found'],
    ['settles', 'exited', null, 'something new'],
    ['refuses', 'provider_error', 'wrong_version', 'Unknown option'],
    ['dies', 'exited', null, 'Out of memory, sorry'],
  ])('that %s ends as %s with cause %s', async (mode, ending, cause, said) => {
    const raw = await (await begun(mode)).following.result
    expect(raw).toMatchObject({ ending, cause, exit_code: 1, final_message: null })
    expect(raw.message).toContain(said)
  })

  it('that is stopped in a tool is asked to abort, and leaves nothing', async () => {
    const { stage, following, files } = await begun('works')
    expect(await eventually(() => stillRunning(stage).includes('sleep 300'))).toBe(true)
    await following.stop('cancelled')
    expect(await following.result).toMatchObject({ ending: 'cancelled' })
    expect(stillRunning(stage)).toEqual([])
    expect(fs.readFileSync(files.events, 'utf8')).toContain('"stopReason":"aborted"')
  })

  it('whose driver is killed leaves nothing either', async () => {
    const { stage, following } = await begun('works')
    expect(await eventually(() => stillRunning(stage).includes('sleep 300'))).toBe(true)
    const pid = Number(/(\d+)\n/.exec(fs.readFileSync(runFiles(stage).pid, 'utf8'))?.[1])
    const [child] = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    process.kill(Number(child), 'SIGKILL')
    const raw = await following.result
    expect(raw).toMatchObject({ ending: 'exited', exit_code: 137, final_message: null })
    expect(raw.swept.map(({ command }) => command)).toContain('sleep 300')
    expect(stillRunning(stage)).toEqual([])
  })

  it('that is not installed is said to be missing, not the driver', async () => {
    const raw = await runnerOf({ command: 'no-pi' }).start(requestIn(workspace, { runner_name: 'pi_rpc' }))
    expect(raw).toMatchObject({ ending: 'not_started', cause: 'missing_binary', exit_code: 127 })
    expect(raw).toHaveProperty('message', 'The program "no-pi" of runner pi_rpc was not found or may not be executed.')
  })

  it('cannot be held to a level, and is not started where one is asked for', async () => {
    const raw = await runnerOf({ permission_by_stage: { builder: 'basic' } }).start(requestIn(workspace))
    expect(raw).toMatchObject({ ending: 'not_started', cause: 'refused_permission' })
    expect(raw).toHaveProperty('message', expect.stringContaining('level basic'))
  })

  it('tells its version', async () => {
    const program = path.join(workspace, 'pi')
    fs.writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${agent('pi')}" "$@"\n`, { mode: 0o755 })
    expect(await runnerOf({ command: program }).probe()).toMatchObject({ ok: true, version: '0.0.0-fake' })
    expect(await runnerOf({ command: 'no-pi' }).probe()).toMatchObject({
      ok: false,
      remedy: expect.stringContaining('npm install -g @earendil-works/pi-coding-agent'),
    })
  })
})
