/** Runtimes at work while a test goes on: one in this process whose loop runs beside the test, one in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import * as path from 'node:path'
import { type LoopEnd, runLoop } from '../../src/engine/daemon.ts'
import type { Engine } from '../../src/engine/engine.ts'
import { carriersOf } from '../../src/runners/process.ts'
import { disk } from '../../src/store/files.ts'
import { placesOf } from '../../src/store/layout.ts'
import { archived } from '../../src/store/mailbox.ts'
import { bundled } from './bundle.ts'
import { PACKAGE_ROOT, type Rig, scriptedProgram } from './runtime.ts'

const WAIT_MS_MAX = 10_000
const POLL_MS = 5

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Waits until something is so; throws with what was waited for. Gives how long it took, in milliseconds. */
export async function until(what: string, condition: () => boolean, limitMs = WAIT_MS_MAX): Promise<number> {
  const began = performance.now()
  while (!condition()) {
    if (performance.now() - began > limitMs) throw new Error(`waited ${limitMs} ms for: ${what}`)
    await pause(POLL_MS)
  }
  return performance.now() - began
}

/** A runtime whose loop runs beside the test. */
export class Live {
  readonly rig: Rig
  readonly engine: Engine
  private readonly loop: Promise<LoopEnd>
  private failure: unknown = null
  private ended: LoopEnd | null = null

  /** `first`: what is done before the loop begins. */
  static async start(rig: Rig, first: (engine: Engine) => Promise<void> = async () => {}): Promise<Live> {
    const engine = await rig.open()
    await first(engine)
    return new Live(rig, engine)
  }

  private constructor(rig: Rig, engine: Engine) {
    this.rig = rig
    this.engine = engine
    this.loop = runLoop(engine, { ticksMax: null, stopWhenIdle: false })
    this.loop.then(
      (end) => {
        this.ended = end
      },
      (error) => {
        this.failure = error
      },
    )
  }

  /** How the loop ended; null while it runs. */
  get end(): LoopEnd | null {
    if (this.failure !== null) throw this.failure
    return this.ended
  }

  async until(what: string, condition: () => boolean, limitMs?: number): Promise<number> {
    return until(
      what,
      () => {
        if (this.failure !== null) throw this.failure
        return condition()
      },
      limitMs,
    )
  }

  /** Waits until an agent of the stage is at work for the `count`-th time; gives its request id. */
  async agent(stage: string, count = 1): Promise<string> {
    const requests = () => this.rig.log('stage_started').filter((data) => data.stage === stage)
    await this.until(`agent ${count} of ${stage}`, () => {
      const request = requests()[count - 1]
      return request !== undefined && this.rig.isHeard(request)
    })
    return String(requests()[count - 1]!.request_id)
  }

  /** Posts a command and waits until it is archived; gives what the archive says, with the time it took. */
  async command(command: string, payload: Record<string, unknown> = {}, ifState: string | null = null) {
    const began = performance.now()
    const id = await this.rig.command(command, payload, ifState)
    const answer = () => archived(disk, placesOf(this.rig.root), id)
    await this.until(`answer to ${command}`, () => answer() !== null)
    return { ...answer()!, ms: performance.now() - began }
  }

  /** Ends the loop as a signal would, agents included, and gives the workspace back. */
  async close(): Promise<void> {
    this.engine.stopping = 'kill'
    this.engine.wake()
    try {
      await this.loop
    } finally {
      await this.rig.close()
    }
  }

  /** Waits for a loop that ends by itself, and gives the workspace back. */
  async finish(): Promise<LoopEnd> {
    try {
      return await this.loop
    } finally {
      await this.rig.close()
    }
  }
}

/** A runtime in a process of its own, which can be killed as a crash would. */
export class Daemon {
  readonly child: ChildProcess
  private readonly rig: Rig
  private readonly gone: Promise<void>
  /** What it wrote to its standard error. */
  complaint = ''

  /** `within`: a program that starts it in other surroundings, with its arguments. */
  constructor(rig: Rig, within: readonly string[] = []) {
    this.rig = rig
    const args = [
      bundled(path.join(import.meta.dirname, 'daemon-program.ts')),
      rig.root,
      PACKAGE_ROOT,
      scriptedProgram(),
    ]
    const [program = '', ...rest] = [...within, process.execPath, ...args]
    this.child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.child.stderr!.on('data', (text) => {
      this.complaint += text
    })
    this.gone = new Promise((resolve) => this.child.once('close', () => resolve()))
  }

  /** Waits until an agent of the stage is at work; gives its request id. */
  async agent(stage: string, count = 1): Promise<string> {
    const requests = () => this.rig.log('stage_started').filter((data) => data.stage === stage)
    await until(`agent ${count} of ${stage}`, () => {
      if (this.child.exitCode !== null) throw new Error(`the daemon ended: ${this.complaint}`)
      const request = requests()[count - 1]
      return request !== undefined && this.rig.isHeard(request)
    })
    return String(requests()[count - 1]!.request_id)
  }

  /** As a power cut for the runtime alone: its agents are left as they are. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.gone
  }

  /** Waits until it has ended by itself; gives its exit status. */
  async ended(): Promise<number | null> {
    await this.gone
    return this.child.exitCode
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM')
    await this.gone
  }
}

/** Kills every process of a stage, keeper first, so that it leaves no exit record. */
export async function killAgent(requestId: string): Promise<void> {
  const carriers = carriersOf(requestId).sort((a, b) => Number(b.leader) - Number(a.leader))
  for (const { pid } of carriers) process.kill(pid, 'SIGKILL')
  await until('the agent to be gone', () => carriersOf(requestId).length === 0)
}
