/**
 * The demo: one spec through the whole runtime, on a small sample project with failing tests. The embedded scripted
 * agent stands in for a harness: a real child process that really edits files; any other runner can take its place.
 */
import * as os from 'node:os'
import * as path from 'node:path'
import { MillraceError } from '../core/errors.ts'
import { jsonText } from '../core/json.ts'
import { didYouMean, nearest } from '../core/nearest.ts'
import type { Operation } from '../core/operation.ts'
import { drain, runLoop } from '../engine/daemon.ts'
import type { Listener } from '../engine/engine.ts'
import { settleFinished } from '../engine/settle.ts'
import { initWorkspace } from '../store/init.ts'
import { placesOf } from '../store/layout.ts'
import type { Context } from './context.ts'
import { issue } from './issue.ts'
import { openEngine, stopOnSignal } from './run.ts'

export interface DemoOutput {
  project: string
  runner: string
  /** False if only the project was made. */
  ran: boolean
  interrupted: boolean
  spec_id: string
  closed: boolean
  /** True if the story ran and did not end well: exit 1. */
  failed: boolean
  tests_green: boolean
  duration_seconds: number
  stages: { stage: string; outcome: string; seconds: number }[]
  runs: string[]
  report: string | null
}

interface DemoInput {
  dir?: string
  runner?: string
  prepare?: boolean
}

const MODE_ID = 'demo'
const TEST_TIMEOUT_MS = 60_000
const GIT_TIMEOUT_MS = 30_000
const OUTPUT_BYTES_MAX = 1024 * 1024

export const demo: Operation<Context, DemoInput, DemoOutput> = {
  name: 'demo',
  flavour: 'perform',
  summary: 'Watch one spec go through the whole runtime, on a sample.',
  description:
    'Makes a small git project with failing tests, queues one spec, and runs it: planned, cut into a task, built, checked (the check finds a real gap), fixed, checked again, documented, and judged against the spec. The project is kept. With --runner a real harness does the work instead of the embedded scripted agent.',
  input: [
    {
      name: 'dir',
      type: 'text',
      placeholder: 'DIR',
      description: 'Where to make the project; must be absent or empty (default: a new temporary folder).',
    },
    {
      name: 'runner',
      type: 'text',
      placeholder: 'NAME',
      default: 'scripted',
      description: 'Runner of every stage: scripted, codex_cli, command.',
    },
    {
      name: 'prepare',
      type: 'flag',
      description: 'Only make the project and queue the spec; run it with `millrace run daemon`.',
    },
  ],
  examples: [
    { command: 'millrace demo', does: 'the whole story in about twenty seconds' },
    { command: 'millrace demo --runner codex_cli', does: 'the same with the Codex CLI doing the work' },
  ],
  output: async () => (await import('./schemas.ts')).demoSchema(),
  async run(outer, input) {
    const runner = input.runner ?? 'scripted'
    if (!outer.runnerNames.includes(runner)) {
      const near = nearest(runner, outer.runnerNames)
      throw new MillraceError('usage', `There is no runner ${runner}.`, {
        hint: didYouMean(near, `runners: ${outer.runnerNames.join(', ')}`),
      })
    }
    const root =
      input.dir === undefined ? path.join(os.tmpdir(), `millrace-demo-${outer.clock.hex(8)}`) : path.resolve(input.dir)
    const context: Context = { ...outer, workspaceRoot: root }
    await makeProject(context)
    await makeWorkspace(context, runner)
    const specId = await queueSpec(context)
    const nothing = {
      project: root,
      runner,
      ran: false,
      interrupted: false,
      spec_id: specId,
      closed: false,
      failed: false,
      tests_green: false,
      duration_seconds: 0,
      stages: [],
      runs: [],
      report: null,
    }
    context.print(`A sample project with failing tests is in ${root}; one spec is queued: ${specId}.`)
    return input.prepare === true ? nothing : { ...nothing, ran: true, ...(await runStory(context, specId)) }
  },
}

/** Copies the sample, makes it a git repository and commits it. */
async function makeProject(context: Context): Promise<void> {
  const { files, workspaceRoot: root } = context
  if ((files.list(root) ?? []).length > 0)
    throw new MillraceError('usage', `${root} is not empty.`, {
      hint: 'name a folder that is absent or empty with --dir',
    })
  copyFolder(context, path.join(context.packageRoot, 'demo', 'project'), root)
  const git = async (...args: string[]) => {
    const who = [
      '-c',
      'user.name=Millrace demo',
      '-c',
      'user.email=demo@millrace.invalid',
      '-c',
      'commit.gpgsign=false',
      '-c',
      'init.defaultBranch=main',
    ]
    const result = await context.exec('git', [...who, ...args], {
      cwd: root,
      env: process.env,
      timeoutMs: GIT_TIMEOUT_MS,
      outputBytesMax: OUTPUT_BYTES_MAX,
    })
    if (result.code !== 0)
      throw new MillraceError(
        'demo_failed',
        `git ${args[0]} failed: ${result.stderr.trim().split('\n')[0] || `exit code ${result.code}`}.`,
        { hint: 'the demo needs git on the PATH' },
      )
  }
  await git('init', '--quiet')
  await git('add', '--all')
  await git('commit', '--quiet', '--message', 'Sample project')
}

