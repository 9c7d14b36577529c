/**
 * The lock: which runtime may write (design §5). Generations are files `state/lock/<n>`; to take over generation g is
 * to link a flushed file to g+1. A holder is succeeded only if it released, or is proven dead. Never broken by
 * removing a file, so a live lock cannot be stolen by two takers cleaning up after a third.
 */
import * as os from 'node:os'
import * as path from 'node:path'
import type { Clock } from '../core/clock.ts'
import { MillraceError } from '../core/errors.ts'
import type { Files } from './files.ts'
import { readText } from './files.ts'
import { AT, type Places } from './layout.ts'

/** The port that tells processes apart (runners/process.ts). */
export interface Processes {
  identify(pid: number): { pid: number; startTime: string; bootId: string; pidNamespace: string; zombie: boolean } | null
  self(): { pid: number; startTime: string; bootId: string; pidNamespace: string }
  kill(pid: number, signal: NodeJS.Signals): boolean
}

export interface Holder {
  generation: number
  host: string
  pid: number
  start_time: string
  boot_id: string
  pid_namespace: string
  token: string
  acquired_at: string
  released: boolean
}

export type LockState =
  | { state: 'absent'; generation: number }
  | { state: 'released'; generation: number; holder: Holder }
  /** `provable`: on this host and in this pid namespace, so that death could be proven. */
  | { state: 'active'; generation: number; holder: Holder; provable: boolean }
  | { state: 'stale'; generation: number; holder: Holder; why: string }
  | { state: 'invalid'; generation: number; why: string }
  /** Held by an old runtime that knows only the lock file. */
  | { state: 'foreign'; generation: number; pid: number; host: string; alive: boolean }

const GENERATIONS_KEPT = 3

export interface LockPorts {
  files: Files
  places: Places
  processes: Processes
  clock: Clock
}

/** What the lock says now, without taking it. */
export function lockState({ files, places, processes }: Pick<LockPorts, 'files' | 'places' | 'processes'>): LockState {
  const generation = newestGeneration(files, places)
  if (generation === 0) return foreignHolder({ files, places, processes }, generation) ?? { state: 'absent', generation }
  const holder = readHolder(files, places, generation)
  if (holder === null) return { state: 'invalid', generation, why: `state/lock/${generation} cannot be read` }
  if (holder.released) return foreignHolder({ files, places, processes }, generation) ?? { state: 'released', generation, holder }
  const self = processes.self()
  if (holder.host !== os.hostname()) return { state: 'active', generation, holder, provable: false }
  if (holder.boot_id !== self.bootId) return { state: 'stale', generation, holder, why: 'the machine was restarted since' }
  if (holder.pid_namespace !== self.pidNamespace) return { state: 'active', generation, holder, provable: false }
  const found = processes.identify(holder.pid)
  if (found === null) return { state: 'stale', generation, holder, why: `process ${holder.pid} is gone` }
  if (found.startTime !== holder.start_time) return { state: 'stale', generation, holder, why: `process ${holder.pid} is another one now` }
  if (found.zombie) return { state: 'stale', generation, holder, why: `process ${holder.pid} is dead and waits to be reaped` }
  return { state: 'active', generation, holder, provable: true }
}

/** The lock file of an old runtime that knows no generations (spec 01 §4.7); our own copy of it is not one. */
function foreignHolder({ files, places, processes }: Pick<LockPorts, 'files' | 'places' | 'processes'>, generation: number): LockState | null {
  const text = readText(files, places.at(AT.lockFile))
  if (text === null) return null
  try {
    const record = JSON.parse(text) as { owner_pid?: number; owner_hostname?: string; owner_session_id?: string }
    if (String(record.owner_session_id ?? '').startsWith('generation-')) return null
    const pid = Number(record.owner_pid)
    return { state: 'foreign', generation, pid, host: String(record.owner_hostname), alive: processes.identify(pid) !== null }
  } catch {
    return null
  }
}

function newestGeneration(files: Files, places: Places): number {
  const names = files.list(places.at(AT.lockFolder)) ?? []
  return names.reduce((newest, name) => (/^\d{1,9}$/.test(name) ? Math.max(newest, Number(name)) : newest), 0)
}

function readHolder(files: Files, places: Places, generation: number): Holder | null {
  try {
    const text = readText(files, places.at(`${AT.lockFolder}/${generation}`))
    if (text === null) return null
    const holder = JSON.parse(text) as Omit<Holder, 'generation' | 'released'>
    if (!Number.isInteger(holder.pid) || typeof holder.token !== 'string') return null
    return { ...holder, generation, released: files.stat(places.at(`${AT.lockFolder}/${generation}.released`)) !== null }
  } catch {
    return null
  }
}

