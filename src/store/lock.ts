/**
 * The lock: which runtime may write (design §5). Generations are files `state/lock/<n>`, and the newest says who. Here
 * it is judged; it is taken in take-lock.ts. A holder may be succeeded only if it released, or is proven dead.
 *
 * Proof is about names: two machines of one name on one network file system look like one that was restarted. Such
 * machines need names of their own before they share a workspace.
 */
import * as os from 'node:os'
import { record, type Shape, text } from '../core/shape.ts'
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

/** Which process it was, told so that its death can be proven later. */
export interface ProcessRecord {
  host: string
  pid: number
  start_time: string
  boot_id: string
  pid_namespace: string
}

export interface Holder extends ProcessRecord {
  generation: number
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
  /** `byHand`: nothing can be put in its place before a person has moved away what lies there. */
  | { state: 'invalid'; generation: number; why: string; byHand: boolean }
  /** Held by an old runtime that knows only the lock file. `alive`: null where that cannot be told from here. */
  | { state: 'foreign'; generation: number; pid: number; host: string; alive: boolean | null }

/** What it takes to judge. */
export interface Looking {
  files: Files
  places: Places
  processes: Processes
}

/** What a holder writes takes some hundred bytes; whatever is larger than this is no lock. */
const RECORD_BYTES_MAX = 64 * 1024

/** Above it a number is not a safe integer any more. */
const GENERATION_MAX = 999_999_999_999_999

/** What the lock says now, without taking it. */
export function lockState(ports: Looking): LockState {
  const { files, places } = ports
  const generation = newestGeneration(files, places)
  const obstacle = obstacleIn(files, places, generation)
  if (obstacle !== null) return { state: 'invalid', generation, why: obstacle, byHand: true }
  if (generation === 0) return foreignHolder(ports, generation) ?? { state: 'absent', generation }
  const holder = readHolder(files, places, generation)
  // Forgotten since it was listed: there are newer ones.
  if (typeof holder === 'string' && newestGeneration(files, places) > generation) return lockState(ports)
  if (typeof holder === 'string') return { state: 'invalid', generation, why: holder, byHand: false }
  if (holder.released) return foreignHolder(ports, generation) ?? { state: 'released', generation, holder }
  const why = provenDead(ports.processes, holder)
  if (why !== null) {
    // An old runtime may have come in since. A torn lock file says nothing here: the dead holder may have been writing it.
    const foreign = foreignHolder(ports, generation)
    return foreign?.state === 'foreign' ? foreign : { state: 'stale', generation, holder, why }
  }
  return { state: 'active', generation, holder, provable: isProvable(ports.processes, holder) }
}

/** What lies in the way of every taker, whoever holds the lock; null if nothing does. */
function obstacleIn(files: Files, places: Places, generation: number): string | null {
  const isIn = (file: string, kinds: readonly (string | undefined)[]) =>
    kinds.includes(files.stat(places.at(file))?.kind)
  if (isIn(AT.lockFolder, ['file', 'other'])) return `${AT.lockFolder} is not a folder`
  if (isIn(AT.lockFile, ['directory'])) return `${AT.lockFile} is a folder`
  return generation < GENERATION_MAX ? null : `${AT.lockFolder}/${generation} leaves no room for a next generation`
}

/** Whether the death of a holder could be told from here: it is on this host and in this pid namespace. */
function isProvable(processes: Processes, holder: ProcessRecord): boolean {
  return holder.host === os.hostname() && holder.pid_namespace === processes.self().pidNamespace
}

/** This process, as others will judge it by. */
export function processRecord(processes: Processes): ProcessRecord {
  const { pid, startTime, bootId, pidNamespace } = processes.self()
  return { host: os.hostname(), pid, start_time: startTime, boot_id: bootId, pid_namespace: pidNamespace }
}

/** How it is known that the holder is dead; null if it lives (stopped is alive) or nothing can be told. */
export function provenDead(processes: Processes, holder: ProcessRecord): string | null {
  if (holder.host !== os.hostname()) return null
  const { bootId } = processes.self()
  // A machine that could not say which boot this is has told nothing.
  if (bootId === '' || holder.boot_id === '') return null
  if (holder.boot_id !== bootId) return 'the machine was restarted since'
  if (!isProvable(processes, holder)) return null
  const found = processes.identify(holder.pid)
  if (found === null) return `process ${holder.pid} is gone`
  if (found.zombie) return `process ${holder.pid} is dead and waits to be reaped`
  // A process of another user may be hidden: it is there, but who it is cannot be told.
  if (found.startTime === '' || holder.start_time === '') return null
  return found.startTime === holder.start_time ? null : `process ${holder.pid} is another one now`
}

/** The lock file of an old runtime that knows no generations (spec 01 §4.7); our own copy of it is not one. */
function foreignHolder({ files, places, processes }: Looking, generation: number): LockState | null {
  const record = readRecord(files, places, AT.lockFile)
  if (record === 'absent') return null
  // An old runtime creates the file before it fills it.
  if (typeof record === 'string') return { state: 'invalid', generation, why: record, byHand: false }
  const { owner_session_id, owner_pid: pid, owner_hostname: host } = record
  if (typeof owner_session_id === 'string' && owner_session_id.startsWith('generation-')) return null
  if (!isPid(pid) || typeof host !== 'string') {
    return { state: 'invalid', generation, why: `${AT.lockFile} does not say who holds it`, byHand: false }
  }
  if (host !== os.hostname()) return { state: 'foreign', generation, pid, host, alive: null }
  const found = processes.identify(pid)
  return { state: 'foreign', generation, pid, host, alive: found !== null && !found.zombie }
}

const isPid = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0

/** The JSON object in a file, `absent`, or the sentence that says why there is none. */
function readRecord(files: Files, places: Places, file: string): Record<string, unknown> | string {
  let bytes: Uint8Array | null
  try {
    bytes = files.readRange(places.at(file), 0, RECORD_BYTES_MAX + 1)
  } catch (error) {
    return `${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`
  }
  if (bytes === null) return 'absent'
  if (bytes.length === 0) return `${file} is empty`
  if (bytes.length > RECORD_BYTES_MAX) return `${file} is larger than any lock`
  try {
    const record: unknown = JSON.parse(utf8.decode(bytes))
    if (typeof record === 'object' && record !== null && !Array.isArray(record)) return { ...record }
  } catch {
    // Not JSON, or not text.
  }
  return `${file} is not a JSON object`
}

/** Names of generations, `7` and `7.released`; whatever else lies in the folder is not ours to judge. */
const GENERATION = /^([1-9]\d{0,14})(\.released)?$/

/** The files of generations among the names of a folder, oldest generation first. */
export function generationsIn(names: readonly string[]): { generation: number; name: string; released: boolean }[] {
  const found = names.flatMap((name) => {
    const match = GENERATION.exec(name)
    return match ? { generation: Number(match[1]), name, released: match[2] !== undefined } : []
  })
  return found.sort((a, b) => a.generation - b.generation)
}

/** The newest generation; 0 if there is none. */
export function newestGeneration(files: Files, places: Places): number {
  const names = files.list(places.at(AT.lockFolder)) ?? []
  return generationsIn(names).findLast(({ released }) => !released)?.generation ?? 0
}

const PROCESS = { host: text, pid: isPid, start_time: text, boot_id: text, pid_namespace: text }
export const isProcessRecord: Shape<ProcessRecord> = record(PROCESS)
const isHolder = record({ ...PROCESS, token: text, acquired_at: text })

/** Who took a generation, or the sentence that says why that cannot be told. */
function readHolder(files: Files, places: Places, generation: number): Holder | string {
  const file = `${AT.lockFolder}/${generation}`
  const record = readRecord(files, places, file)
  if (record === 'absent') return `${file} is gone`
  if (typeof record === 'string') return record
  if (!isHolder(record)) return `${file} does not say who holds it`
  const released = files.stat(places.at(`${file}.released`)) !== null
  return { ...record, generation, released }
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
      return {
        sentence: `The lock is unreadable (${state.why}).`,
        hint: state.byHand
          ? 'if you know that no runtime is at work, move it away'
          : 'if you know that no runtime is at work: millrace control clear-stale-state --force',
      }
    case 'foreign':
      if (state.alive)
        return {
          sentence: `Another version of the runtime owns the workspace: process ${state.pid} on ${state.host}.`,
          hint: `stop that runtime first; if process ${state.pid} is something else by now, remove ${AT.lockFile}`,
        }
      return {
        sentence: `Another version of the runtime left its lock behind (process ${state.pid} on ${state.host}${state.alive === null ? '; whether it lives cannot be told from here' : ''}).`,
        hint: 'if you know it is gone: millrace control clear-stale-state --force',
      }
  }
}
