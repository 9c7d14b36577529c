/** What the built Millrace makes of a real Codex that fails: by its own fault, by its surroundings, by taking too long. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type CodexOptions, codexScenes } from './codex-engine.ts'
import { expectDeferred, onlyRun } from './deferral.ts'
import { CODEX, resolveClient } from './install.ts'
import { building, type Scene, type SceneOptions, troubleshooting } from './scene.ts'
import { contextLine, type Script, type Turn } from './script.ts'

const codex = await resolveClient(CODEX)
const linux = process.platform === 'linux'
/** How long work that takes a second or two may take on a busy machine. */
const WORK = { timeout: 30_000 }

const openScene = codexScenes(codex)

const withTask = async (script: Script, options?: SceneOptions & CodexOptions): Promise<Scene> =>
  (await openScene(script, options)).withTask()

describe.skipIf(!codex.available)(`a builder run by ${codex.title} that does not end as it should`, () => {
  test.each<[string, string, string]>([
    ['no marker', 'Built it, I think.', 'missing_terminal_result'],
    ['a marker that is not at the end', '### BUILDER_COMPLETE\n\nOne more thing.', 'missing_terminal_result'],
    ['two different markers', '### BUILDER_COMPLETE\n\nOr rather:\n\n### BLOCKED', 'conflicting_terminal_results'],
    ['the marker of another stage', 'Fine.\n\n### CHECKER_PASS', 'illegal_terminal_result'],
    ['its marker, but not the summary it owes', 'Done.\n\n### BUILDER_COMPLETE', 'missing_required_artifact'],
  ])('says %s: the troubleshooter is next, and is told', async (_title, text, failureClass) => {
    const opened = await withTask((prompt) =>
      contextLine(prompt, 'Stage Kind ID') === 'builder' ? [{ turn: 'text', text }] : troubleshooting(prompt),
    )
    const { workspace, server } = opened
    expect((await workspace.run('run', 'once')).code).toBe(1)
    expect(workspace.stageRuns()[0]?.results).toMatchObject([
      { terminal_result: 'BLOCKED', success: false, metadata: { failure_class: failureClass } },
    ])
    expect(onlyRun(opened)).toMatchObject({ status: 'ready', node_id: 'troubleshooter', failure_class: failureClass })
    expect((await workspace.status()).current_failure_class).toBe(failureClass)

    const repaired = await workspace.run('run', 'once')
    expect([repaired.code, repaired.stderr]).toEqual([0, ''])
    const told = server.log.find((entry) => entry.stage === 'troubleshooter')?.request.promptText ?? ''
    expect(contextLine(told, 'Failure Class')).toBe(failureClass)
    expect(onlyRun(opened)).toMatchObject({ status: 'ready', node_id: 'builder' })
  })

  test.each<[string, Turn]>([
    ['an answer that never comes', { turn: 'hang' }],
    ['a command that never ends', { turn: 'shell', command: 'exec sleep 300' }],
  ])('waits for %s: it is stopped when its time is up, with nothing left of it', async (_title, turn) => {
    const opened = await withTask({ builder: [turn] }, { settings: { 'stages.builder.timeout_seconds': '3' } })
    const { workspace, processes } = opened
    const ended = await workspace.run('run', 'once')
    expect(ended.code).toBe(1)
    const [stage] = workspace.stageRuns()
    expect(stage?.results).toMatchObject([
      { metadata: { failure_class: 'runner_timeout', raw_ending: 'timed_out', environment_cause: null } },
    ])
    expect(stage?.results[0]?.duration_seconds).toBeGreaterThan(2.9)
    expect(stage?.results[0]?.duration_seconds, 'Codex follows the polite stop').toBeLessThan(7.5)
    expect(onlyRun(opened)).toMatchObject({ status: 'ready', node_id: 'troubleshooter' })
    if (linux) expect(processes()).toEqual([])
  })
})

