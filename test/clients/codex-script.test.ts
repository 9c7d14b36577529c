import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startCodex, writeCodexHome } from './codex-process.ts'
import { commandOf, DEMO_REPLIES, demoStory, placesIn, readReplies } from './codex-script.ts'
import { CODEX, resolveClient } from './install.ts'
import { startModelServer } from './model-server.ts'
import { responsesApi } from './responses-api.ts'

const exec = promisify(execFile)
const ASSETS = resolve(import.meta.dirname, '../../assets')
const COMMAND_MS_MAX = 30_000
const codex = await resolveClient(CODEX)

const STAGES = ['planner', 'manager', 'builder', 'checker', 'fixer', 'doublechecker', 'updater', 'arbiter']
const PLANNING = ['planner', 'manager', 'arbiter']
const ROOT = 'split-by-shares'

interface Output {
  failed: boolean
  text: string
}

async function shell(command: string, cwd: string): Promise<Output> {
  try {
    const { stdout, stderr } = await exec('sh', ['-c', command], { cwd, timeout: COMMAND_MS_MAX })
    return { failed: false, text: stdout + stderr }
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    return { failed: true, text: `${stdout}${stderr}` || String(error) }
  }
}

/** A workspace as the runtime would have it: the sample project and the runtime root, no engine. */
function sampleWorkspace(): string {
  const workspace = join(mkdtempSync(join(tmpdir(), 'demo-story-')), 'fair split')
  cpSync(join(ASSETS, 'demo/project'), workspace, { recursive: true })
  mkdirSync(join(workspace, 'millrace-agents'))
  return workspace
}

const runDirOf = (workspace: string, stage: string) =>
  join(workspace, 'millrace-agents/runs', stage === 'arbiter' ? 'run-3' : PLANNING.includes(stage) ? 'run-1' : 'run-2')

/** The lines of a stage prompt that the story looks at. */
function promptFor(workspace: string, stage: string): string {
  const closure = stage === 'arbiter'
  const runDir = runDirOf(workspace, stage)
  const agents = join(workspace, 'millrace-agents')
  mkdirSync(runDir, { recursive: true })
  return [
    'You are carrying out one stage request of Millrace.',
    '',
    'Stage Request Context:',
    `Request ID: request-${stage}`,
    `Stage Kind ID: ${stage}`,
    `Active Work Item: ${closure ? 'none' : PLANNING.includes(stage) ? `spec ${ROOT}` : 'task add-split-by-shares'}`,
    `Closure Target Root Spec ID: ${closure ? ROOT : 'none'}`,
    `Closure Target Root Idea ID: ${closure ? ROOT : 'none'}`,
    `Preferred Rubric Path: ${closure ? join(agents, `arbiter/rubrics/${ROOT}.md`) : 'none'}`,
    `Preferred Verdict Path: ${closure ? join(agents, `arbiter/verdicts/${ROOT}.json`) : 'none'}`,
    `Preferred Report Path: ${closure ? join(runDir, 'arbiter_report.md') : 'none'}`,
    `Run Directory: ${runDir}`,
    `Outbox Directory: ${join(runDir, 'outbox', `request-${stage}`)}`,
    '',
  ].join('\n')
}

/** Files the shipped stage kind owes for an outcome, as paths. */
function owed(workspace: string, stage: string, outcome: string): string[] {
  const plane = PLANNING.includes(stage) ? 'planning' : 'execution'
  const kind = JSON.parse(readFileSync(join(ASSETS, `registry/stage_kinds/${plane}/${stage}.json`), 'utf8')) as {
    owed_artifacts_by_outcome: Record<string, { path: string }[]>
  }
  const places = placesIn(promptFor(workspace, stage), DEMO_REPLIES)
  return (kind.owed_artifacts_by_outcome[outcome] ?? []).map(({ path }) => {
    const closurePath = { '{rubric}': places.rubric, '{verdict}': places.verdict, '{report}': places.report }[path]
    return closurePath ?? join(runDirOf(workspace, stage), path)
  })
}

/** Carries out the stage of a prompt in a workspace and gives the final message. */
type Performer = (promptText: string, workspace: string) => Promise<string>

/** Without any client: half of the commands first, as if killed, and then all of them from the start. */
const byShell: Performer = async (promptText, workspace) => {
  const turns = demoStory()(promptText)
  const commands = turns.flatMap((turn) => (turn.turn === 'shell' ? [turn.command] : []))
  for (const command of commands.slice(0, Math.ceil(commands.length / 2))) await shell(command, workspace)
  const outputs: string[] = []
  for (const command of commands) outputs.push((await shell(command, workspace)).text)
  const last = turns.at(-1)
  return last?.turn === 'text' && typeof last.text === 'function' ? last.text(outputs) : ''
}

const byCodex: Performer = async (promptText, workspace) => {
  const server = await startModelServer(demoStory(), [responsesApi])
  try {
    const home = join(workspace, '../home')
    const codexVariables = writeCodexHome(join(home, '.codex'), server.url)
    const command = codex.available ? codex.command : 'codex'
    const result = await startCodex({ command, home, codexVariables, cwd: workspace, prompt: promptText }).ended
    expect(result.exitCode, result.stderr).toBe(0)
    return result.events.findLast((event) => event.item?.type === 'agent_message')?.item?.text ?? ''
  } finally {
    await server.close()
  }
}

