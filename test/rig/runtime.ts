/**
 * A whole runtime in a temporary workspace: real folders, the real engine, and the package's scripted agent as a real
 * child process that answers from a reply file. Stories in test/scenarios are told with it.
 */
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { newDocument, renderDocument } from '../../src/core/document.ts'
import type { StageRequest } from '../../src/core/request.ts'
import type { StageResult } from '../../src/core/result.ts'
import type { View } from '../../src/core/view.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { drain, type LoopEnd, runLoop } from '../../src/engine/daemon.ts'
import { Engine, type Listener } from '../../src/engine/engine.ts'
import { settleFinished } from '../../src/engine/settle.ts'
import type { Context } from '../../src/operations/context.ts'
import { type Issued, issue } from '../../src/operations/issue.ts'
import { carriersOf, processIdentity } from '../../src/runners/process.ts'
import { sweepMarked } from '../../src/runners/sweep.ts'
import { SHORT_LOOP, SHORT_MODE } from '../../src/selftest/loops.ts'
import { disk } from '../../src/store/files.ts'
import { initWorkspace } from '../../src/store/init.ts'
import { placesOf } from '../../src/store/layout.ts'
import { post } from '../../src/store/mailbox.ts'
import { ownership, readWorkspace } from '../../src/store/workspace.ts'
import { bundled } from './bundle.ts'
import { enginePorts, type GivenPorts, RUNNER_NAMES } from './ports.ts'

export const PACKAGE_ROOT = path.join(import.meta.dirname, '..', '..', 'assets')

/** One reply of the scripted agent; see src/runners/scripted/replies.ts. */
export interface Reply {
  stage: string
  item?: string
  attempt?: number
  steps?: Record<string, unknown>[]
  outcome?: string | null
  exit_code?: number
  message?: string
}

/** A reply that leaves what it owes and reports an outcome, and whatever a story adds. */
export const reply = (stage: string, outcome: string | null, more: Partial<Reply> = {}): Reply => ({
  stage,
  outcome,
  steps: [{ artifacts: true }],
  ...more,
})

export interface RigOptions extends GivenPorts {
  replies?: Reply[]
  /** Extra lines of millrace.toml. */
  config?: string
  /** Members of the workspace mode in force, laid over the shipped ones. */
  mode?: Record<string, unknown>
}

/** The bundled scripted agent. */
export const scriptedProgram = (): string =>
  bundled(path.join(import.meta.dirname, '../../src/runners/scripted/agent.ts'))

/** What a runtime at work has begun to write has this at the end of its name, until it has its own. */
const BEING_WRITTEN = '.tmp-millrace'

export class Rig {
  readonly root: string
  readonly options: RigOptions
  readonly events: { type: string; data: Record<string, unknown> }[] = []
  engine: Engine | null = null

  static async create(options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-rig-'))), options)
    await initWorkspace(disk, systemClock, placesOf(rig.root), { packageRoot: PACKAGE_ROOT, version: '0.0.0-test' })
    rig.bindScripted()
    rig.replies(options.replies ?? [])
    return rig
  }

  constructor(root: string, options: RigOptions = {}) {
    this.root = root
    this.options = options
  }

  at(...parts: string[]): string {
    return path.join(this.root, 'millrace-agents', ...parts)
  }

  /** A workspace mode with every stage on the scripted agent, as the mode in force. */
  private bindScripted(): void {
    this.mode({})
    this.config()
  }

  /** Writes the workspace mode anew: the shipped one, every stage on the scripted agent, with these members laid over it. */
  mode(members: Record<string, unknown>): void {
    const shipped = JSON.parse(fs.readFileSync(path.join(PACKAGE_ROOT, 'modes/default_codex.json'), 'utf8')) as {
      stage_runner_bindings: Record<string, string>
    }
    const stage_runner_bindings = Object.fromEntries(
      Object.keys(shipped.stage_runner_bindings).map((stage) => [stage, 'scripted']),
    )
    fs.writeFileSync(
      this.at('modes/scripted.json'),
      JSON.stringify({ ...shipped, mode_id: 'scripted', stage_runner_bindings, ...this.options.mode, ...members }),
    )
  }

  /** Writes the workspace mode anew: a loop of a single stage, the builder, whose outcomes end it. */
  shortLoop(): void {
    this.place('graphs/execution/short.json', JSON.stringify(SHORT_LOOP))
    const mode = { ...SHORT_MODE, mode_id: 'scripted', stage_runner_bindings: { builder: 'scripted' } }
    this.place('modes/scripted.json', JSON.stringify(mode))
  }

  /** Writes millrace.toml anew; `more` comes after what every rig has. */
  config(more = this.options.config ?? ''): void {
    fs.writeFileSync(
      this.at('millrace.toml'),
      `[runtime]\ndefault_mode = "scripted"\nidle_sleep_seconds = 0.05\nstop_grace_seconds = 0.5\n[runners.scripted]\nreplies = "replies.json"\n${more}`,
    )
  }

