/** The real daemon, in a process of its own, and what can be seen of its work from outside. */
import { type ChildProcess, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { systemClock } from '../src/engine/clock.ts'
import { carriersOf, processIdentity } from '../src/runners/process.ts'
import { delay } from '../src/runners/sweep.ts'
import { disk } from '../src/store/files.ts'
import { placesOf } from '../src/store/layout.ts'
import { post } from '../src/store/mailbox.ts'
import { inRuntime } from './workspace.ts'

const LOOK_MS = 2
const WAIT_MS_MAX = 30_000
/** Of the programs that are measured: nothing of this machine's user but where programs lie. */
const ENVIRONMENT = { PATH: process.env.PATH }

/** Waits until `look` gives something; throws with what was waited for after 30 s. */
export async function until<T>(what: string, look: () => T | null): Promise<T> {
  const begun = performance.now()
  for (let found = look(); ; found = look()) {
    if (found !== null) return found
    if (performance.now() - begun > WAIT_MS_MAX) throw new Error(`waited ${WAIT_MS_MAX} ms for ${what}`)
    await delay(systemClock, LOOK_MS)
  }
}

/** What a measurement that fails would leave running. */
const daemons = new Set<ChildProcess>()
const stages = new Set<string>()
process.once('exit', (status) => {
  if (status === 0) return
  for (const daemon of daemons) daemon.kill('SIGKILL')
  for (const requestId of stages) for (const { pid } of carriersOf(requestId)) processIdentity.kill(pid, 'SIGKILL')
})

export class Daemon {
  readonly pid: number
  readonly #child: ChildProcess
  readonly #gone: Promise<void>

  constructor(repository: string, root: string) {
    const program = path.join(repository, 'dist/millrace.js')
    this.#child = spawn(process.execPath, [program, 'run', 'daemon', '--monitor', 'none', '--workspace', root], {
      cwd: root,
      env: ENVIRONMENT,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    daemons.add(this.#child)
    this.#gone = new Promise((resolve) => {
      this.#child.once('exit', () => {
        daemons.delete(this.#child)
        resolve()
      })
    })
    this.pid = this.#child.pid!
  }

  /** Sends a signal; SIGKILL is a crash, of which the agents at work hear nothing. */
  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Resolves once the process has ended. */
  gone(): Promise<void> {
    return this.#gone
  }

  async crash(): Promise<void> {
    this.signal('SIGKILL')
    await this.#gone
  }

  /** The polite end: as Ctrl-C. */
  async stop(): Promise<void> {
    this.signal('SIGTERM')
    await this.#gone
  }
}

/** Posts a command as the command line does. */
export function command(root: string, name: string, payload: Record<string, unknown> = {}): Promise<string> {
  return post(disk, placesOf(root), systemClock, name, payload, 'bench')
}

/** Kills every process of a stage, its keeper first, so that it leaves no exit record. */
export async function killAgent(requestId: string): Promise<void> {
  const carriers = carriersOf(requestId).sort((a, b) => Number(b.leader) - Number(a.leader))
  for (const { pid } of carriers) processIdentity.kill(pid, 'SIGKILL')
  await until('the agent to be gone', () => carriersOf(requestId).length === 0 || null)
}

export interface LoggedEvent {
  event_type: string
  data: Record<string, unknown>
}

/** A stage whose process has started. Times are milliseconds since the epoch. */
export interface StartedStage {
  requestId: string
  runId: string
  /** When its process began to run: it notes its pid first of all. */
  atMs: number
}

/** What a stage's files are called. */
export const runFile = (root: string, stage: { runId: string; requestId: string }, name: 'pid' | 'exit'): string =>
  inRuntime(root, `runs/${stage.runId}/runner_${name}.${stage.requestId}`)

/** The event log of a workspace, read as it grows. */
export class EventLog {
  readonly #root: string
  readonly #file: string
  #offset = 0
  readonly #waiting: LoggedEvent[] = []

  constructor(root: string) {
    this.#root = root
    this.#file = inRuntime(root, 'logs/runtime_events.jsonl')
  }

  /** Events that were appended since the last look. */
  news(): LoggedEvent[] {
    this.#read()
    return this.#waiting.splice(0)
  }

  /** Waits for the next event of a type; those before it are passed over. */
  async next(type: string, is: (event: LoggedEvent) => boolean = () => true): Promise<LoggedEvent> {
    return until(type, () => {
      this.#read()
      for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift())
        if (event.event_type === type && is(event)) return event
      return null
    })
  }

  /** Waits until the process of the next stage runs. */
  async nextStart(): Promise<StartedStage> {
    const { data } = await this.next('stage_started')
    const stage = { requestId: String(data.request_id), runId: String(data.run_id) }
    stages.add(stage.requestId)
    const file = runFile(this.#root, stage, 'pid')
    const atMs = await until('the process of a stage', () => {
      const stat = fs.statSync(file, { throwIfNoEntry: false })
      return stat !== undefined && stat.size > 0 ? stat.mtimeMs : null
    })
    return { ...stage, atMs }
  }

  /** Waits until one more task is done. */
  async finished(): Promise<void> {
    await this.next('work_item_finished')
  }

  #read(): void {
    const bytes = fs.statSync(this.#file, { throwIfNoEntry: false })?.size ?? 0
    if (bytes <= this.#offset) return
    const descriptor = fs.openSync(this.#file, 'r')
    const buffer = Buffer.alloc(bytes - this.#offset)
    const text = buffer.toString('utf8', 0, fs.readSync(descriptor, buffer, 0, buffer.length, this.#offset))
    fs.closeSync(descriptor)
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    this.#offset += Buffer.byteLength(whole)
    for (const line of whole.split('\n')) if (line !== '') this.#waiting.push(JSON.parse(line) as LoggedEvent)
  }
}
