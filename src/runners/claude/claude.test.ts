import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { agent, clock, endAll, eventually, requestIn, stillRunning, temporaryFolder } from '../../../test/agents/rig.ts'
import { parseConfig } from '../../core/config.ts'
import type { StageRequest } from '../../core/request.ts'
import { disk } from '../../store/files.ts'
import { runFiles } from '../artifacts.ts'
import { runnersFor } from '../registry.ts'
import { isHandle } from '../runner.ts'
import { type ClaudeConfig, claudeArguments, claudeVariables } from './claude.ts'

const workspace = temporaryFolder()
const requestIds: string[] = []
afterEach(() => endAll(requestIds.splice(0)))
afterAll(() => fs.rmSync(workspace, { recursive: true, force: true }))

const configured = (claude: Partial<ClaudeConfig> = {}) => parseConfig({ runners: { claude } }, 'test')
const request = requestIn(workspace)
const STREAM = ['--output-format', 'stream-json', '--verbose']

describe('the command line of Claude Code', () => {
  it('is this one by default, with the prompt on stdin', () => {
    expect(claudeArguments(configured().runners.claude, request)).toEqual([
      ...['claude', '-p', '--permission-mode', 'bypassPermissions', ...STREAM],
    ])
  })

  it('keeps its order with everything set', () => {
    const config = configured({ command: '/opt/claude', args: ['--bare'], permission_default: 'elevated' })
    const session = { session_id: 'abc', used_before: null, unchanged_tree: null }
    const full: StageRequest = {
      ...request,
      model_name: 'claude-x',
      model_reasoning_effort: 'high',
      resume_session: session,
    }
    const given = claudeArguments(config.runners.claude, full)
    const tools = given[given.indexOf('--allowedTools') + 1]!
    expect(tools.split(',')).toEqual(expect.arrayContaining(['Bash', 'Edit', 'Write', 'Read', 'WebFetch']))
    expect(given).toEqual([
      ...['/opt/claude', '--bare', '-p', '--model', 'claude-x', '--effort', 'high'],
      ...['--permission-mode', 'acceptEdits', '--allowedTools', tools, '--resume', 'abc', ...STREAM],
    ])
  })

  it('of the level basic accepts edits and allows no tool besides', () => {
    const config = configured({ permission_by_stage: { builder: 'basic' } }).runners.claude
    expect(claudeArguments(config, request)).toEqual([
      ...['claude', '-p', '--permission-mode', 'acceptEdits', ...STREAM],
    ])
  })

  it('goes with the variables an unattended stage needs, unless the config says otherwise', () => {
    expect(claudeVariables(configured({ max_retries: 5 }).runners.claude)).toEqual({
      CLAUDE_CODE_MAX_RETRIES: '5',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
    })
    const env = { CLAUDE_CODE_MAX_RETRIES: '9', IS_SANDBOX: '1' }
    expect(claudeVariables(configured({ env }).runners.claude)).toMatchObject(env)
  })
})