/** What the lock says in one sentence, with what can be done about it. */
export function describeLock(state: LockState): { sentence: string; hint: string } {
  switch (state.state) {
    case 'absent':
    case 'released':
      return { sentence: 'No runtime owns the workspace.', hint: '' }
    case 'stale':
      return { sentence: `The runtime that owned the workspace is dead (${state.why}).`, hint: 'the next runtime takes over by itself' }
    case 'active':
      return state.provable
        ? { sentence: `A runtime owns the workspace: process ${state.holder.pid} since ${state.holder.acquired_at}.`, hint: 'stop it with `millrace control stop`, or work beside it: commands reach it through its mailbox' }
        : { sentence: `A runtime on ${state.holder.host} (process ${state.holder.pid}) owns the workspace; whether it lives cannot be told from here.`, hint: 'if you know it is gone: millrace control clear-stale-state --force' }
    case 'invalid':
      return { sentence: `The lock is unreadable (${state.why}).`, hint: 'millrace control clear-stale-state --force' }
    case 'foreign':
      return state.alive
        ? { sentence: `Another version of the runtime owns the workspace: process ${state.pid} on ${state.host}.`, hint: 'stop that runtime first' }
        : { sentence: `Another version of the runtime left its lock behind (process ${state.pid} on ${state.host}).`, hint: 'millrace control clear-stale-state --force' }
  }
}

export interface Lock {
  generation: number
  /** The holder that was succeeded although it had not released, if any. */
  tookOver: LockState | null
  /** Throws `lock_lost` once a higher generation exists. */
  guard(): void
  release(): Promise<void>
}

/**
 * Takes the lock or throws `lock_held` with who holds it. `force` succeeds an unprovable or unreadable holder; of one
 * that lives here it must be told by the caller, who ended it first.
 */
export async function takeLock(ports: LockPorts, options: { force?: boolean } = {}): Promise<Lock> {
  const { files, places, processes, clock } = ports
  const before = lockState(ports)
  const free = before.state === 'absent' || before.state === 'released' || before.state === 'stale'
  const forced = options.force && (before.state === 'invalid' || (before.state === 'active' && !before.provable) || (before.state === 'foreign' && !before.alive))
  if (!free && !forced) {
    const { sentence, hint } = describeLock(before)
    throw new MillraceError('lock_held', sentence, { hint })
  }
  const folder = places.at(AT.lockFolder)
  files.makeFolder(folder)
  // One above the generation that was judged, not above whatever is newest by now: that one may be alive.
  const generation = before.generation + 1
  const self = processes.self()
  const token = clock.hex(32)
  const record = { host: os.hostname(), pid: self.pid, start_time: self.startTime, boot_id: self.bootId, pid_namespace: self.pidNamespace, token, acquired_at: clock.now().toISOString() }
  const temporary = path.join(folder, `.taking-${token}`)
  const mine = path.join(folder, String(generation))
  files.write(temporary, `${JSON.stringify(record, null, 2)}\n`)
  try {
    await files.flush([temporary])
    files.link(temporary, mine)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new MillraceError('lock_held', 'Another runtime is just taking the workspace.', { hint: 'try again' })
  } finally {
    files.unlink(temporary)
  }
  const guard = () => {
    if (newestGeneration(files, places) !== generation) {
      throw new MillraceError('lock_lost', 'Another runtime has taken over the workspace.', { hint: 'this one ends; nothing more is written by it' })
    }
  }
  try {
    guard()
  } catch (lost) {
    files.unlink(mine)
    throw lost
  }
  // Kept so that an old runtime, which knows only this file, refuses to start (spec 01 §4.7).
  files.write(places.at(AT.lockFile), `${JSON.stringify({ workspace_root: places.root, owner_pid: self.pid, owner_hostname: os.hostname(), owner_session_id: `generation-${generation}`, acquired_at: record.acquired_at }, null, 2)}\n`)
  forgetOld(files, folder, generation)
  await files.flush([folder])
  return {
    generation,
    tookOver: before.state === 'absent' || before.state === 'released' ? null : before,
    guard,
    async release() {
      guard()
      if (files.stat(places.at(AT.lockFile))) files.unlink(places.at(AT.lockFile))
      files.write(path.join(folder, `${generation}.released`), '')
      await files.flush([folder])
    },
  }
}

/** Older generations serve nobody: a taker only ever looks at the newest. */
function forgetOld(files: Files, folder: string, generation: number): void {
  for (const name of files.list(folder) ?? []) {
    const number = Number.parseInt(name, 10)
    if (/^\d{1,9}(\.released)?$/.test(name) && number <= generation - GENERATIONS_KEPT) files.unlink(path.join(folder, name))
  }
}