  /** Every reply begins by saying so, which shows that its agent has read the file. */
  replies(replies: Reply[]): void {
    const spoken = replies.map((reply) => ({ ...reply, steps: [{ say: 'at work' }, ...(reply.steps ?? [])] }))
    const file = { schema_version: '1.0', kind: 'scripted_replies', replies: spoken }
    fs.writeFileSync(path.join(this.root, 'replies.json'), JSON.stringify(file))
  }

  /** Replies with nothing but outcomes, in the order a stage is asked: `{ builder: ['BLOCKED', 'BUILDER_COMPLETE'] }`. */
  outcomes(byStage: Record<string, string[]>): void {
    this.replies(
      Object.entries(byStage).flatMap(([stage, outcomes]) =>
        outcomes.map((outcome, index) => ({ stage, attempt: index + 1, steps: [{ artifacts: true }], outcome })),
      ),
    )
  }

  async open(listeners: Listener[] = []): Promise<Engine> {
    this.engine = await Engine.open(
      enginePorts(this.root, { packageRoot: PACKAGE_ROOT, scriptedAgent: scriptedProgram() }, this.options),
      { workspaceRoot: this.root, runtimeMode: 'daemon' },
      [
        (change) =>
          change.change === 'event.append' && this.events.push({ type: change.event_type, data: change.data }),
        ...listeners,
      ],
    )
    return this.engine
  }

  async close(): Promise<void> {
    await this.engine?.close()
    this.engine = null
  }

  /** Works until nothing is left to do, or `ticksMax` counted ticks; closes the runtime. */
  async work(ticksMax = 100, listeners: Listener[] = []): Promise<LoopEnd> {
    const engine = await this.open(listeners)
    try {
      return await runLoop(engine, { ticksMax, stopWhenIdle: true })
    } finally {
      await this.close()
    }
  }

  /** Exactly `count` counted ticks. */
  async ticks(count: number): Promise<LoopEnd> {
    const engine = await this.open()
    try {
      const end = await runLoop(engine, { ticksMax: count, stopWhenIdle: false })
      await drain(engine)
      await settleFinished(engine)
      return end
    } finally {
      await this.close()
    }
  }

  view<T>(read: (view: View) => T): T {
    return readWorkspace({ files: disk, clock: systemClock, processes: processIdentity }, this.root, read).value
  }

  command(command: string, payload: Record<string, unknown> = {}, ifState: string | null = null): Promise<string> {
    return post(disk, placesOf(this.root), systemClock, command, payload, 'test', ifState)
  }

  /** A change as a command of its own makes it: carried out here, or by the runtime that owns the workspace. */
  issue(
    command: string,
    payload: Record<string, unknown> = {},
    waitSeconds = 10,
    options: { force?: boolean } = {},
  ): Promise<Issued> {
    const { files, clock, processes, packageRoot, validators, runners, exec, post, environment } = enginePorts(
      this.root,
      {
        packageRoot: PACKAGE_ROOT,
        scriptedAgent: scriptedProgram(),
      },
    )
    const context = {
      files,
      clock,
      processes,
      packageRoot,
      validators,
      runners,
      exec,
      post,
      environment,
      version: '0.0.0-test',
      workspaceRoot: this.root,
      overrides: [],
      waitSeconds,
      runnerNames: RUNNER_NAMES,
      sweep: async (id: string) => (await sweepMarked(id, clock)).found.length,
    }
    return issue(context as unknown as Context, command, payload, options)
  }

  /** Who owns the workspace. */
  lock(): ReturnType<typeof ownership> {
    return ownership({ files: disk, clock: systemClock, processes: processIdentity }, this.root)
  }

  /** What the event log on disk says of one type of event, in order, whichever runtime wrote it. */
  log(type: string): Record<string, unknown>[] {
    return this.eventsOnDisk().flatMap((event) => (event.event_type === type ? [event.data] : []))
  }

  /** Types of all events on disk, in order. */
  logTypes(): string[] {
    return this.eventsOnDisk().map((event) => event.event_type)
  }

