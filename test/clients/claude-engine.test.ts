/** The real Claude Code driven by the built Millrace: the demo's story, alone and beside Codex, and the permission levels. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { PermissionLevel } from '../../src/core/stage.ts'
import type { DemoOutput } from '../../src/operations/demo.ts'
import { preparedClaude } from './claude-engine.ts'
import { preparedCodex } from './codex-engine.ts'
import { STUB_KEY } from './codex-process.ts'
import { DEMO_STAGES, demoStory } from './codex-script.ts'
import { CLAUDE, CODEX, resolveClient } from './install.ts'
import { building, scenes } from './scene.ts'
import { contextLine, DEFAULT_USAGE, type Script, type Turn } from './script.ts'

const claude = await resolveClient(CLAUDE)
const codex = await resolveClient(CODEX)
const linux = process.platform === 'linux'
const isRoot = process.getuid?.() === 0
/** How long the whole story may take on a busy machine. */
const STORY_TIME = { timeout: 90_000, interval: 500 }

const openScene = scenes()

const tokens = (requests: number) => ({
  input_tokens: requests * DEFAULT_USAGE.inputTokens,
  cached_input_tokens: requests * DEFAULT_USAGE.cachedInputTokens,
  output_tokens: requests * DEFAULT_USAGE.outputTokens,
  total_tokens: requests * (DEFAULT_USAGE.inputTokens + DEFAULT_USAGE.outputTokens),
})

describe.skipIf(!claude.available)(`the demo, its work done by ${claude.title}`, () => {
  test('closes the spec, each stage by one request with one result', async () => {
    const { server, workspace, processes } = await openScene(demoStory(), [preparedClaude(claude)])
    const ended = await workspace.run('demo', '--runner', 'claude_code', '--json')

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
      expect(invocation?.command.join(' ')).not.toContain('Stage Kind ID')
      expect(invocation?.environment_names).toEqual([
        ...['ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL', 'ANTHROPIC_MODEL'],
        ...['CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC', 'CLAUDE_CODE_MAX_RETRIES', 'DISABLE_AUTOUPDATER'],
        ...['HOME', 'IS_SANDBOX', 'MILLRACE_REQUEST_ID', 'MILLRACE_RUN_DIR', 'PATH', 'TERM'],
      ])
      expect(results[0]).toMatchObject({
        runner_name: 'claude_code',
        token_usage: { ...tokens(asked.length), cache_write_tokens: 0 },
        metadata: { failure_class: null, session_id: sessionInLog, processes_swept: [] },
      })
      expect(results[0]?.token_usage?.cost_usd).toBeGreaterThan(0)
    }
    expect(new Set(runs.map(({ sessionInLog }) => sessionInLog)).size, 'every stage is a session of its own').toBe(8)
    expect(new Set(server.log.map((entry) => entry.authorization))).toEqual(new Set([STUB_KEY]))
    for (const type of ['stage_deferred', 'stage_interrupted', 'run_held']) expect(workspace.events(type)).toEqual([])
    if (linux) expect(processes()).toEqual([])
  })
})

describe.skipIf(!claude.available || !codex.available)(`${codex.title} building and ${claude.title} judging`, () => {
  test('close the spec in the mode codex_claude', async () => {
    const settings = { 'runtime.default_mode': 'codex_claude' }
    const harnesses = [preparedCodex(codex), preparedClaude(claude)]
    const { server, workspace, processes } = await openScene(demoStory(), harnesses, { settings })
    expect((await workspace.run('demo', '--prepare')).code).toBe(0)
    const daemon = workspace.start('run', 'daemon')
    await expect.poll(() => workspace.events('closure_target_closed').length, STORY_TIME).toBe(1)
    expect((await workspace.run('control', 'stop')).code).toBe(0)
    expect(await daemon.ended).toMatchObject({ code: 0, signal: null })

    const runs = workspace.stageRuns()
    expect(runs.map(({ request, results }) => [request.node_id, ...results.map((own) => own.terminal_result)])).toEqual(
      DEMO_STAGES,
    )
    const judges = ['checker', 'doublechecker', 'arbiter']
    for (const { request, results } of runs) {
      const asked = server.log.filter((entry) => entry.requestId === request.request_id)
      const isJudge = judges.includes(request.node_id)
      expect(new Set(asked.map(({ api }) => api))).toEqual(new Set([isJudge ? 'messages' : 'responses']))
      expect(results[0]).toMatchObject({
        runner_name: isJudge ? 'claude_code' : 'codex_cli',
        token_usage: tokens(asked.length),
      })
    }
    expect(() => execFileSync('npm', ['test'], { cwd: workspace.root, stdio: 'pipe' })).not.toThrow()
    for (const type of ['stage_deferred', 'stage_interrupted', 'run_held']) expect(workspace.events(type)).toEqual([])
    if (linux) expect(processes()).toEqual([])
  })
})

