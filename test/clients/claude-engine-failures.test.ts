/** What the built Millrace makes of a real Claude Code that fails, is stopped, or outlives its runtime. */
import { describe, expect, test } from 'vitest'
import { atFirst, atWork, expectAdopted, expectGoneOn, seen, UNTIL_TOLD } from './at-work.ts'
import { type ClaudeOptions, claudeScenes } from './claude-engine.ts'
import { expectDeferred, onlyRun } from './deferral.ts'
import { CLAUDE, resolveClient } from './install.ts'
import { building, type Scene, type SceneOptions } from './scene.ts'
import { DEFAULT_USAGE, type Script, type Turn } from './script.ts'

const claude = await resolveClient(CLAUDE)
const linux = process.platform === 'linux'

const openScene = claudeScenes(claude)
const withTask = async (script: Script, options?: SceneOptions & ClaudeOptions): Promise<Scene> =>
  (await openScene(script, options)).withTask()

const httpError = (status: number, type: string, message: string, headers: Record<string, string> = {}): Turn => ({
  turn: 'http_error',
  status,
  headers,
  body: { type: 'error', error: { type, message } },
})
/** What a plan that is used up answers with; the time it comes back is in a header, in seconds. */
const usedUp = (resetsAt: number): Turn =>
  httpError(429, 'rate_limit_error', "This request would exceed your account's rate limit.", {
    'anthropic-ratelimit-unified-status': 'rejected',
    'anthropic-ratelimit-unified-reset': String(resetsAt),
    'anthropic-ratelimit-unified-representative-claim': 'five_hour',
    'anthropic-ratelimit-unified-overage-status': 'rejected',
  })

describe.skipIf(!claude.available)(`a builder run by ${claude.title} that does not end as it should`, () => {
  test.each<[string, string, string]>([
    ['no marker', 'Built it, I think.', 'missing_terminal_result'],
    ['two different markers', '### BUILDER_COMPLETE\n\nOr rather:\n\n### BLOCKED', 'conflicting_terminal_results'],
    ['its marker, but not the summary it owes', 'Done.\n\n### BUILDER_COMPLETE', 'missing_required_artifact'],
  ])('says %s: the troubleshooter is next', async (_title, text, failureClass) => {
    const opened = await withTask({ builder: [{ turn: 'text', text }] })
    expect((await opened.workspace.run('run', 'once')).code).toBe(1)
    expect(opened.workspace.stageRuns()[0]?.results).toMatchObject([
      { terminal_result: 'BLOCKED', success: false, metadata: { failure_class: failureClass } },
    ])
    expect(onlyRun(opened)).toMatchObject({ status: 'ready', node_id: 'troubleshooter' })
  })

  test.each<[string, Turn]>([
    ['an answer that never comes', { turn: 'hang' }],
    ['a command that never ends', { turn: 'shell', command: `node -e 'setTimeout(() => {}, 300000)'` }],
  ])('waits for %s: it is stopped when its time is up, with nothing left of it', async (_title, turn) => {
    const opened = await withTask({ builder: [turn, turn] }, { settings: { 'stages.builder.timeout_seconds': '6' } })
    const { workspace, processes } = opened
    expect((await workspace.run('run', 'once')).code).toBe(1)
    const [stage] = workspace.stageRuns()
    expect(stage?.results).toMatchObject([
      { metadata: { failure_class: 'runner_timeout', raw_ending: 'timed_out', environment_cause: null } },
    ])
    expect(onlyRun(opened)).toMatchObject({ status: 'ready', node_id: 'troubleshooter' })
    if (linux) expect(processes()).toEqual([])
  })
})