function copyFolder(context: Context, from: string, to: string): void {
  const { files } = context
  files.makeFolder(to)
  for (const name of files.list(from) ?? []) {
    const source = path.join(from, name)
    if (files.stat(source)?.kind === 'directory') copyFolder(context, source, path.join(to, name))
    else files.write(path.join(to, name), files.read(source) ?? '')
  }
}

/** A runtime root whose mode binds every stage to the runner; a workspace mode wins over config and package. */
async function makeWorkspace(context: Context, runner: string): Promise<void> {
  const places = placesOf(context.workspaceRoot)
  await initWorkspace(context.files, context.clock, places, {
    packageRoot: context.packageRoot,
    version: context.version,
  })
  const shipped = JSON.parse(
    Buffer.from(context.files.read(path.join(context.packageRoot, 'modes', 'default_codex.json')) ?? '').toString(
      'utf8',
    ),
  ) as { stage_runner_bindings: Record<string, string> }
  const bindings = Object.fromEntries(Object.keys(shipped.stage_runner_bindings).map((stage) => [stage, runner]))
  const mode = {
    ...shipped,
    mode_id: MODE_ID,
    description: `Both standard loops, every stage run by ${runner}.`,
    stage_runner_bindings: bindings,
  }
  context.files.write(places.at(`modes/${MODE_ID}.json`), jsonText(mode))
  const replies = path.join(context.packageRoot, 'demo', 'replies.json')
  context.files.write(
    places.at('millrace.toml'),
    `[runtime]\ndefault_mode = "${MODE_ID}"\nrun_style = "daemon"\n\n[runners.codex]\npermission_default = "maximum"\n\n[runners.scripted]\nreplies = ${JSON.stringify(replies)}\n`,
  )
}

/** The seed idea and the spec that asks for it; gives the spec's id. */
async function queueSpec(context: Context): Promise<string> {
  const text = (name: string) =>
    Buffer.from(context.files.read(path.join(context.packageRoot, 'demo', name)) ?? '').toString('utf8')
  const added = await issue(context, 'add_spec', { text: text('spec.md') })
  const specId = String(added.result.work_item_id)
  const inbox = path.join(context.workspaceRoot, 'ideas', 'inbox')
  context.files.makeFolder(inbox)
  context.files.write(path.join(inbox, `${specId}.md`), text('idea.md'))
  return specId
}

async function runStory(
  context: Context,
  specId: string,
): Promise<Omit<DemoOutput, 'project' | 'runner' | 'ran' | 'spec_id'>> {
  const started = context.clock.monotonicMs()
  const stages: DemoOutput['stages'] = []
  const runs = new Set<string>()
  const engine = await openEngine(context, { runtimeMode: 'daemon' }, [tell(context, stages, runs, started)])
  const signals = stopOnSignal(context, engine)
  let closed = false
  try {
    await runLoop(engine, { ticksMax: null, stopWhenIdle: true })
    await drain(engine)
    await settleFinished(engine)
    closed = engine.workspace.view().targets.some((target) => target.root_spec_id === specId && !target.closure_open)
  } finally {
    signals.release()
    await engine.close()
  }
  const tests = await context.exec('npm', ['test'], {
    cwd: context.workspaceRoot,
    env: process.env,
    timeoutMs: TEST_TIMEOUT_MS,
    outputBytesMax: OUTPUT_BYTES_MAX,
  })
  const report = placesOf(context.workspaceRoot).at(`arbiter/reports/${[...runs].at(-1)}.md`)
  return {
    interrupted: signals.interrupted(),
    closed,
    failed: !closed || tests.code !== 0,
    tests_green: tests.code === 0,
    duration_seconds: Math.round((context.clock.monotonicMs() - started) / 100) / 10,
    stages,
    runs: [...runs],
    report: context.files.stat(report) === null ? null : report,
  }
}

/** Tells the story line by line as it happens. */
function tell(context: Context, stages: DemoOutput['stages'], runs: Set<string>, started: number): Listener {
  const say = (line: string) =>
    context.print(`${((context.clock.monotonicMs() - started) / 1000).toFixed(1).padStart(6)}s  ${line}`)
  return (change) => {
    if (change.change !== 'event.append') return
    const { event_type: type, data } = change
    if (type === 'work_item_claimed')
      say(`${data.work_item_kind} ${data.work_item_id} is claimed by the ${data.plane} loop`)
    if (type === 'stage_started') {
      runs.add(String(data.run_id))
      say(`▸ ${data.stage} is at work`)
    }
    if (type === 'stage_completed') {
      const seconds = Number(data.duration_seconds)
      stages.push({ stage: String(data.stage), outcome: String(data.terminal_result), seconds })
      say(
        `  ${data.stage} reports ${data.terminal_result} after ${seconds.toFixed(1)} s${data.failure_class ? ` (${data.failure_class})` : ''}`,
      )
    }
    if (type === 'router_decision' && data.next_node_id) say(`  → ${data.next_node_id}`)
    if (type === 'work_item_handed_in') say(`  handed in: ${data.work_item_kind} ${data.work_item_id}`)
    if (type === 'work_item_finished') say(`  ${data.work_item_kind} ${data.work_item_id} is done`)
    if (type === 'stage_deferred' || type === 'run_held' || type === 'runtime_paused') say(`! ${data.reason}`)
    if (type === 'closure_target_opened')
      say(`  closure target opened: ${data.root_spec_id} will be judged when its work is finished`)
    if (type === 'closure_target_closed') say(`  closed: ${data.root_spec_id} passed on every criterion`)
  }
}