describe.skipIf(!codex.available)(`surroundings that fail ${codex.title}`, () => {
  const usageLimit = (more: object = {}): Turn => ({
    turn: 'http_error',
    status: 429,
    body: { error: { type: 'usage_limit_reached', message: 'limit', plan_type: 'pro', ...more } },
  })

  test.each<[string, Turn, string, CodexOptions?]>([
    ['a refused key (401)', { turn: 'http_error', status: 401 }, 'environment_auth'],
    ['a rate limit (429)', { turn: 'http_error', status: 429 }, 'environment_rate_limit'],
    ['a used-up plan that tells no time', usageLimit(), 'environment_quota'],
    [
      'used-up credits',
      { turn: 'http_error', status: 429, body: { error: { code: 'insufficient_quota', message: 'no' } } },
      'environment_quota',
    ],
    ['a server error (500)', { turn: 'http_error', status: 500 }, 'environment_overloaded'],
    [
      'a model at capacity (503)',
      { turn: 'http_error', status: 503, body: { error: { code: 'server_is_overloaded', message: 'no' } } },
      'environment_overloaded',
    ],
    [
      'a stream cut after the marker was sent',
      { turn: 'truncate', text: 'Done.\n\n### BUILDER_COMPLETE' },
      'environment_network',
    ],
    ['a dropped connection', { turn: 'drop' }, 'environment_network'],
    ['an answer that falls silent', { turn: 'hang' }, 'environment_network', { idleTimeoutMs: 1500 }],
  ])('by %s: the stage is tried again later', async (_title, turn, failureClass, options) => {
    const opened = await withTask({ builder: [turn] }, options)
    expect((await opened.workspace.run('run', 'once')).code).toBe(1)
    const run = await expectDeferred(opened, failureClass)
    const [deferred] = opened.workspace.events('stage_deferred')
    const waitMs = Date.parse(run.not_before ?? '') - Date.parse(deferred?.occurred_at ?? '')
    expect(waitMs / 1000, 'the first backoff').toBeGreaterThan(23.9)
    expect(waitMs / 1000, 'the first backoff').toBeLessThan(36.1)
    expect(opened.server.log.map((entry) => entry.sent)).toEqual([turn.turn])
  })

  test.each([
    ['in three hours', 3 * 3600],
    ['within this very minute', 20],
  ])('by a used-up plan that comes back %s: the stage waits for that time', async (_title, seconds) => {
    const resetsAt = Math.floor(Date.now() / 1000) + seconds
    const opened = await withTask({ builder: [usageLimit({ resets_at: resetsAt })] })
    expect((await opened.workspace.run('run', 'once')).code).toBe(1)
    const run = await expectDeferred(opened, 'environment_quota')
    // Codex tells the time to the minute, and a few seconds are added to it.
    expect(Date.parse(run.not_before ?? '') / 1000).toBeGreaterThanOrEqual(resetsAt)
    expect(Date.parse(run.not_before ?? '') / 1000).toBeLessThanOrEqual(resetsAt + 65)
  })

  test('by a key that is not passed on: no request is sent', async () => {
    const opened = await withTask({ builder: [] }, { envPass: [] })
    expect((await opened.workspace.run('run', 'once')).code).toBe(1)
    await expectDeferred(opened, 'environment_auth')
    expect(opened.workspace.stageRuns()[0]?.invocation?.environment_names).not.toContain('STUB_API_KEY')
    expect(opened.server.log).toEqual([])
  })

  test('by no network at all, for which Codex waits without end: the lost time is not called a timeout', async () => {
    const settings = { 'stages.builder.timeout_seconds': '6' }
    const opened = await withTask({ builder: [] }, { modelUrl: 'http://127.0.0.1:1', settings })
    expect((await opened.workspace.run('run', 'once')).code).toBe(1)
    await expectDeferred(opened, 'environment_network')
    expect(opened.workspace.stageRuns()[0]?.results[0]?.notes[0]).toMatch(/within 6 s .*waiting for network/)
  })

  test('a daemon tries again by itself, then pauses with the reason, and goes on at once when told to', async () => {
    let mended = false
    const script: Script = (prompt) => {
      if (contextLine(prompt, 'Stage Kind ID') !== 'builder') return [{ turn: 'text', text: '### BLOCKED' }]
      return mended ? building(prompt) : [{ turn: 'http_error', status: 401 }]
    }
    const opened = await withTask(script, { settings: { 'runtime.default_mode': 'hasty' } })
    const { workspace, server, processes } = opened
    const modes = join(workspace.root, 'millrace-agents/modes')
    const shipped = JSON.parse(
      readFileSync(resolve(import.meta.dirname, '../../assets/modes/default_codex.json'), 'utf8'),
    )
    const limits = { environment_backoff_seconds: [6, 3600], environment_attempts_max: 2 }
    writeFileSync(join(modes, 'hasty.json'), JSON.stringify({ ...shipped, mode_id: 'hasty', recovery_limits: limits }))

    const daemon = workspace.start('run', 'daemon')
    const failures = () => workspace.snapshot().active_runs[0]?.environment_failures
    const nextTry = () => String(workspace.snapshot().active_runs[0]?.not_before)
    await expect.poll(failures, WORK).toBe(1)
    const told = nextTry()
    expect(await workspace.status()).toMatchObject({
      activity: 'waiting',
      activity_reason: expect.stringContaining(`next try at ${told}`),
      paused: false,
    })
    expect((await workspace.run('status')).stdout).toContain(told)
    await expect.poll(failures, WORK).toBe(2)
    const [, second] = workspace.events('stage_started').map((event) => Date.parse(event.occurred_at))
    expect(second, 'not before it was told').toBeGreaterThanOrEqual(Date.parse(told))

    const status = await workspace.status()
    expect(status).toMatchObject({ activity: 'paused', pause_sources: 'environment', next_step: 'millrace resume' })
    expect(status.pauses).toMatchObject([{ reason: expect.stringContaining('401 Unauthorized'), until: nextTry() }])
    mended = true
    expect((await workspace.run('resume')).code).toBe(0)
    const results = () => workspace.stageRuns()[2]?.results
    await expect.poll(results, WORK).toMatchObject([{ node_id: 'builder', terminal_result: 'BUILDER_COMPLETE' }])
    const prompt = server.log.findLast((entry) => entry.stage === 'builder')?.request.promptText ?? ''
    expect(contextLine(prompt, 'Previous Attempt')).toMatch(/^request-\w+ \(environment_auth\)$/)
    expect((await workspace.run('control', 'stop')).code).toBe(0)
    expect(await daemon.ended).toMatchObject({ code: 0, signal: null })
    if (linux) expect(processes()).toEqual([])
  })
})
