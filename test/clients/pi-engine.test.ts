/** The real Pi driven by the built Millrace: the demo's story, and ends that come from outside. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { DemoOutput } from '../../src/operations/demo.ts'
import {
  type AtWork,
  atFirst,
  atWork,
  expectAdopted,
  expectGoneOn,
  GRACE_MS,
  seen,
  UNTIL_TOLD,
  WORK,
} from './at-work.ts'
import { demoStory } from './codex-script.ts'
import { PI, resolveClient } from './install.ts'
import { PI_KEY, PRICE, piScenes } from './pi-engine.ts'
import { building, type Scene } from './scene.ts'
import { DEFAULT_USAGE } from './script.ts'

const pi = await resolveClient(PI)
const linux = process.platform === 'linux'

const openScene = piScenes(pi)

const costOf = (requests: number): number => {
  const { inputTokens, cachedInputTokens, outputTokens } = DEFAULT_USAGE
  const fresh = inputTokens - cachedInputTokens
  return (requests * (fresh * PRICE.input + cachedInputTokens * PRICE.cacheRead + outputTokens * PRICE.output)) / 1e6
}

const eventLog = ({ workspace }: Scene, requestId: string, runId: string): string =>
  readFileSync(join(workspace.root, 'millrace-agents/runs', runId, `runner_events.${requestId}.jsonl`), 'utf8')

describe.skipIf(!pi.available)(`the demo, its work done by ${pi.title}`, () => {
  test('closes the spec, each stage by one request with one result', async () => {
    const scene = await openScene(demoStory())
    const { server, workspace, processes } = scene
    const ended = await workspace.run('demo', '--runner', 'pi_rpc', '--json')

    expect([ended.code, ended.signal], ended.stderr).toEqual([0, null])
    const told = JSON.parse(ended.stdout) as DemoOutput
    expect(told).toMatchObject({ ran: true, interrupted: false, closed: true, tests_green: true })
    const runs = workspace.stageRuns()
    expect(runs.map(({ results }) => results.map((own) => own.terminal_result))).toEqual(
      told.stages.map(({ outcome }) => [outcome]),
    )
    expect(runs).toHaveLength(8)
    expect(server.log.filter((entry) => entry.problem !== null || entry.sent === 'side')).toEqual([])
    expect(new Set(server.log.map((entry) => entry.authorization))).toEqual(new Set([`Bearer ${PI_KEY}`]))
    for (const { request, results, invocation, prompt } of runs) {
      const asked = server.log.filter((entry) => entry.requestId === request.request_id)
      expect(asked[0]?.request.promptText.trim(), 'the model got the prompt whole').toBe(prompt.trim())
      expect(invocation?.command.join(' ')).not.toContain('Stage Kind ID')
      const tokens = (perRequest: number) => perRequest * asked.length
      expect(results[0]).toMatchObject({
        runner_name: 'pi_rpc',
        token_usage: {
          input_tokens: tokens(DEFAULT_USAGE.inputTokens),
          cached_input_tokens: tokens(DEFAULT_USAGE.cachedInputTokens),
          output_tokens: tokens(DEFAULT_USAGE.outputTokens),
          cost_usd: expect.closeTo(costOf(asked.length), 6),
        },
        metadata: { failure_class: null, session_id: expect.stringMatching(/^[\w-]{30,}$/), processes_swept: [] },
      })
      const log = eventLog(scene, request.request_id, request.run_id)
      expect(log).not.toMatch(/"type":"(?:message|tool_execution)_update"/)
      expect(log).not.toContain(PI_KEY)
    }
    for (const type of ['stage_deferred', 'stage_interrupted', 'run_held']) expect(workspace.events(type)).toEqual([])
    if (linux) expect(processes()).toEqual([])
  })
})

describe.skipIf(!pi.available)(`a stage of ${pi.title}`, () => {
  test('brings a text with every kind of line end through unchanged', async () => {
    const text = 'A\u2028B\u2029C\u0085D \r\n “ünïcödé” 🙂\n\n### BUILDER_COMPLETE'
    const opened = await openScene((prompt) => [building(prompt)[0]!, { turn: 'text', text }])
    const { workspace, processes } = await opened.withTask()
    expect(await workspace.run('run', 'once')).toMatchObject({ code: 0, stderr: '' })
    const [stage] = workspace.stageRuns()
    expect(stage?.results).toMatchObject([{ terminal_result: 'BUILDER_COMPLETE', success: true }])
    expect(readFileSync(stage?.results[0]?.stdout_path ?? '', 'utf8')).toBe(text)
    if (linux) expect(processes()).toEqual([])
  })
})

/** A builder that runs `command` at first; resolves once it sleeps. */
async function sleeping(command: string): Promise<AtWork> {
  const scene = await atWork(openScene(atFirst(command)))
  await seen(scene, 'sleep')
  return scene
}

