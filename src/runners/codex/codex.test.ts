import * as fs from 'node:fs'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { agent, clock, endAll, requestIn, temporaryFolder } from '../../../test/agents/rig.ts'
import { parseConfig } from '../../core/config.ts'
import { permissionLevel } from '../../core/permission.ts'
import type { StageRequest } from '../../core/request.ts'
import { disk } from '../../store/files.ts'
import { runFiles } from '../artifacts.ts'
import { runnersFor } from '../registry.ts'
import { isHandle } from '../runner.ts'
import { type CodexConfig, codexArguments, codexTranscript } from './codex.ts'

const workspace = temporaryFolder()
const requestIds: string[] = []
afterEach(() => endAll(requestIds.splice(0)))
afterAll(() => fs.rmSync(workspace, { recursive: true, force: true }))

const configured = (codex: Partial<CodexConfig> = {}) => parseConfig({ runners: { codex } }, 'test')
const request = requestIn(workspace)
const run = runFiles(request)

describe('the command line of Codex', () => {
  it('is the documented one by default, with the prompt on stdin', () => {
    expect(codexArguments(configured().runners.codex, request, run)).toEqual([
      'codex',
      'exec',
      '--skip-git-repo-check',
      '--dangerously-bypass-approvals-and-sandbox',
      '--cd',
      workspace,
      '--json',
      '--output-last-message',
      run.lastMessage,
      '-',
    ])
  })

  it('keeps the documented order with everything set', () => {
    const config = configured({
      command: '/opt/codex',
      args: ['exec', '--ephemeral'],
      profile: 'work',
      skip_git_repo_check: false,
      permission_default: 'elevated',
      extra_config: ['a="1"', 'b=2'],
      model_reasoning_effort: 'low',
    }).runners.codex
    const full: StageRequest = { ...request, model_name: 'gpt-x', model_reasoning_effort: 'high' }
    expect(codexArguments(config, full, run)).toEqual([
      ...['/opt/codex', 'exec', '--ephemeral', '--profile', 'work', '--model', 'gpt-x'],
      ...['-c', 'approval_policy="never"', '--sandbox', 'danger-full-access', '-c', 'a="1"', '-c', 'b=2'],
      ...[
        '-c',
        'model_reasoning_effort="high"',
        '--cd',
        workspace,
        '--json',
        '--output-last-message',
        run.lastMessage,
        '-',
      ],
    ])
    expect(codexArguments(config, request, run)).toContain('model_reasoning_effort="low"')
  })

  it('takes the permission by stage, else by model, else from the request, else the default', () => {
    const config = configured({
      permission_default: 'maximum',
      permission_by_stage: { builder: 'basic' },
      permission_by_model: { 'gpt-x': 'elevated' },
    }).runners.codex
    const checker = { ...request, stage_kind_id: 'checker' }
    expect(permissionLevel(config, { ...request, model_name: 'gpt-x', permission_level: 'maximum' })).toBe('basic')
    expect(permissionLevel(config, { ...checker, model_name: 'gpt-x', permission_level: 'basic' })).toBe('elevated')
    expect(permissionLevel(config, { ...checker, permission_level: 'basic' })).toBe('basic')
    expect(permissionLevel(config, checker)).toBe('maximum')
    expect(permissionLevel(config, { ...checker, stage_kind_id: 'constructor' }), 'no inherited member counts').toBe(
      'maximum',
    )
  })
})

