/**
 * The lock: which runtime may write (design §5). Generations are files `state/lock/<n>`; to take over generation g is
 * to link a flushed file to g+1. A holder is succeeded only if it released, or is proven dead. Never broken by
 * removing a file, so a live lock cannot be stolen by two takers cleaning up after a third.
 */
import * as os from 'node:os'
import * as path from 'node:path'
import type { Clock } from '../core/clock.ts'
import { MillraceError } from '../core/errors.ts'
import { unlinkIfThere } from './file-operation.ts'
import type { Files } from './files.ts'
import { utf8 } from './files.ts'
import { AT, type Places } from './layout.ts'

/** The port that tells processes apart (runners/process.ts). */
export interface Processes {
  identify(
    pid: number,
  ): { pid: number; startTime: string; bootId: string; pidNamespace: string; zombie: boolean } | null
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
  /** Held by an old runtime that knows only the lock file. `alive`: null where that cannot be told from here. */
  | { state: 'foreign'; generation: number; pid: number; host: string; alive: boolean | null }

const GENERATIONS_KEPT = 3

export interface LockPorts {
  files: Files
  places: Places
  processes: Processes
  clock: Clock
}

type Looking = Pick<LockPorts, 'files' | 'places' | 'processes'>

/** What the lock says now, without taking it. */
export function lockState(ports: Looking): LockState {
  const { files, places } = ports
  const generation = newestGeneration(files, places)
  if (generation === 0) return foreignHolder(ports, generation) ?? { state: 'absent', generation }
  const holder = readHolder(files, places, generation)
  if (holder === null) return { state: 'invalid', generation, why: `state/lock/${generation} cannot be read` }
  if (holder.released) return foreignHolder(ports, generation) ?? { state: 'released', generation, holder }
  const why = provenDead(ports.processes, holder)
  if (why !== null) {
    // An old runtime may have come in since. A torn lock file says nothing here: the dead holder may have been writing it.
    const foreign = foreignHolder(ports, generation)
    return foreign?.state === 'foreign' ? foreign : { state: 'stale', generation, holder, why }
  }
  return { state: 'active', generation, holder, provable: isProvable(ports.processes, holder) }
}

/** Whether the death of a holder could be told from here: it is on this host and in this pid namespace. */
function isProvable(processes: Processes, holder: Holder): boolean {
  return holder.host === os.hostname() && holder.pid_namespace === processes.self().pidNamespace
}

/** How it is known that the holder is dead; null if it lives or nothing can be told. */
function provenDead(processes: Processes, holder: Holder): string | null {
  if (holder.host !== os.hostname()) return null
  if (holder.boot_id !== processes.self().bootId) return 'the machine was restarted since'
  if (!isProvable(processes, holder)) return null
  const found = processes.identify(holder.pid)
  if (found === null) return `process ${holder.pid} is gone`
  if (found.startTime !== holder.start_time) return `process ${holder.pid} is another one now`
  return found.zombie ? `process ${holder.pid} is dead and waits to be reaped` : null
}

/** The lock file of an old runtime that knows no generations (spec 01 §4.7); our own copy of it is not one. */
function foreignHolder({ files, places, processes }: Looking, generation: number): LockState | null {
  const record = readRecord(files, places.at(AT.lockFile))
  // An old runtime creates the file before it fills it.
  if (record === null) return { state: 'invalid', generation, why: `${AT.lockFile} cannot be read` }
  if (record === 'absent' || String(record.owner_session_id).startsWith('generation-')) return null
  const pid = Number(record.owner_pid)
  const host = String(record.owner_hostname)
  if (host !== os.hostname()) return { state: 'foreign', generation, pid, host, alive: null }
  const found = processes.identify(pid)
  return { state: 'foreign', generation, pid, host, alive: found !== null && !found.zombie }
}

/** The JSON object in a file; null if there is none in it. */
function readRecord(files: Files, file: string): Record<string, unknown> | 'absent' | null {
  const bytes = files.read(file)
  if (bytes === null) return 'absent'
  try {
    const record = JSON.parse(utf8.decode(bytes)) as Record<string, unknown> | null
    return typeof record === 'object' ? record : null
  } catch {
    return null
  }
}

function newestGeneration(files: Files, places: Places): number {
  const names = files.list(places.at(AT.lockFolder)) ?? []
  return names.reduce((newest, name) => (/^\d{1,9}$/.test(name) ? Math.max(newest, Number(name)) : newest), 0)
}

function readHolder(files: Files, places: Places, generation: number): Holder | null {
  const file = places.at(`${AT.lockFolder}/${generation}`)
  const record = readRecord(files, file)
  if (record === null || record === 'absent') return null
  if (!Number.isInteger(record.pid) || typeof record.token !== 'string') return null
  const released = files.stat(`${file}.released`) !== null
  return { ...(record as unknown as Omit<Holder, 'generation' | 'released'>), generation, released }
}

/** What the lock says in one sentence, with what can be done about it. */
export function describeLock(state: LockState): { sentence: string; hint: string } {
  switch (state.state) {
    case 'absent':
    case 'released':
      return { sentence: 'No runtime owns the workspace.', hint: '' }
    case 'stale':
      return {
        sentence: `The runtime that owned the workspace is dead (${state.why}).`,
        hint: 'the next runtime takes over by itself',
      }
    case 'active':
      return state.provable
        ? {
            sentence: `A runtime owns the workspace: process ${state.holder.pid} since ${state.holder.acquired_at}.`,
            hint: 'stop it with `millrace control stop`, or work beside it: commands reach it through its mailbox',
          }
        : {
            sentence: `A runtime on ${state.holder.host} (process ${state.holder.pid}) owns the workspace; whether it lives cannot be told from here.`,
            hint: 'if you know it is gone: millrace control clear-stale-state --force',
          }
    case 'invalid':
      return { sentence: `The lock is unreadable (${state.why}).`, hint: 'millrace control clear-stale-state --force' }
    case 'foreign':
      if (state.alive)
        return {
          sentence: `Another version of the runtime owns the workspace: process ${state.pid} on ${state.host}.`,
          hint: 'stop that runtime first',
        }
      return {
        sentence: `Another version of the runtime left its lock behind (process ${state.pid} on ${state.host}${state.alive === null ? '; whether it lives cannot be told from here' : ''}).`,
        hint: 'if you know it is gone: millrace control clear-stale-state --force',
      }
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
 * that lives here it must be told by the caller, who ended it first. If it fails, nothing is held.
 */
export async function takeLock(ports: LockPorts, options: { force?: boolean } = {}): Promise<Lock> {
  const { files, places, processes, clock } = ports
  const before = lockState(ports)
  if (!isFree(before) && !(options.force && mayForce(before))) {
    const { sentence, hint } = describeLock(before)
    throw new MillraceError('lock_held', sentence, { hint })
  }
  const folder = places.at(AT.lockFolder)
  files.makeFolder(folder)
  // One above the generation that was judged, not above whatever is newest by now: that one may be alive.
  const generation = before.generation + 1
  const mine = path.join(folder, String(generation))
  const self = processes.self()
  const host = os.hostname()
  const token = clock.hex(32)
  const acquired_at = clock.now().toISOString()
  const record = {
    host,
    pid: self.pid,
    start_time: self.startTime,
    boot_id: self.bootId,
    pid_namespace: self.pidNamespace,
    token,
    acquired_at,
  }
  // Kept so that an old runtime, which knows only this file, refuses to start (spec 01 §4.7).
  const copy = {
    workspace_root: places.root,
    owner_pid: self.pid,
    owner_hostname: host,
    owner_session_id: `generation-${generation}`,
    acquired_at,
  }
  const temporary = path.join(folder, `.taking-${token}`)
  const temporaryCopy = path.join(folder, `.copying-${token}`)
  const isNewest = () => newestGeneration(files, places) === generation
  const written = [temporary, temporaryCopy]
  try {
    files.write(temporary, json(record))
    files.write(temporaryCopy, json(copy))
    await files.flush([temporary, temporaryCopy])
    files.link(temporary, mine)
    written.push(mine)
    if (!isNewest()) throw takenMeanwhile()
    files.rename(temporaryCopy, places.at(AT.lockFile))
    written.push(places.at(AT.lockFile))
    files.unlink(temporary)
    forgetOld(files, folder, generation)
    await files.flush([folder, path.dirname(places.at(AT.lockFile))])
  } catch (error) {
    for (const file of written.reverse()) removeQuietly(files, file)
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? takenMeanwhile() : error
  }
  let released = false
  const guard = () => {
    if (released || !isNewest()) {
      throw new MillraceError('lock_lost', 'Another runtime has taken over the workspace.', {
        hint: 'this one ends; nothing more is written by it',
      })
    }
  }
  return {
    generation,
    tookOver: before.state === 'absent' || before.state === 'released' ? null : before,
    guard,
    async release() {
      guard()
      released = true
      unlinkIfThere(files, places.at(AT.lockFile))
      files.write(path.join(folder, `${generation}.released`), '')
      await files.flush([folder])
    },
  }
}

function isFree({ state }: LockState): boolean {
  return state === 'absent' || state === 'released' || state === 'stale'
}

/** Of whom nothing can be proven may be succeeded by force; who is known to live may not. */
function mayForce(before: LockState): boolean {
  if (before.state === 'active') return !before.provable
  return before.state === 'invalid' || (before.state === 'foreign' && before.alive !== true)
}

const takenMeanwhile = () =>
  new MillraceError('lock_held', 'Another runtime is just taking the workspace.', { hint: 'try again' })

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`

function removeQuietly(files: Files, file: string): void {
  try {
    if (files.stat(file) !== null) files.unlink(file)
  } catch {
    // Withdrawing is best effort: what stays behind is taken over once this process has ended.
  }
}

/** Older generations serve nobody: a taker only ever looks at the newest. */
function forgetOld(files: Files, folder: string, generation: number): void {
  for (const name of files.list(folder) ?? []) {
    const number = Number.parseInt(name, 10)
    if (/^\d{1,9}(\.released)?$/.test(name) && number <= generation - GENERATIONS_KEPT)
      files.unlink(path.join(folder, name))
  }
}
