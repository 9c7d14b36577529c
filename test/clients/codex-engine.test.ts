/** The real Codex driven by the built Millrace: the demo's story, and the three permission levels. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { DemoOutput } from '../../src/operations/demo.ts'
import { codexScenes, sandboxProblem } from './codex-engine.ts'
import { STUB_KEY } from './codex-process.ts'
import { DEMO_STAGES, demoStory } from './codex-script.ts'
import { CODEX, resolveClient } from './install.ts'
import { building, type Scene } from './scene.ts'
import { DEFAULT_USAGE, type Script } from './script.ts'

const codex = await resolveClient(CODEX)
const linux = process.platform === 'linux'

const openScene = codexScenes(codex)

describe.skipIf(!codex.available)(`the demo, its work done by ${codex.title}`, () => {
  test('closes the spec, each stage by one request with one result', async () => {
    const { server, workspace, processes } = await openScene(demoStory())
    const ended = await workspace.run('demo', '--runner', 'codex_cli', '--json')

    expect([ended.code, ended.signal], ended.stderr).toEqual([0, null])
    const told = JSON.parse(ended.stdout) as DemoOutput
    expect(told).toMatchObject({ ran: true, interrupted: false, closed: true, tests_green: true })
    expect(told.stages.map(({ stage, outcome }) => [stage, outcome])).toEqual(DEMO_STAGES)
    expect(() => execFileSync('npm', ['test'], { cwd: workspace.root, stdio: 'pipe' })).not.toThrow()

    const runs = workspace.stageRuns()
    expect(runs.map(({ request, results }) => [request.node_id, ...results.map((own) => own.terminal_result)])).toEqual(
      DEMO_STAGES,
    )
    expect(server.log.filter((entry) => entry.problem !== null || entry.sent === 'side')).toEqual([])
    for (const { request, results, invocation, prompt, sessionInLog } of runs) {
      const asked = server.log.filter((entry) => entry.requestId === request.request_id)
      expect(asked[0]?.request.promptText.trim(), 'the model got the prompt whole').toBe(prompt.trim())
      expect(invocation?.command.at(-1)).toBe('-')
      expect(invocation?.command.join(' ')).not.toContain('Stage Kind ID')
      expect(invocation?.command).toContain('--dangerously-bypass-approvals-and-sandbox')
      expect(invocation?.command).not.toContain('--sandbox')
      expect(invocation?.environment_names).toEqual([
        'CODEX_HOME',
        'HOME',
        'MILLRACE_REQUEST_ID',
        'MILLRACE_RUN_DIR',
        'PATH',
        'STUB_API_KEY',
        'TERM',
      ])
      const tokens = (perRequest: number) => perRequest * asked.length
      expect(results[0]).toMatchObject({
        runner_name: 'codex_cli',
        result_class:
          DEMO_STAGES.find(([stage]) => stage === request.node_id)?.[1] === 'FIX_NEEDED'
            ? 'followup_needed'
            : 'success',
        token_usage: {
          input_tokens: tokens(DEFAULT_USAGE.inputTokens),
          cached_input_tokens: tokens(DEFAULT_USAGE.cachedInputTokens),
          output_tokens: tokens(DEFAULT_USAGE.outputTokens),
          thinking_tokens: tokens(DEFAULT_USAGE.reasoningTokens),
          total_tokens: tokens(DEFAULT_USAGE.inputTokens + DEFAULT_USAGE.outputTokens),
        },
        metadata: { failure_class: null, session_id: sessionInLog, processes_swept: [] },
      })
    }
    expect(new Set(runs.map(({ sessionInLog }) => sessionInLog)).size, 'every stage is a session of its own').toBe(8)
    expect(new Set(server.log.map((entry) => entry.authorization))).toEqual(new Set([`Bearer ${STUB_KEY}`]))
    expect(filesNaming(new RegExp(`\\b${STUB_KEY}\\b|not for agents`), workspace.root)).toEqual([])
    for (const type of ['stage_deferred', 'stage_interrupted', 'run_held']) expect(workspace.events(type)).toEqual([])
    if (linux) expect(processes()).toEqual([])
  })
})

/** Files below a folder whose text matches. */
function filesNaming(pattern: RegExp, folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => statSync(join(folder, name)).isFile() && pattern.test(readFileSync(join(folder, name), 'utf8')),
  )
}

const NO_SANDBOX = sandboxProblem(codex)
const LEVELS = [
  {
    level: 'basic',
    flags: ['-c', 'approval_policy="never"', '--sandbox', 'workspace-write'],
    reach: 'the workspace only',
    outside: false,
    problem: NO_SANDBOX,
  },
  {
    level: 'elevated',
    flags: ['-c', 'approval_policy="never"', '--sandbox', 'danger-full-access'],
    reach: 'everything',
    outside: true,
    problem: null,
  },
  {
    level: 'maximum',
    flags: ['--dangerously-bypass-approvals-and-sandbox'],
    reach: 'everything',
    outside: true,
    problem: null,
  },
].map((entry) => ({
  ...entry,
  title:
    entry.problem === null ? entry.level : `${entry.level} (skipped, no sandbox on this machine: ${entry.problem})`,
}))

describe.skipIf(!codex.available)(`permission levels, with ${codex.title}`, () => {
  for (const { title, level, flags, reach, outside, problem } of LEVELS) {
    test.skipIf(problem !== null)(`${title} is taken by the client and lets a stage reach ${reach}`, async () => {
      // Not below the temporary folder, which the sandbox lets be written.
      const elsewhere = `/var/tmp/millrace-permission-${process.pid}-${level}`
      const fetching = `node -e 'fetch(process.argv[1]).then(() => console.log("reached"), () => console.log("cut off"))'`
      const script: Script = (prompt) =>
        building(prompt, `touch inside; touch '${elsewhere}'; ${fetching} ${scene.server.url} > network.txt`)
      const scene: Scene = await openScene(script, { settings: { 'runners.codex.permission_default': level } })
      const { workspace, processes } = await scene.withTask()
      try {
        const ended = await workspace.run('run', 'once')
        expect([ended.code, ended.stderr]).toEqual([0, ''])
        const [stage] = workspace.stageRuns()
        expect(stage?.results.map((result) => result.terminal_result)).toEqual(['BUILDER_COMPLETE'])
        const { command = [] } = stage?.invocation ?? {}
        expect(command.slice(command.indexOf(flags[0]!)).slice(0, flags.length)).toEqual(flags)
        expect(existsSync(join(workspace.root, 'inside'))).toBe(true)
        expect(existsSync(elsewhere)).toBe(outside)
        expect(readFileSync(join(workspace.root, 'network.txt'), 'utf8').trim()).toBe(outside ? 'reached' : 'cut off')
        if (linux) expect(processes()).toEqual([])
      } finally {
        rmSync(elsewhere, { force: true })
      }
    })
  }
})