describe.skipIf(!pi.available || !linux)(`a stage of ${pi.title}, cut short in a tool (needs Linux)`, () => {
  test('by `control stop`: Pi is asked to abort, nothing is left, and the next start goes on', async () => {
    const scene = await sleeping('sleep 300; touch never')
    const { workspace, daemon, processes } = scene
    expect(
      processes().filter((line) => line.includes('Stage Kind ID')),
      'the prompt is in no command line',
    ).toEqual([])

    expect((await workspace.run('control', 'stop')).code).toBe(0)
    expect(await daemon.ended).toMatchObject({ code: 0, signal: null })
    const at = (type: string) => Date.parse(workspace.events(type).at(-1)?.occurred_at ?? '')
    expect(at('runtime_closed') - at('runtime_stopped'), 'Pi follows the polite stop').toBeLessThan(GRACE_MS)
    expect(processes()).toEqual([])
    const [cut] = workspace.stageRuns()
    expect(cut?.results).toEqual([])
    expect(eventLog(scene, cut!.request.request_id, cut!.request.run_id)).toContain('"stopReason":"aborted"')
    expect(workspace.counters()).toEqual([])

    await expectGoneOn(scene)
  })

  test('by nobody, though the daemon was killed: the next one adopts it and settles it once', async () => {
    const scene = await sleeping(UNTIL_TOLD)
    const { workspace, server, processes } = scene
    await expectAdopted(scene, 'driver.js')
    const runs = workspace.stageRuns()
    expect(runs).toHaveLength(1)
    expect(runs[0]?.results).toMatchObject([
      {
        terminal_result: 'BUILDER_COMPLETE',
        token_usage: { input_tokens: 2 * DEFAULT_USAGE.inputTokens, cost_usd: expect.closeTo(costOf(2), 6) },
        metadata: { failure_class: null },
      },
    ])
    expect(server.log.map((entry) => [entry.step, entry.sent])).toEqual([
      [0, 'shell'],
      [1, 'text'],
    ])
    expect(workspace.snapshot().active_runs).toMatchObject([{ node_id: 'checker', status: 'ready', interruptions: 0 }])
    expect(processes()).toEqual([])
  })

  test('by nobody, though the daemon was killed and Pi ended alone: its result is taken as it lies', async () => {
    const { workspace, daemon, processes, go } = await sleeping(UNTIL_TOLD)
    daemon.signal('SIGKILL')
    await daemon.ended
    go()
    await expect.poll(processes, WORK).toEqual([])
    expect((await workspace.run('run', 'once')).code).toBe(0)
    expect(workspace.events('stage_adopted')).toEqual([])
    expect(workspace.stageRuns().map(({ results }) => results.map((own) => own.terminal_result))).toEqual([
      ['BUILDER_COMPLETE'],
    ])
  })

  test.each(['driver', 'Pi'])('by the death of the %s: what lives on is swept and named', async (victim) => {
    const { workspace, daemon, processes } = await sleeping('sleep 300')
    const pattern = victim === 'driver' ? /^\d+ \S*node \S*driver\.js/ : /^\d+ pi\b|^\d+ \S*node \S*\/pi /
    const found = processes().find((line) => pattern.test(line)) ?? ''
    expect(found, processes().join('\n')).not.toBe('')
    process.kill(Number.parseInt(found, 10), 'SIGKILL')
    await expect
      .poll(() => workspace.stageRuns()[0]?.results, WORK)
      .toMatchObject([
        { exit_code: victim === 'driver' ? 137 : 1, metadata: { failure_class: 'runner_transport_failure' } },
      ])
    const swept = workspace.stageRuns()[0]?.results[0]?.metadata.processes_swept as { command: string }[]
    expect(swept.map(({ command }) => command)).toEqual(expect.arrayContaining([expect.stringContaining('sleep 300')]))
    expect((await workspace.run('control', 'stop')).code).toBe(0)
    expect((await daemon.ended).code).toBe(0)
    expect(processes()).toEqual([])
  })
})