describe('running Claude Code', () => {
  async function started(mode: string, more: Partial<StageRequest> = {}, claude: Partial<ClaudeConfig> = {}) {
    const config = configured({
      command: process.execPath,
      args: [agent('claude')],
      env: { FAKE_CLAUDE: mode, IS_SANDBOX: '1' },
      ...claude,
    })
    const ports = { files: disk, clock, environment: process.env, workspaceRoot: workspace }
    const runner = runnersFor(config, { ...ports, scriptedAgent: '', driver: '' }).get('claude_code')!
    const stage = requestIn(workspace, { runner_name: 'claude_code', ...more })
    requestIds.push(stage.request_id)
    const handle = await runner.start(stage)
    if (!isHandle(handle)) throw new Error(handle.message ?? '')
    return { runner, stage, following: runner.follow(stage, handle) }
  }
  async function ran(...given: Parameters<typeof started>) {
    const { runner, stage, following } = await started(...given)
    return { stage, raw: await following.result, again: await runner.collect(stage) }
  }

  it('gives final message, session, usage and cost, and keeps the event stream', async () => {
    const { stage, raw, again } = await ran('ok')
    const files = runFiles(stage)
    const length = fs.readFileSync(files.prompt, 'utf8').length
    expect(raw).toMatchObject({
      ending: 'exited',
      exit_code: 0,
      session_id: '5d0f0a3e-0000-4000-8000-00000000c1a0',
      final_message: `Read ${length} characters.\u2028Done.\n\n### BUILDER_COMPLETE`,
      token_usage: {
        input_tokens: 200,
        cached_input_tokens: 30,
        cache_write_tokens: 10,
        output_tokens: 20,
        thinking_tokens: 0,
        total_tokens: 220,
        cost_usd: 0.025,
      },
      event_log_path: files.events,
      stdout_path: files.stdout,
      notes: [],
    })
    expect(fs.readFileSync(path.join(workspace, 'made-by-claude'), 'utf8')).toBe('done\n')
    expect(fs.readFileSync(files.stdout, 'utf8')).toBe(raw.final_message)
    expect({ ...again, ended_at: raw.ended_at }, 'collected by a later runtime').toEqual(raw)
  })

  it.each([
    ['401', 'auth', /authenticate/, null],
    ['429', 'rate_limit', /rate limit/, null],
    ['quota', 'quota', /hit your limit/, '2026-11-21T19:46:52.000Z'],
  ])('that fails with %s ends for the cause %s', async (mode, cause, message, resetsAt) => {
    const { raw } = await ran(mode)
    expect(raw).toMatchObject({ ending: 'provider_error', cause, exit_code: 1, resets_at: resetsAt })
    expect(raw.message).toMatch(message)
  })

  it('that stops talking in the middle of its result has none, though it said the marker', async () => {
    const { raw } = await ran('truncated')
    expect(raw).toMatchObject({ ending: 'provider_error', cause: null, exit_code: 0 })
    expect(raw.message).toBe('Claude Code ended without a result.')
    expect(raw.notes).toEqual(['1 lines of the event log are not events or are too long'])
    expect(raw.token_usage, 'what it began with is known').toMatchObject({ input_tokens: 100, output_tokens: 0 })
  })

  it('notes which tools were denied', async () => {
    const { raw } = await ran('denied', {}, { permission_default: 'basic' })
    expect(raw).toMatchObject({ ending: 'exited', exit_code: 0, notes: ['claude was denied Bash: npm test'] })
  })

  it('that refuses the level maximum as root is told how to go on', async () => {
    const { raw } = await ran('ok', {}, { env: { FAKE_CLAUDE: 'ok' } })
    expect(raw).toMatchObject({ ending: 'provider_error', cause: 'refused_permission', exit_code: 1 })
    expect(raw.message).toMatch(/IS_SANDBOX = "1" in runners\.claude\.env .* runners\.claude\.permission_default/)
  })

  it('continues the session of an earlier stage', async () => {
    const resume_session = { session_id: 'earlier-one', used_before: null, unchanged_tree: null }
    expect((await ran('ok', { resume_session })).raw.session_id).toBe('earlier-one')
  })

  it.each([
    ['hang', 143],
    ['term-goes-on', 0],
    ['term-interrupted', 1],
  ])('that is stopped and leaves the shape %s was stopped, whatever it said', async (mode, exitCode) => {
    const { stage, following } = await started(mode)
    const events = runFiles(stage).events
    expect(await eventually(() => fs.existsSync(events) && fs.readFileSync(events, 'utf8').includes('sleep 300'))).toBe(
      true,
    )
    await following.stop('cancelled')
    const raw = await following.result
    expect(raw).toMatchObject({
      ending: 'cancelled',
      exit_code: exitCode,
      message: 'The agent was stopped on request.',
    })
    expect(stillRunning(stage)).toEqual([])
  })

  it('that takes too long is stopped', async () => {
    const { raw } = await ran('hang', { timeout_seconds: 1 })
    expect(raw).toMatchObject({ ending: 'timed_out', cause: null, final_message: null })
  })
})
