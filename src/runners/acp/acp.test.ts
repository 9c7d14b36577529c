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

type AcpConfig = Config['runners']['acp']

const workspace = temporaryFolder()
const driver = bundled(path.join(import.meta.dirname, '../two-way/driver.ts'))
const requestIds: string[] = []
afterEach(() => endAll(requestIds.splice(0)))
afterAll(() => fs.rmSync(workspace, { recursive: true, force: true }))

const runnerOf = (acp: Partial<AcpConfig>, limits: Record<string, unknown> = {}) =>
  runnersFor(parseConfig({ runners: { acp, ...limits } }, 'test'), {
    files: disk,
    clock,
    environment: process.env,
    workspaceRoot: workspace,
    scriptedAgent: '',
    driver,
  }).get('acp')!

interface Settings {
  stage?: Partial<StageRequest>
  acp?: Partial<AcpConfig>
  limits?: Record<string, unknown>
}

/** Starts the fake agent in one of its modes. */
async function begun(mode: string, { stage = {}, acp = {}, limits = {} }: Settings = {}) {
  const request = requestIn(workspace, { runner_name: 'acp', ...stage })
  requestIds.push(request.request_id)
  const fake = { command: process.execPath, args: [agent('acp')], ...acp, env: { FAKE_ACP: mode, ...acp.env } }
  const runner = runnerOf(fake, limits)
  const handle = await runner.start(request)
  if (!isHandle(handle)) throw new Error(handle.message ?? '')
  return { request, runner, following: runner.follow(request, handle), files: runFiles(request) }
}

const ran = async (mode: string, settings: Settings = {}) => (await begun(mode, settings)).following.result