  private eventsOnDisk(): { event_type: string; data: Record<string, unknown> }[] {
    if (!this.exists('logs/runtime_events.jsonl')) return []
    return this.read('logs/runtime_events.jsonl')
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { event_type: string; data: Record<string, unknown> })
  }

  /** Reads a JSON file of the runtime. */
  json<T = Record<string, unknown>>(...parts: string[]): T {
    return JSON.parse(this.read(...parts)) as T
  }

  /** Requests of a stage so far, oldest first. */
  requests(stage: string): StageRequest[] {
    return this.log('stage_started')
      .filter((data) => data.stage === stage)
      .map((data) => this.json<StageRequest>('runs', String(data.run_id), 'stage_requests', `${data.request_id}.json`))
  }

  /** True once the agent of a stage has said something. */
  isHeard(started: Record<string, unknown>): boolean {
    const file = this.at('runs', String(started.run_id), `runner_stdout.${started.request_id}.txt`)
    return fs.existsSync(file) && fs.statSync(file).size > 0
  }

  /** The stage result of a request. */
  result(request: StageRequest): StageResult {
    return this.json('runs', request.run_id, 'stage_results', `${request.request_id}.json`) as StageResult
  }

  read(...parts: string[]): string {
    return fs.readFileSync(this.at(...parts), 'utf8')
  }

  exists(...parts: string[]): boolean {
    return fs.existsSync(this.at(...parts))
  }

  list(...parts: string[]): string[] {
    const names = fs.existsSync(this.at(...parts)) ? fs.readdirSync(this.at(...parts)) : []
    return names.filter((name) => !name.endsWith(BEING_WRITTEN)).sort()
  }

  eventTypes(): string[] {
    return this.events.map((event) => event.type)
  }

  /** Reasons of the routing decisions so far, in order. */
  reasons(): string[] {
    return this.events.filter((event) => event.type === 'router_decision').map((event) => String(event.data.reason))
  }

  /** Stages that were started so far, in order. */
  stages(): string[] {
    return this.events.filter((event) => event.type === 'stage_started').map((event) => String(event.data.stage))
  }

  addTask(id: string, fields: Record<string, unknown> = {}, state = 'queue'): void {
    const document = newDocument('task', { ...task(id), ...fields })
    this.place(`tasks/${state}/${id}.md`, renderDocument(document))
  }

  addSpec(id: string, fields: Record<string, unknown> = {}, state = 'queue'): void {
    const document = newDocument('spec', { ...spec(id), ...fields })
    this.place(`specs/${state}/${id}.md`, renderDocument(document))
  }

  addIncident(id: string, fields: Record<string, unknown> = {}, state = 'incoming'): void {
    const document = newDocument('incident', { ...incident(id), ...fields })
    this.place(`incidents/${state}/${id}.md`, renderDocument(document))
  }

  /** Writes a file as somebody's finished work: old enough to be taken at once. */
  place(relative: string, text: string | Uint8Array): void {
    const file = this.at(relative)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    fs.writeFileSync(file, text)
    const past = new Date(Date.now() - 60_000)
    fs.utimesSync(file, past, past)
  }

  /** A seed idea and the root spec that names it. */
  addRootSpec(id: string, fields: Record<string, unknown> = {}): void {
    fs.mkdirSync(path.join(this.root, 'ideas/inbox'), { recursive: true })
    fs.writeFileSync(path.join(this.root, 'ideas/inbox', `${id}.md`), `# ${id}\n\nThe seed of ${id}.\n`)
    this.addSpec(id, {
      root_spec_id: id,
      root_idea_id: id,
      source_type: 'idea',
      source_id: id,
      references: [`ideas/inbox/${id}.md`],
      ...fields,
    })
  }

  /** Removes the workspace, and ends what a failed test may have left running. */
  dispose(): void {
    for (const run of this.list('runs')) {
      for (const name of this.list('runs', run, 'stage_requests')) {
        const requestId = name.replace(/\.json$/, '')
        if (this.exists('runs', run, `runner_completion.${requestId}.json`)) continue
        for (const { pid } of carriersOf(requestId)) process.kill(pid, 'SIGKILL')
      }
    }
    fs.rmSync(this.root, { recursive: true, force: true })
  }
}

export const task = (id: string): Record<string, unknown> => ({
  task_id: id,
  title: `Task ${id}`,
  target_paths: ['src/'],
  acceptance: ['It works.'],
  required_checks: ['none configured'],
  references: ['operator request'],
  risk: ['not assessed'],
  created_at: '2026-03-01T10:00:00Z',
  created_by: 'test',
})

export const spec = (id: string): Record<string, unknown> => ({
  spec_id: id,
  title: `Spec ${id}`,
  summary: 'Something worth doing.',
  source_type: 'manual',
  goals: ['Reach it.'],
  constraints: ['Stay small.'],
  acceptance: ['It holds.'],
  references: ['none'],
  created_at: '2026-03-01T10:00:00Z',
  created_by: 'test',
})

export const incident = (id: string): Record<string, unknown> => ({
  incident_id: id,
  title: `Incident ${id}`,
  summary: 'Something went wrong.',
  source_stage: 'consultant',
  source_plane: 'execution',
  failure_class: 'builder_blocked',
  trigger_reason: 'test',
  consultant_decision: 'needs_planning',
  opened_at: '2026-03-01T10:00:00Z',
  opened_by: 'test',
})