describe('reading the events of Codex', () => {
  const at = new Date(2026, 2, 10, 14, 0)
  function read(events: unknown[], exitCode: number, files: { stderr?: string; lastMessage?: string } = {}) {
    const transcript = codexTranscript()
    for (const event of events) {
      transcript.line({ text: typeof event === 'string' ? event : JSON.stringify(event), truncated: false })
    }
    return transcript.findings({
      exitCode,
      at,
      stdout: null,
      stderr: files.stderr ?? null,
      lastMessage: files.lastMessage ?? null,
    })
  }
  const message = (text: string) => ({ type: 'item.completed', item: { type: 'agent_message', text } })

  it('takes the last message, and prefers the file Codex left of it', () => {
    expect(read([message('one'), message('two')], 0).finalMessage).toBe('two')
    expect(read([message('one')], 0, { lastMessage: 'from file' }).finalMessage).toBe('from file')
    expect(read([], 0, { lastMessage: ' \n' }).finalMessage).toBeNull()
  })

  it('takes an error that a later success made good for none', () => {
    const events = [
      { type: 'error', message: 'Reconnecting... 1/5' },
      { type: 'turn.completed', usage: {} },
    ]
    expect(read(events, 0).failure).toBeNull()
  })

  it('knows what it waited for when it was stopped, and forgets it once the work went on', () => {
    const waiting = { type: 'error', message: 'Reconnecting... waiting for network (Connection failed)' }
    const warning = { type: 'item.completed', item: { type: 'error', message: 'unknown model metadata' } }
    expect(read([{ type: 'turn.started' }, waiting, warning], 143).failure).toMatchObject({ cause: 'network' })
    expect(read([{ type: 'turn.started' }, waiting, message('on with it')], 143).failure).toBeNull()
  })

  it('knows a used-up limit and when it ends', () => {
    const text = "You've hit your usage limit. To get more access now, try again at 3:05 PM."
    const { failure } = read([{ type: 'turn.started' }, { type: 'turn.failed', error: { message: text } }], 1)
    expect(failure).toEqual({ cause: 'quota', message: text, resetsAt: new Date(2026, 2, 10, 15, 6).toISOString() })
  })

  it('trusts stderr only for a start that failed', () => {
    const stderr = 'error: Missing environment variable: KEY\n'
    expect(read([], 1, { stderr }).failure).toMatchObject({ cause: 'auth' })
    expect(read([{ type: 'turn.started' }], 1, { stderr }).failure).toBeNull()
    expect(read([], 0, { stderr }).failure).toBeNull()
  })

  it('survives lines that are no events, too long, or of unknown types', () => {
    const transcript = codexTranscript()
    transcript.line({ text: '{"type":"item.completed","item":{"type":"agent_me', truncated: true })
    for (const text of [
      'not json',
      '[]',
      'null',
      '',
      '{"type":"new.thing","x":1}',
      '{"item":null,"type":"item.completed"}',
    ]) {
      transcript.line({ text, truncated: false })
    }
    const findings = transcript.findings({ exitCode: 0, at, stdout: null, stderr: null, lastMessage: null })
    expect(findings.failure).toBeNull()
    expect(findings.notes).toEqual(['4 lines of the event log are not events or are too long'])
  })
})

describe('what a resumed session of Codex used', () => {
  const usage = (input: number, output: number) => ({
    input_tokens: input,
    cached_input_tokens: input / 2,
    output_tokens: output,
    thinking_tokens: 0,
    total_tokens: input + output,
  })
  const resumed = { session_id: 'thread-7', used_before: usage(100, 20), unchanged_tree: null }
  const counted = (threadId: string, continued: StageRequest['resume_session']) => {
    const reading = codexTranscript(continued)
    const told = { input_tokens: 220, cached_input_tokens: 110, output_tokens: 40 }
    for (const event of [
      { type: 'thread.started', thread_id: threadId },
      { type: 'turn.completed', usage: told },
    ])
      reading.line({ text: JSON.stringify(event), truncated: false })
    return reading.usage()
  }

  it('is what came on top: Codex tells of the whole thread', () => {
    expect(counted('thread-7', resumed)).toEqual(usage(120, 20))
  })

  it('is all that is told if it went on in a thread of its own after all, or nobody knows what came before', () => {
    expect(counted('thread-8', resumed)).toEqual(usage(220, 40))
    expect(counted('thread-7', { ...resumed, used_before: null })).toEqual(usage(220, 40))
    expect(counted('thread-7', null)).toEqual(usage(220, 40))
  })

  it('is never less than nothing', () => {
    expect(counted('thread-7', { ...resumed, used_before: usage(1000, 10) })).toEqual({
      ...usage(0, 30),
      total_tokens: 0,
    })
  })

  it('is over once the turn is, so that nothing is left to stop, until another begins', () => {
    const reading = codexTranscript()
    const told = (type: string) => {
      reading.line({ text: JSON.stringify({ type }), truncated: false })
      return reading.isOver?.()
    }
    expect(['turn.started', 'turn.completed', 'turn.started', 'turn.failed'].map(told)).toEqual([
      false,
      true,
      false,
      true,
    ])
  })
})