describe('running an agent of the Agent Client Protocol', () => {
  it('gives final message, session, usage and cost, and the same again to a later runtime', async () => {
    const { request, runner, following, files } = await begun('ok')
    const raw = await following.result
    const length = fs.readFileSync(files.prompt, 'utf8').length
    expect(raw).toMatchObject({
      ending: 'exited',
      exit_code: 0,
      session_id: 'session-7',
      final_message: `Read ${length} characters.\u2028Done.\n\n### BUILDER_COMPLETE`,
      token_usage: {
        input_tokens: 100,
        cached_input_tokens: 30,
        output_tokens: 20,
        cache_write_tokens: 10,
        cost_usd: 0.25,
      },
      event_log_path: files.events,
      swept: [],
      notes: [],
    })
    const { command } = JSON.parse(fs.readFileSync(files.invocation, 'utf8')) as { command: string[] }
    expect(command.slice(command.indexOf('--') + 1)).toEqual([process.execPath, agent('acp')])
    expect(command.join(' ')).not.toContain('Stage Kind ID')
    const again = await runner.collect(request)
    expect({ ...again, ended_at: raw.ended_at }).toEqual(raw)
  })

  it.each([
    ['basic', 'to-allow_once to-allow_once to-reject_once to-reject_once'],
    ['elevated', 'to-allow_once to-allow_once to-allow_once to-allow_once'],
    ['maximum', 'to-allow_always to-allow_always to-allow_always to-allow_always'],
  ] as const)(
    'answers its questions at level %s: to read, to edit inside and outside, to run',
    async (level, answers) => {
      const raw = await ran('asks', { acp: { permission_by_stage: { builder: level } } })
      expect(raw).toMatchObject({ ending: 'exited', final_message: `${answers}\n\n### BUILDER_COMPLETE` })
      const refused = ['refused at level basic: edit outside', 'refused at level basic: execute rm']
      expect(raw.notes).toEqual(level === 'basic' ? refused : [])
    },
  )

  it('never leaves a question without an answer', async () => {
    expect(await ran('asks-other')).toMatchObject({ ending: 'exited', final_message: '-32601\n\n### BUILDER_COMPLETE' })
  })

  it('asks for the model of the stage, and does not work with another', async () => {
    const { following, files } = await begun('ok', { stage: { model_name: 'Large' } })
    expect(await following.result).toMatchObject({ ending: 'exited', exit_code: 0 })
    expect(fs.readFileSync(files.stderr, 'utf8')).toContain('model large')
    const raw = await ran('ok', { stage: { model_name: 'huge' } })
    expect(raw).toMatchObject({ exit_code: 1, cause: null, final_message: null })
    expect(raw.message).toContain('does not offer the model huge, only: small, large')
  })

  it('goes on with a session, whose history is no message of this stage', async () => {
    const resume = (session_id: string) => ({ resume_session: { session_id, used_before: null, unchanged_tree: null } })
    const raw = await ran('no-marker', { stage: resume('session-7') })
    expect(raw).toMatchObject({ ending: 'exited', session_id: 'session-7', final_message: 'Built it, I think.' })
    expect(await ran('ok', { stage: resume('session-8') })).toMatchObject({
      ending: 'session_gone',
      final_message: null,
    })
  })

  it('takes a message without a marker as it is', async () => {
    expect(await ran('no-marker')).toMatchObject({
      ending: 'exited',
      exit_code: 0,
      final_message: 'Built it, I think.',
    })
  })

  it.each([
    ['unauthorized', 'provider_error', 'auth', '401 Unauthorized: bad key'],
    ['auth-required', 'provider_error', 'auth', 'Authentication required'],
    ['refuses', 'provider_error', 'auth', 'set an Auth method'],
    ['version-2', 'provider_error', 'wrong_version', 'version 2'],
    ['refusal', 'exited', null, 'refused to go on'],
    ['max-tokens', 'exited', null, 'longer than it may be'],
    ['dies', 'exited', null, 'in the middle of its turn'],
  ])('that %s ends as %s with cause %s', async (mode, ending, cause, said) => {
    const raw = await ran(mode)
    expect(raw).toMatchObject({ ending, cause, exit_code: 1 })
    expect(raw.message?.toLowerCase()).toContain(said.toLowerCase())
  })

  it('that does not answer is given up after the time it has to start', async () => {
    const raw = await ran('mute', { acp: { start_seconds: 0.5 } })
    expect(raw).toMatchObject({ ending: 'exited', exit_code: 1, message: expect.stringContaining('within 0.5 s') })
  })

  it('that hangs is stopped when its time is up', async () => {
    const { request, following } = await begun('hangs', { stage: { timeout_seconds: 1 } })
    expect(await following.result).toMatchObject({ ending: 'timed_out', final_message: null })
    expect(stillRunning(request)).toEqual([])
  })

  it('that stays when its stdin ends is sent away, and its work counts', async () => {
    const { request, following } = await begun('ok', { acp: { env: { FAKE_ACP_STAYS: '1' } } })
    expect(await following.result).toMatchObject({ ending: 'exited', exit_code: 0, swept: [] })
    expect(stillRunning(request)).toEqual([])
  })

  it('that is stopped in a tool is asked to cancel, and leaves nothing', async () => {
    const { request, following, files } = await begun('works')
    expect(await eventually(() => stillRunning(request).includes('sleep 300'))).toBe(true)
    await following.stop('cancelled')
    expect(await following.result).toMatchObject({ ending: 'cancelled', swept: [] })
    expect(stillRunning(request)).toEqual([])
    expect(fs.readFileSync(files.events, 'utf8')).toContain('"stopReason":"cancelled"')
  })

  it('that does not heed the cancel leaves nothing either, and what it left is named', async () => {
    const { request, following } = await begun('deaf')
    expect(await eventually(() => stillRunning(request).includes('sleep 300'))).toBe(true)
    await following.stop('cancelled')
    const raw = await following.result
    expect(raw.ending).toBe('cancelled')
    expect(raw.swept.map(({ command }) => command)).toContain('sleep 300')
    expect(stillRunning(request)).toEqual([])
  })

  it('that floods its output is stopped', async () => {
    const { request, following } = await begun('flood', { limits: { output_bytes_max: 1_000_000 } })
    expect((await following.result).ending).toBe('output_limit')
    expect(stillRunning(request)).toEqual([])
  })

  it('that prints a line of megabytes is understood, and the log stays small', async () => {
    const { following, files } = await begun('long-line')
    const raw = await following.result
    expect(raw).toMatchObject({ ending: 'exited', final_message: 'Read it all.\n\n### BUILDER_COMPLETE', notes: [] })
    expect(fs.statSync(files.events).size).toBeLessThan(100_000)
  })

  it('that is not installed is said to be missing', async () => {
    const raw = await runnerOf({ command: 'no-agent' }).start(requestIn(workspace, { runner_name: 'acp' }))
    expect(raw).toMatchObject({ ending: 'not_started', cause: 'missing_binary' })
    expect(raw).toHaveProperty('message', expect.stringContaining('"no-agent" of runner acp was not found'))
  })
})