describe.skipIf(!claude.available)(`surroundings that fail ${claude.title}`, () => {
  test.each<[string, Turn, string, (SceneOptions & ClaudeOptions)?]>([
    ['a refused key (401)', { turn: 'http_error', status: 401 }, 'environment_auth'],
    ['a rate limit (429)', { turn: 'http_error', status: 429 }, 'environment_rate_limit'],
    [
      'used-up credits',
      httpError(400, 'invalid_request_error', 'Your credit balance is too low.'),
      'environment_quota',
    ],
    ['a server error (500)', { turn: 'http_error', status: 500 }, 'environment_overloaded'],
    ['a model at capacity (529)', { turn: 'http_error', status: 529 }, 'environment_overloaded'],
    ['a cut stream', { turn: 'truncate', text: 'Done.\n\n### BUILDER_COMPLETE' }, 'environment_network'],
    ['a dropped connection', { turn: 'drop' }, 'environment_network'],
    ['a server that is not there', { turn: 'hang' }, 'environment_network', { modelUrl: 'http://127.0.0.1:1' }],
    ['no login', { turn: 'hang' }, 'environment_auth', { access: 'none' }],
  ])('by %s: the stage is tried again later', async (_title, turn, failureClass, options) => {
    const opened = await withTask({ builder: [turn] }, options)
    expect((await opened.workspace.run('run', 'once')).code).toBe(1)
    await expectDeferred(opened, failureClass)
  })

  test('by a used-up plan: the stage waits until it comes back', async () => {
    const resetsAt = Math.floor(Date.now() / 1000) + 3 * 3600
    const opened = await withTask({ builder: [usedUp(resetsAt)] }, { access: 'plan' })
    expect((await opened.workspace.run('run', 'once')).code).toBe(1)
    const run = await expectDeferred(opened, 'environment_quota')
    expect(Date.parse(run.not_before ?? '') / 1000).toBeGreaterThanOrEqual(resetsAt)
    expect(Date.parse(run.not_before ?? '') / 1000).toBeLessThanOrEqual(resetsAt + 120)
  })

  test('by one rate limit only, with a retry allowed: the work goes on', async () => {
    const busy = { turn: 'http_error', status: 429, headers: { 'retry-after': '1' } } as const
    const script: Script = (prompt) => {
      const [first, last] = building(prompt)
      return [{ turn: 'in_sequence', turns: [busy, first] } as Turn, last!]
    }
    const { workspace, server } = await withTask(script, { settings: { 'runners.claude.max_retries': '1' } })
    expect((await workspace.run('run', 'once')).code).toBe(0)
    expect(workspace.stageRuns()[0]?.results).toMatchObject([{ terminal_result: 'BUILDER_COMPLETE' }])
    expect(server.log.map((entry) => entry.sent)).toEqual(['http_error', 'shell', 'text'])
  })
})

describe.skipIf(!claude.available || !linux)(`a stage of ${claude.title}, cut short (needs Linux)`, () => {
  test('by `control stop` during a command: nothing is left, and the next start goes on', async () => {
    const scene = await atWork(openScene(atFirst(`node -e 'setTimeout(() => {}, 300000)'; touch never`)))
    const { workspace, daemon, processes } = scene
    await seen(scene, 'setTimeout')
    expect((await workspace.run('control', 'stop')).code).toBe(0)
    expect(await daemon.ended).toMatchObject({ code: 0, signal: null })
    expect(processes()).toEqual([])
    expect(workspace.stageRuns().map(({ results }) => results)).toEqual([[]])
    expect(workspace.snapshot().active_runs).toMatchObject([{ status: 'ready', node_id: 'builder', interruptions: 0 }])
    expect(workspace.counters()).toEqual([])

    await expectGoneOn(scene)
  })

  test('by nobody, though the daemon was killed: the next one adopts it and takes its result', async () => {
    const scene = await atWork(openScene(atFirst(UNTIL_TOLD)))
    const { workspace, server, processes } = scene
    await expectAdopted(scene, 'stream-json')
    const runs = workspace.stageRuns()
    expect(runs).toHaveLength(1)
    expect(runs[0]?.results).toMatchObject([
      {
        terminal_result: 'BUILDER_COMPLETE',
        token_usage: { input_tokens: 2 * DEFAULT_USAGE.inputTokens, output_tokens: 2 * DEFAULT_USAGE.outputTokens },
        metadata: { session_id: runs[0]?.sessionInLog, failure_class: null },
      },
    ])
    expect(server.log.map((entry) => entry.sent)).toEqual(['shell', 'text'])
    expect(processes()).toEqual([])
  })
})