describe.skipIf(!claude.available)(`a session of ${claude.title}`, () => {
  test('is continued by another stage, of which only the new requests are counted', async () => {
    const script: Script = (prompt) =>
      contextLine(prompt, 'Stage Kind ID') === 'builder' ? building(prompt) : [{ turn: 'text', text: '### BLOCKED' }]
    const settings = { 'runtime.default_mode': 'continuing' }
    const { workspace, server } = await (await openScene(script, [preparedClaude(claude)], { settings })).withTask()
    const shipped = JSON.parse(
      readFileSync(resolve(import.meta.dirname, '../../assets/modes/default_claude.json'), 'utf8'),
    )
    writeFileSync(
      join(workspace.root, 'millrace-agents/modes/continuing.json'),
      JSON.stringify({ ...shipped, mode_id: 'continuing', stage_session_bindings: { checker: 'builder' } }),
    )
    expect((await workspace.run('run', 'once')).code).toBe(0)
    await workspace.run('run', 'once')

    const [builder, checker] = workspace.stageRuns()
    expect(checker?.request.node_id).toBe('checker')
    expect(checker?.invocation?.command).toContain('--resume')
    expect(checker?.sessionInLog).toBe(builder?.sessionInLog)
    expect(checker?.results).toMatchObject([{ terminal_result: 'BLOCKED', token_usage: tokens(1) }])
    expect(server.log.map((entry) => [entry.stage, entry.step, entry.sent])).toEqual([
      ['builder', 0, 'shell'],
      ['builder', 1, 'text'],
      ['checker', 0, 'text'],
    ])
  })
})

describe.skipIf(!claude.available)(`permission levels, with ${claude.title}`, () => {
  const LEVELS: { level: PermissionLevel; flags: string[]; reach: string; isFree: boolean }[] = [
    { level: 'basic', flags: ['--permission-mode', 'acceptEdits'], reach: 'the workspace only', isFree: false },
    {
      level: 'elevated',
      flags: ['--permission-mode', 'acceptEdits', '--allowedTools'],
      reach: 'everything',
      isFree: true,
    },
    { level: 'maximum', flags: ['--permission-mode', 'bypassPermissions'], reach: 'everything', isFree: true },
  ]

  /** Edits a file of the workspace and one outside, runs a program, writes the summary; each with the tool for it. */
  const tryingAll =
    (elsewhere: string): Script =>
    (prompt): Turn[] => {
      const runDir = contextLine(prompt, 'Run Directory') ?? ''
      const write = (file: string): Turn => ({
        turn: 'call',
        call: { name: 'Write', arguments: { file_path: file, content: 'Written.\n' } },
      })
      return [
        write(resolve(runDir, '../../../inside')),
        write(elsewhere),
        { turn: 'shell', command: `node -e 'fs.writeFileSync("ran", "")'` },
        write(join(runDir, 'builder_summary.md')),
        { turn: 'text', text: 'Built.\n\n### BUILDER_COMPLETE' },
      ]
    }

  test.each(LEVELS)('$level is taken by the client and lets a stage reach $reach', async ({ level, flags, isFree }) => {
    const folder = mkdtempSync('/var/tmp/millrace-permission-')
    try {
      const elsewhere = join(folder, 'elsewhere')
      const settings = { 'runners.claude.permission_default': level }
      const scene = await openScene(tryingAll(elsewhere), [preparedClaude(claude)], { settings })
      const { workspace, processes } = await scene.withTask()
      const ended = await workspace.run('run', 'once')
      expect([ended.code, ended.stderr]).toEqual([0, ''])
      const [stage] = workspace.stageRuns()
      expect(stage?.results.map((result) => result.terminal_result)).toEqual(['BUILDER_COMPLETE'])
      const { command = [] } = stage?.invocation ?? {}
      expect(command.slice(command.indexOf(flags[0]!)).slice(0, flags.length)).toEqual(flags)
      const made = (name: string) => existsSync(join(workspace.root, name))
      expect([made('inside'), made('ran'), existsSync(elsewhere)]).toEqual([true, isFree, isFree])
      const denied = stage?.results[0]?.notes.filter((note) => note.startsWith('claude was denied'))
      expect(denied).toEqual(
        isFree
          ? []
          : [`claude was denied Write: ${elsewhere}`, expect.stringMatching(/^claude was denied Bash: node -e/)],
      )
      if (linux) expect(processes()).toEqual([])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test.skipIf(!isRoot)('maximum is refused to root, who is told what to set (needs root)', async () => {
    const scene = await openScene({ builder: [] }, [preparedClaude(claude, { isSandbox: false })])
    const { workspace, server } = await scene.withTask()
    expect((await workspace.run('run', 'once')).code).toBe(1)
    const [result] = workspace.stageRuns()[0]?.results ?? []
    expect(result?.metadata).toMatchObject({ failure_class: 'environment_refused_permission' })
    expect(result?.notes.join(' ')).toMatch(/IS_SANDBOX = "1" in runners\.claude\.env/)
    expect(readFileSync(result?.stderr_path ?? '', 'utf8')).toContain('root')
    expect(server.log).toEqual([])
  })
})