describe('running Codex', () => {
  async function ranCodex(mode: string, more: Partial<StageRequest> = {}) {
    const config = configured({ command: process.execPath, args: [agent('codex'), 'exec'], env: { FAKE_CODEX: mode } })
    const ports = {
      files: disk,
      clock,
      environment: process.env,
      workspaceRoot: workspace,
      scriptedAgent: '',
      driver: '',
    }
    const runner = runnersFor(config, ports).get('codex_cli')!
    const stage = requestIn(workspace, { runner_name: 'codex_cli', ...more })
    requestIds.push(stage.request_id)
    const handle = await runner.start(stage)
    if (!isHandle(handle)) throw new Error(handle.message ?? '')
    return { stage, raw: await runner.follow(stage, handle).result, again: await runner.collect(stage) }
  }

  it('gives final message, session and usage, and keeps the event stream', async () => {
    const { stage, raw, again } = await ranCodex('ok')
    const files = runFiles(stage)
    const length = fs.readFileSync(files.prompt, 'utf8').length
    expect(raw).toMatchObject({
      ending: 'exited',
      exit_code: 0,
      session_id: 'thread-7',
      final_message: `Read ${length} characters.\u2028Done.\n\n### BUILDER_COMPLETE`,
      token_usage: {
        input_tokens: 100,
        cached_input_tokens: 40,
        output_tokens: 20,
        thinking_tokens: 5,
        total_tokens: 120,
      },
      event_log_path: files.events,
      stdout_path: files.stdout,
      notes: ['codex warned: unknown model metadata'],
    })
    expect(fs.readFileSync(files.stdout, 'utf8')).toBe(raw.final_message)
    expect(fs.readFileSync(files.events, 'utf8').split('\n')).toHaveLength(7)
    expect({ ...again, ended_at: raw.ended_at }, 'collected by a later runtime').toEqual(raw)
  })

  it.each([
    ['unexpected status 401 Unauthorized: bad key', 'provider_error', 'auth'],
    ['exceeded retry limit, last status: 429 Too Many Requests', 'provider_error', 'rate_limit'],
    ['stream disconnected before completion: EOF', 'provider_error', 'network'],
    ['the model does not exist', 'exited', null],
  ])('that fails with %j ends as %s with cause %s', async (mode, ending, cause) => {
    const { stage, raw } = await ranCodex(mode)
    expect(raw).toMatchObject({ ending, cause, exit_code: 1, final_message: null, stdout_path: null })
    expect(raw.message).toContain(mode)
    expect(JSON.parse(fs.readFileSync(runFiles(stage).completion, 'utf8'))).toMatchObject({
      exit_kind: cause === null ? 'runner_error' : 'provider_error',
      cause,
    })
  })

  it('that waits for the network until its time is up has lost the time to the network', async () => {
    const { raw } = await ranCodex('no-network', { timeout_seconds: 1 })
    expect(raw).toMatchObject({ ending: 'timed_out', cause: 'network' })
    expect(raw.message).toMatch(/within 1 s .*waiting for network/)
  })

  it('that refuses to start gives the reason from stderr', async () => {
    const { raw } = await ranCodex('no-repository')
    expect(raw).toMatchObject({ ending: 'provider_error', exit_code: 1, cause: 'refused_permission' })
    expect(raw.message).toContain('Not inside a trusted directory')
  })
})
