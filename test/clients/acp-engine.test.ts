/** Real agents of the Agent Client Protocol driven by the built Millrace. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { acpAgents } from './acp-engine.ts'
import { expectDeferred } from './deferral.ts'
import { building, type SceneOptions, scenes } from './scene.ts'
import { contextLine, type Script } from './script.ts'

const agents = await acpAgents()
const linux = process.platform === 'linux'
/** How long a first start and a step of work may take on a busy machine. */
const WORK = { timeout: 90_000 }

const openScene = scenes()

for (const { client, prepare, write, otherModel } of agents) {
  const withTask = async (script: Script, settings: SceneOptions['settings'] = {}) =>
    (await openScene(script, [prepare], { settings })).withTask()

  describe.skipIf(!client.available)(`a stage of ${client.title} over ACP (needs its program)`, () => {
    test('runs a command and ends with its outcome, session and tokens', async () => {
      const { workspace, server, processes } = await withTask((prompt) => building(prompt, 'touch made'))
      const ended = await workspace.run('run', 'once')
      const [stage] = workspace.stageRuns()
      expect([ended.code, ended.stderr], stage?.results[0]?.notes.join('\n')).toEqual([0, ''])
      expect(stage?.results).toMatchObject([
        {
          terminal_result: 'BUILDER_COMPLETE',
          success: true,
          runner_name: 'acp',
          token_usage: { total_tokens: expect.any(Number) },
          metadata: { failure_class: null, session_id: expect.stringMatching(/^[\w-]{20,}$/), processes_swept: [] },
        },
      ])
      expect(stage?.results[0]?.token_usage?.total_tokens).toBeGreaterThanOrEqual(100)
      expect(existsSync(join(workspace.root, 'made'))).toBe(true)
      expect(readFileSync(stage?.results[0]?.stdout_path ?? '', 'utf8').trim()).toBe('Built.\n\n### BUILDER_COMPLETE')
      expect(stage?.invocation?.command.join(' ')).not.toContain('Stage Kind ID')
      const asked = server.log.filter((entry) => entry.sent !== 'side')
      expect(asked.map(({ step, sent }) => [step, sent])).toEqual([
        [0, 'shell'],
        [1, 'text'],
      ])
      expect(asked[0]?.request.promptText, 'the model got the prompt whole').toContain(stage?.prompt.trim())
      if (linux) expect(processes()).toEqual([])
    })

    test('may not run what leaves the workspace at level basic', async () => {
      // Not below the temporary folder, which a sandbox may let be written.
      const elsewhere = `/var/tmp/millrace-acp-${process.pid}-${client.title.replace(/\W/g, '')}`
      const script: Script = {
        builder: [
          { turn: 'shell', command: `touch '${elsewhere}'` },
          { turn: 'text', text: 'I may not.\n\n### BLOCKED' },
        ],
      }
      const { workspace, processes } = await withTask(script, { 'runners.acp.permission_default': 'basic' })
      try {
        await workspace.run('run', 'once')
        expect(existsSync(elsewhere)).toBe(false)
        const [stage] = workspace.stageRuns()
        expect(stage?.results).toMatchObject([{ terminal_result: 'BLOCKED', success: false }])
        // What Codex may do is for its sandbox to decide, where the machine has one.
        if (write !== null) {
          expect(stage?.results[0]?.notes.join('\n')).toMatch(/^refused at level basic: (?:execute|other) /m)
        }
        if (linux) expect(processes()).toEqual([])
      } finally {
        rmSync(elsewhere, { force: true })
      }
    })

    test.skipIf(write === null)(
      'may change files of the workspace at level basic (needs a tool that writes)',
      async () => {
        const script: Script = (prompt) => [
          {
            turn: 'call',
            call: write!(join(contextLine(prompt, 'Run Directory') ?? '', 'builder_summary.md'), 'Built.\n'),
          },
          { turn: 'text', text: 'Built.\n\n### BUILDER_COMPLETE' },
        ]
        const { workspace } = await withTask(script, { 'runners.acp.permission_default': 'basic' })
        expect((await workspace.run('run', 'once')).code).toBe(0)
        expect(workspace.stageRuns()[0]?.results).toMatchObject([
          { terminal_result: 'BUILDER_COMPLETE', success: true },
        ])
      },
    )

    test.skipIf(otherModel === null)(
      'works with the model that is asked for, or not at all (needs a second model)',
      async () => {
        const { workspace, server } = await withTask(building, { 'stages.builder.model': otherModel!.name })
        expect((await workspace.run('run', 'once')).code).toBe(0)
        const asked = server.log.filter((entry) => entry.sent !== 'side')
        expect(new Set(asked.map(({ request }) => request.model))).toEqual(new Set([otherModel!.asked]))
        const without = await withTask(building, { 'stages.builder.model': 'no-such-model' })
        expect((await without.workspace.run('run', 'once')).code).toBe(1)
        expect(without.server.log).toEqual([])
        expect(without.workspace.stageRuns()[0]?.results[0]?.notes.join()).toContain(
          'does not offer the model no-such-model',
        )
      },
    )

    test('with a refused key is tried again later', async () => {
      const opened = await withTask({ builder: [{ turn: 'http_error', status: 401 }] })
      expect((await opened.workspace.run('run', 'once')).code).toBe(1)
      await expectDeferred(opened, 'environment_auth')
    })

    test.skipIf(!linux)('stopped in a command leaves nothing of itself (needs Linux)', async () => {
      const { workspace, processes } = await withTask((prompt) => building(prompt, 'touch begun; tail -f /dev/null'))
      const daemon = workspace.start('run', 'daemon')
      const isAtWork = () =>
        existsSync(join(workspace.root, 'begun')) && processes().some((line) => line.includes('tail -f'))
      await expect.poll(isAtWork, WORK).toBe(true)
      const began = performance.now()
      expect((await workspace.run('control', 'stop')).code).toBe(0)
      expect(await daemon.ended).toMatchObject({ code: 0, signal: null })
      expect(performance.now() - began).toBeLessThan(15_000)
      expect(processes()).toEqual([])
      expect(workspace.stageRuns().map(({ results }) => results)).toEqual([[]])
      expect(workspace.snapshot().active_runs).toMatchObject([
        { status: 'ready', node_id: 'builder', interruptions: 0 },
      ])
    })
  })
}
