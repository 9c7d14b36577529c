/** Ends that come from outside: the built Millrace stopped or killed while a real Codex is at work, and Codex killed under it. */
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { PermissionLevel } from '../../src/core/stage.ts'
import { codexScenes, sandboxProblem } from './codex-engine.ts'
import { CODEX, resolveClient } from './install.ts'
import type { Workspace } from './millrace-process.ts'
import { building, type Scene } from './scene.ts'
import { DEFAULT_USAGE } from './script.ts'

const codex = await resolveClient(CODEX)
const linux = process.platform === 'linux'
/** How long work that takes a second or two may take on a busy machine. */
const WORK = { timeout: 30_000 }

/** Default of runtime.stop_grace_seconds. */
const GRACE_MS = 5000

const openScene = codexScenes(codex)

/** A builder whose first attempt runs `command` and whose later ones succeed at once. Resolves once it sleeps. */
async function atWork(command: string, level: PermissionLevel = 'maximum') {
  const opened: Scene = await openScene(
    (prompt) => building(prompt, /^Previous Attempt: none$/m.test(prompt) ? `touch begun; ${command}` : 'touch again'),
    { settings: { 'runners.codex.permission_default': level } },
  )
  await opened.withTask()
  const daemon = opened.workspace.start('run', 'daemon')
  const made = (name: string) => existsSync(join(opened.workspace.root, name))
  const isSleeping = () => made('begun') && opened.processes().some((line) => line.includes('sleep'))
  await expect.poll(isSleeping, WORK).toBe(true)
  return { ...opened, daemon, made, go: () => writeFileSync(join(opened.workspace.root, 'go'), '') }
}

/** A command that goes on until the file `go` is there, for half a minute at most. */
const UNTIL_TOLD = 'n=0; until [ -e go ] || [ $n -gt 300 ]; do n=$((n+1)); sleep 0.1; done'

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
        const { workspace, daemon, processes, made } = await atWork('sleep 300; touch never', level)
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

        expect((await workspace.run('run', 'once')).code).toBe(0)
        expect(workspace.stageRuns().map(({ results }) => results.map((own) => own.terminal_result))).toEqual([
          [],
          ['BUILDER_COMPLETE'],
        ])
        expect([made('again'), made('never')]).toEqual([true, false])
        expect(processes()).toEqual([])
      },
    )
  }

  test('by nobody, though the daemon was killed: the next one adopts it and takes its result', async () => {
    const { workspace, server, daemon, processes, go } = await atWork(UNTIL_TOLD)
    daemon.signal('SIGKILL')
    expect((await daemon.ended).signal).toBe('SIGKILL')
    expect(processes().filter((line) => line.includes('codex exec'))).not.toEqual([])

    const next = workspace.start('run', 'once')
    await expect.poll(() => workspace.events('stage_adopted'), WORK).toHaveLength(1)
    go()
    expect(await next.ended).toMatchObject({ code: 0, stderr: '' })
    expectWholeResult(workspace)
    expect(server.log.map((entry) => [entry.step, entry.sent])).toEqual([
      [0, 'shell'],
      [1, 'text'],
    ])
    expect(processes()).toEqual([])
  })

  test('by nobody, though the daemon was killed and Codex ended alone: its result is taken as it lies', async () => {
    const { workspace, daemon, processes, go } = await atWork(UNTIL_TOLD)
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
    const { workspace, daemon, processes } = await atWork('sleep 300')
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