describe.each([
  ['a plain shell, each stage killed half-way and run again', byShell, true],
  [codex.title, byCodex, codex.available],
] as const)('the demo story, told by %s', (_performer, perform, available) => {
  let workspace: string
  beforeAll(() => {
    workspace = sampleWorkspace()
  })
  afterAll(() => {
    rmSync(join(workspace, '..'), { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  })

  test.skipIf(!available).each(STAGES)('%s does what its reply says and leaves what it owes', async (stage) => {
    const outcome = readReplies(DEMO_REPLIES).find((reply) => reply.stage === stage)!.outcome
    const final = await perform(promptFor(workspace, stage), workspace)
    expect(final.trimEnd().split('\n').at(-1)).toBe(`### ${outcome}`)
    const paths = owed(workspace, stage, outcome)
    expect(paths.length).toBeGreaterThan(0)
    for (const path of paths) expect(readFileSync(path, 'utf8').trim(), path).not.toBe('')

    const suite = await shell('npm test', workspace)
    expect(suite.failed, suite.text).toBe(STAGES.indexOf(stage) < STAGES.indexOf('fixer'))
    if (stage === 'manager') {
      const outbox = join(runDirOf(workspace, stage), 'outbox/request-manager/task')
      expect(readdirSync(outbox)).toEqual(['add-split-by-shares.md'])
      expect(readFileSync(join(outbox, 'add-split-by-shares.md'), 'utf8')).toMatch(/^Created-At: 20\d\d-.*Z$/m)
    }
    if (stage === 'checker') {
      const summary = readFileSync(join(runDirOf(workspace, stage), 'checker_summary.md'), 'utf8')
      expect(summary).toContain(
        '- fail 2\n- 1000 cents by 1:1:1 gives 333 + 333 + 333 = 999\n- 101 cents by 1:2:3 gives 17 + 34 + 51 = 102\n',
      )
    }
    if (stage === 'arbiter') {
      const verdict = JSON.parse(readFileSync(join(workspace, `millrace-agents/arbiter/verdicts/${ROOT}.json`), 'utf8'))
      expect(verdict).toMatchObject({ kind: 'closure_verdict', root_spec_id: ROOT, verdict: 'pass' })
      expect(verdict.criteria).toHaveLength(6)
    }
  })
})

describe('the steps of a story as shell commands', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'story-steps-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const places = () =>
    placesIn(`Request ID: r1\nRun Directory: ${join(folder, "it's here/millrace-agents/runs/run-1")}\n`, DEMO_REPLIES)

  test('a replacement may be done twice and says so when its text is missing', async () => {
    const path = join(folder, 'a file.txt')
    await shell(commandOf({ write: { path, text: "one 'two' $three\n" } }, places())!, folder)
    const replace = commandOf({ replace: { path, find: "'two' $three", with: '"2" $3' } }, places())!
    expect([(await shell(replace, folder)).failed, (await shell(replace, folder)).failed]).toEqual([false, false])
    expect(readFileSync(path, 'utf8')).toBe('one "2" $3\n')
    expect(
      (await shell(commandOf({ replace: { path, find: 'four', with: 'five' } }, places())!, folder)).text,
    ).toContain('not found')
  })

  test('a command is held to what its step expects', async () => {
    const fails = async (command: string, expect: 'success' | 'failure' | 'any') =>
      (await shell(commandOf({ run: { command, expect } }, places())!, folder)).failed
    expect([await fails('exit 1', 'success'), await fails('exit 1', 'failure'), await fails('exit 1', 'any')]).toEqual([
      true,
      false,
      false,
    ])
    expect([await fails('true', 'success'), await fails('true', 'failure')]).toEqual([false, true])
  })

  test('a structured result and a handed-in document land where the runtime looks for them', async () => {
    await shell(commandOf({ result: { terminal_result: 'BUILDER_COMPLETE' } }, places())!, folder)
    await shell(commandOf({ hand_in: { kind: 'task', id: 't1', text: '# T\n' } }, places())!, folder)
    const runDir = places().run_dir!
    expect(JSON.parse(readFileSync(join(runDir, 'runner_terminal_result.r1.json'), 'utf8'))).toEqual({
      terminal_result: 'BUILDER_COMPLETE',
    })
    expect(existsSync(join(runDir, 'outbox/r1/task/t1.md'))).toBe(true)
  })

  test('a template the prompt says nothing about is an error that names it', () => {
    expect(() => commandOf({ write: { path: '{verdict}', text: '' } }, places())).toThrow('{verdict}')
    expect(() => commandOf({ artifacts: true }, places())).toThrow('write its own')
  })

  test('a step that did not do what it expects makes the story end as blocked', () => {
    const last = demoStory()(promptFor(folder, 'builder')).at(-1)
    if (last?.turn !== 'text' || typeof last.text !== 'function') throw new Error('the story has to end with a text')
    expect(last.text(['millrace-step-done\n', 'exploded\n'])).toMatch(/Command 2 .*exploded\n\n### BLOCKED$/s)
  })
})
