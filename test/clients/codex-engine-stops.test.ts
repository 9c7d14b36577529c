/** Ends that come from outside: the built Millrace stopped or killed while a real Codex is at work, and Codex killed under it. */
import { describe, expect, test } from 'vitest'
import type { PermissionLevel } from '../../src/core/stage.ts'
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
import { codexScenes, sandboxProblem } from './codex-engine.ts'
import { CODEX, resolveClient } from './install.ts'
import type { Workspace } from './millrace-process.ts'
import { DEFAULT_USAGE } from './script.ts'

const codex = await resolveClient(CODEX)
const linux = process.platform === 'linux'
const openScene = codexScenes(codex)

/** A builder that runs `command` at first; resolves once it sleeps. */
async function sleeping(command: string, level: PermissionLevel = 'maximum'): Promise<AtWork> {
  const scene = await atWork(openScene(atFirst(command), { settings: { 'runners.codex.permission_default': level } }))
  await seen(scene, 'sleep')
  return scene
}

const noSandbox = sandboxProblem(codex)
const LEVELS: { level: PermissionLevel; title: string; possible: boolean }[] = [
  { level: 'maximum', title: 'a command', possible: true },
  {
    level: 'basic',
    title: `a sandboxed command${noSandbox === null ? '' : ` (skipped, no sandbox on this machine: ${noSandbox})`}`,
    possible: noSandbox === null,
  },
]

describe.skipIf(!codex.available || !linux)(`a stage of ${codex.title}, cut short (needs Linux)`, () => {
  for (const { level, title, possible } of LEVELS) {
    test.skipIf(!possible)(
      `by \`control stop\` during ${title}: nothing is left, and the next start goes on`,
      async () => {
        const scene = await sleeping('sleep 300; touch never', level)
        const { workspace, daemon, processes } = scene
        const atWorkNow = processes()
        expect(atWorkNow.filter((line) => line.includes('sleep 300'))).not.toEqual([])
        expect(
          atWorkNow.filter((line) => line.includes('Stage Kind ID')),
          'the prompt is in no command line',
        ).toEqual([])

        expect((await workspace.run('control', 'stop')).code).toBe(0)
        expect(await daemon.ended).toMatchObject({ code: 0, signal: null })
        const at = (type: string) => Date.parse(workspace.events(type).at(-1)?.occurred_at ?? '')
        expect(at('runtime_closed') - at('runtime_stopped'), 'Codex follows the polite stop').toBeLessThan(GRACE_MS)
        expect(processes()).toEqual([])
        const [cut] = workspace.stageRuns()
        expect(cut?.results).toEqual([])
        expect(workspace.snapshot().active_runs).toMatchObject([
          {
            status: 'ready',
            node_id: 'builder',
            request_id: null,
            interruptions: 0,
            previous_attempt: { request_id: cut?.request.request_id },
          },
        ])
        expect(workspace.counters()).toEqual([])
        expect(await workspace.status()).toMatchObject({ activity: 'stopped', next_step: 'millrace run daemon' })

        await expectGoneOn(scene)
      },
    )
  }

  test('by nobody, though the daemon was killed: the next one adopts it and takes its result', async () => {
    const scene = await sleeping(UNTIL_TOLD)
    const { workspace, server, processes } = scene
    await expectAdopted(scene, 'codex exec')
    expectWholeResult(workspace)
    expect(server.log.map((entry) => [entry.step, entry.sent])).toEqual([
      [0, 'shell'],
      [1, 'text'],
    ])
    expect(processes()).toEqual([])
  })

  test('by nobody, though the daemon was killed and Codex ended alone: its result is taken as it lies', async () => {
    const { workspace, daemon, processes, go } = await sleeping(UNTIL_TOLD)
    daemon.signal('SIGKILL')
    await daemon.ended
    go()
    await expect.poll(processes, WORK).toEqual([])

    expect((await workspace.run('run', 'once')).code).toBe(0)
    expect(workspace.events('stage_adopted')).toEqual([])
    expect(workspace.events('stage_interrupted')).toEqual([])
    expectWholeResult(workspace)
  })

  test('by the death of its wrapper: what lives on of it is swept and named', async () => {
    const { workspace, daemon, processes } = await sleeping('sleep 300')
    const wrapper = processes().find((line) => /^\d+ node .*codex exec/.test(line)) ?? ''
    expect(wrapper, processes().join('\n')).not.toBe('')
    process.kill(Number.parseInt(wrapper, 10), 'SIGKILL')

    await expect
      .poll(() => workspace.stageRuns()[0]?.results, WORK)
      .toMatchObject([{ exit_code: 137, metadata: { failure_class: 'runner_transport_failure' } }])
    const swept = workspace.stageRuns()[0]?.results[0]?.metadata.processes_swept as { command: string }[]
    expect(swept.map(({ command }) => command)).toEqual(
      expect.arrayContaining([expect.stringContaining('codex exec'), expect.stringContaining('sleep 300')]),
    )
    expect((await workspace.run('control', 'stop')).code).toBe(0)
    expect((await daemon.ended).code).toBe(0)
    expect(processes()).toEqual([])
  })

  /** One request, one result with all that Codex told, and the run at its next node. */
  function expectWholeResult(workspace: Workspace): void {
    const runs = workspace.stageRuns()
    expect(runs).toHaveLength(1)
    expect(runs[0]?.results).toMatchObject([
      {
        terminal_result: 'BUILDER_COMPLETE',
        token_usage: { input_tokens: 2 * DEFAULT_USAGE.inputTokens, output_tokens: 2 * DEFAULT_USAGE.outputTokens },
        metadata: { session_id: runs[0]?.sessionInLog, failure_class: null },
      },
    ])
    expect(runs[0]?.sessionInLog).not.toBeNull()
    expect(workspace.snapshot().active_runs).toMatchObject([{ node_id: 'checker', status: 'ready', interruptions: 0 }])
    expect(workspace.counters()).toEqual([])
  }
})
