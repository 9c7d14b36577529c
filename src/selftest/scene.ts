/**
 * One machine of a story: a simulated disk, a virtual clock, and processes of which each new one finds all before it
 * dead. On it the real engine is opened, works and dies; nothing of the engine knows that the machine is not real.
 */
import type { Exec } from '../core/exec.ts'
import type { Files } from '../core/files.ts'
import type { CommandTable } from '../core/operation.ts'
import { type LoopEnd, runLoop } from '../engine/daemon.ts'
import { Engine, type EnginePorts, type Listener } from '../engine/engine.ts'
import type { Runner } from '../runners/runner.ts'
import type { Processes } from '../store/lock.ts'
import type { WorkspacePorts } from '../store/workspace.ts'
import { type FolderNode, SimulatedDisk } from './simulated-disk.ts'
import { VirtualClock } from './virtual-clock.ts'

/** What a story is told with: the product as it is installed. */
export interface Installation {
  /** The real disk; the packaged assets are read from it. */
  disk: Files
  /** Root of the packaged assets. */
  packageRoot: string
  version: string
  commands: CommandTable
}

export const ROOT = '/selftest'

const BEGINNING_MS = Date.parse('2026-03-02T09:00:00Z')
/** From the start of one process to that of the next: longer than anything waits. */
const LIFE_MS = 24 * 60 * 60 * 1000
const PID_MIN = 1000
const RUNNERS = ['codex_cli', 'pi_rpc', 'command', 'scripted']

/** One process: what it sees of its machine. */
export interface Life extends WorkspacePorts {
  clock: VirtualClock
}

export interface Machine extends Life {
  disk: SimulatedDisk
}

/**
 * A machine with this on its disk. `life` is the number of this process, from 1: all of lower number are dead. `boot`
 * tells machines apart that were restarted. The same numbers give the same ids.
 */
export function machine(installation: Installation, life: number, boot: number, tree?: FolderNode): Machine {
  const clock = clockOf(life, BEGINNING_MS)
  const disk = new SimulatedDisk(ROOT, () => clock.now().getTime(), installation.disk, tree)
  return { files: disk, disk, clock, processes: processesOf(life, boot) }
}

/** A process on a disk that is really there, whose files are as old as it says. */
export function lifeOn(files: Files, life: number, boot: number, nowMs: number): Life {
  return { files, clock: clockOf(life, nowMs), processes: processesOf(life, boot) }
}

const clockOf = (life: number, beginningMs: number): VirtualClock =>
  new VirtualClock(beginningMs + life * LIFE_MS, life)

function processesOf(life: number, boot: number): Processes {
  const identity = {
    pid: PID_MIN + life,
    startTime: String(life),
    bootId: `boot-${boot}`,
    pidNamespace: 'pid:[1]',
  }
  return {
    self: () => identity,
    identify: (pid) => (pid === identity.pid ? { ...identity, zombie: false } : null),
    kill: () => false,
  }
}

export function enginePorts(
  installation: Installation,
  { clock, processes }: Pick<Life, 'clock' | 'processes'>,
  files: Files,
  runner: Runner,
  onFatal: () => void = () => {},
): EnginePorts {
  return {
    files,
    clock,
    processes,
    commands: installation.commands,
    validators: [],
    packageRoot: installation.packageRoot,
    runnerNames: RUNNERS,
    runners: () => new Map(RUNNERS.map((name) => [name, runner])),
    exec: programs(files),
    post: async () => ({ status: null, problem: 'this machine has no network' }),
    environment: {},
    onFatal: (error) => {
      onFatal()
      throw error
    },
  }
}

/** A program that writes down which deliveries it was handed. */
export const RECEIVER = 'receiver'
/** What it has received: a line for each attempt, below the workspace. */
export const RECEIVED = `${ROOT}/received.txt`

/** The programs of this machine: the receiver, and neither git nor any other. */
const programs =
  (files: Files): Exec =>
  async (file, _args, { stdin }) => {
    const ended = { stdout: '', stderr: '', timedOut: false, truncated: false }
    if (file !== RECEIVER) return { ...ended, code: 127 }
    const { delivery_id } = JSON.parse(String(stdin)) as { delivery_id: string }
    files.append(RECEIVED, `\n${delivery_id}\n`) // the line before may have been torn
    await files.flush([RECEIVED, ROOT])
    return { ...ended, code: 0 }
  }

/** Opens the engine as a process of this machine, and works until nothing is left to do or it is told to stop. */
export async function live(
  ports: EnginePorts,
  first: (engine: Engine) => Promise<void> = async () => {},
  listeners: readonly Listener[] = [],
): Promise<LoopEnd> {
  const engine = await Engine.open(ports, { workspaceRoot: ROOT, runtimeMode: 'daemon' }, listeners)
  try {
    await first(engine)
    return await runLoop(engine, { ticksMax: TICKS_MAX, stopWhenIdle: true, onRefusal: () => {} })
  } finally {
    await engine.close()
  }
}

/** A story that goes round in circles is cut short; its check then fails. */
const TICKS_MAX = 200
