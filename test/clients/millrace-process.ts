/**
 * The built Millrace as its user has it: a copy of the build, started as a process of its own with an environment
 * built from nothing, and a workspace of which one reads what it left. Knows no harness client.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RuntimeEvent } from '../../src/core/events.ts'
import type { StageRequest } from '../../src/core/request.ts'
import type { StageResult } from '../../src/core/result.ts'
import type { Counters, Snapshot } from '../../src/core/state.ts'
import type { StatusOutput } from '../../src/operations/schemas/status.ts'

const REPOSITORY = resolve(import.meta.dirname, '../..')
const COPY_ATTEMPTS_MAX = 60
const COPY_PAUSE_MS = 500
const RUN_MS_MAX = 110_000

/**
 * Copies dist/ and assets/ below `folder`, so that a build made meanwhile changes nothing for the tests.
 * @returns the path of the program
 * @throws if there is no build, or if it does not keep still
 */
export async function installMillrace(folder: string): Promise<string> {
  const parts = ['dist', 'assets']
  for (let attempt = 1; attempt <= COPY_ATTEMPTS_MAX; attempt++) {
    try {
      const before = parts.map((part) => signature(join(REPOSITORY, part)))
      for (const part of parts) cpSync(join(REPOSITORY, part), join(folder, part), { recursive: true })
      const after = parts.map((part) => signature(join(REPOSITORY, part)))
      if (before.join() === after.join() && existsSync(join(folder, 'dist/millrace.js'))) {
        return join(folder, 'dist/millrace.js')
      }
    } catch {
      // A build is being made: its files come and go.
    }
    for (const part of parts) rmSync(join(folder, part), { recursive: true, force: true })
    await sleep(COPY_PAUSE_MS)
  }
  throw new Error('there is no finished build in dist/; make one with `npm run build`')
}

/** Names, sizes and times of the files below a folder, the declaration files left out. */
function signature(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.startsWith('types'))
    .map((name) => [name, statSync(join(folder, name)).size, statSync(join(folder, name)).mtimeMs].join(':'))
    .join('\n')
}

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
  durationMs: number
}

export interface Started {
  readonly pid: number
  readonly ended: Promise<Ended>
  signal(name: NodeJS.Signals): void
}

interface Installation {
  program: string
  /** The whole environment it gets. */
  environment: Record<string, string>
  /** Config keys overridden in every command that runs stages. */
  settings: Record<string, string>
}

/** Starts a command of Millrace; one that takes longer than its limit is killed, which its `signal` tells. */
function startMillrace(installation: Installation, args: readonly string[]): Started {
  const began = performance.now()
  const child: ChildProcess = spawn(process.execPath, [installation.program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: installation.environment,
  })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (piece: string) => {
      text[name] += piece
    })
  }
  const limit = setTimeout(() => child.kill('SIGKILL'), RUN_MS_MAX)
  const ended = new Promise<Ended>((done, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(limit)
      done({ code, signal, ...text, durationMs: performance.now() - began })
    })
  })
  return { pid: child.pid!, ended, signal: (name) => child.kill(name) }
}

/** One stage run as its files tell it. */
export interface StageRun {
  request: StageRequest
  /** Every result kept for the request: one, or none if it was cut short. */
  results: StageResult[]
  /** The invocation record; null if no agent was started. */
  invocation: { command: string[]; environment_names: string[] } | null
  /** The prompt that was written for it; empty if none was. */
  prompt: string
  /** Session the harness named in its event log; null if it named none. */
  sessionInLog: string | null
}

export interface Workspace {
  readonly root: string
  start(...args: string[]): Started
  /** Runs a command to its end. */
  run(...args: string[]): Promise<Ended>
  status(): Promise<StatusOutput>
  snapshot(): Snapshot
  counters(): Counters['entries']
  events(type: string): RuntimeEvent[]
  /** In order of their start. */
  stageRuns(): StageRun[]
}

const sessionOf = (event: { thread_id?: string; session_id?: string }): string | null =>
  event.thread_id ?? event.session_id ?? null

const RUNNING_COMMANDS = ['run', 'demo']

/** A workspace at `root`, whether or not it is there already. */
export function workspaceAt(root: string, installation: Installation): Workspace {
  const runtime = join(root, 'millrace-agents')
  const json = <T>(...path: string[]) => JSON.parse(readFileSync(join(runtime, ...path), 'utf8')) as T
  const settings = Object.entries(installation.settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])

  function start(...args: string[]): Started {
    const place = args[0] === 'demo' ? ['--dir', root] : ['--workspace', root]
    return startMillrace(installation, [
      ...args,
      ...place,
      ...(RUNNING_COMMANDS.includes(args[0] ?? '') ? settings : []),
    ])
  }

  function stageRun(runFolder: string, name: string, results: readonly StageResult[]): StageRun {
    const request = json<StageRequest>(runFolder, 'stage_requests', name)
    const fileOf = (kind: string, suffix: string) =>
      join(runtime, runFolder, `runner_${kind}.${request.request_id}${suffix}`)
    const text = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : '')
    const started = text(fileOf('events', '.jsonl'))
      .split('\n')
      .find((line) => /"(?:thread|session)_id"/.test(line))
    return {
      request,
      results: results.filter((result) => result.metadata.request_id === request.request_id),
      invocation: JSON.parse(text(fileOf('invocation', '.json')) || 'null') as StageRun['invocation'],
      prompt: text(fileOf('prompt', '.md')),
      sessionInLog: started === undefined ? null : sessionOf(JSON.parse(started)),
    }
  }

  const workspace: Workspace = {
    root,
    start,
    run: (...args) => start(...args).ended,
    async status() {
      const { code, stdout, stderr } = await workspace.run('status', '--json')
      if (code !== 0) throw new Error(`status failed: ${stderr}`)
      return JSON.parse(stdout) as StatusOutput
    },
    snapshot: () => json<Snapshot>('state/runtime_snapshot.json'),
    counters: () => json<Counters>('state/recovery_counters.json').entries,
    events(type) {
      // What follows the last line feed is still being written.
      const lines = readFileSync(join(runtime, 'logs/runtime_events.jsonl'), 'utf8').split('\n').slice(0, -1)
      return lines.map((line) => JSON.parse(line) as RuntimeEvent).filter((event) => event.event_type === type)
    },
    stageRuns() {
      const inFolder = (folder: string) =>
        existsSync(join(runtime, folder)) ? readdirSync(join(runtime, folder)).sort() : []
      const runs = inFolder('runs').flatMap((run) => {
        const results = inFolder(`runs/${run}/stage_results`).map((name) =>
          json<StageResult>('runs', run, 'stage_results', name),
        )
        return inFolder(`runs/${run}/stage_requests`).map((name) => stageRun(`runs/${run}`, name, results))
      })
      const order = workspace.events('stage_started').map((event) => event.data.request_id)
      return runs.sort((a, b) => order.indexOf(a.request.request_id) - order.indexOf(b.request.request_id))
    },
  }
  mkdirSync(root, { recursive: true })
  return workspace
}
