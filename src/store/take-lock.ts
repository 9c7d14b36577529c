/**
 * Taking the lock: to take over generation g is to link a flushed file to g+1, which fails for all but one. Never done by
 * removing a file, so a live lock cannot be stolen by two takers cleaning up after a third.
 *
 * What the guard can promise. A holder that was succeeded by force may still live, on a machine nobody here can look at.
 * It asks the guard right before every call that changes something, so of what it was doing when it was stopped at most
 * one such call still arrives, and journal.ts sees to it that this one is no rename, no new record and no loss of one.
 * What can come late is a single call of a transaction that its successor has carried out again by then: lines of a log,
 * told twice; a document linked or unlinked under its old name, where it matters only if the successor has put that very
 * document back there.
 *
 * On network file systems listings and attributes may be seconds old, but opening a file asks the server. So a listing
 * refuses early, and what decides is the link and, for the guard, the content of our own file: whoever succeeds us by
 * force writes into it.
 */
import * as path from 'node:path'
import type { Clock } from '../core/clock.ts'
import { MillraceError } from '../core/errors.ts'
import { jsonText } from '../core/json.ts'
import { type Files, unlinkIfThere } from './files.ts'
import { AT } from './layout.ts'
import {
  describeLock,
  generationsIn,
  type Holder,
  type LockState,
  type Looking,
  lockState,
  newestGeneration,
  processRecord,
  provenDead,
} from './lock.ts'

export interface LockPorts extends Looking {
  clock: Clock
}

export interface Lock {
  generation: number
  /** The holder that was succeeded although it had not released, if any. */
  tookOver: LockState | null
  /** Throws `lock_lost` once another runtime has taken over. */
  guard(): void
  release(): Promise<void>
}

/**
 * Takes the lock or throws `lock_held` with who holds it. `force` succeeds an unprovable or unreadable holder; one that
 * lives here must be ended first (`endHolder`). If it fails, nothing is held.
 */
export async function takeLock(ports: LockPorts, options: { force?: boolean } = {}): Promise<Lock> {
  const { files, places, processes, clock } = ports
  const before = lockState(ports)
  if (!isFree(before) && !(options.force && mayForce(before))) throw held(before)
  const folder = places.at(AT.lockFolder)
  files.makeFolder(folder)
  // One above the generation that was judged, not above whatever is newest by now: that one may be alive.
  const generation = before.generation + 1
  const mine = path.join(folder, String(generation))
  const self = processRecord(processes)
  const token = clock.hex(32)
  const acquired_at = clock.now().toISOString()
  const record = jsonText({ ...self, token, acquired_at })
  // Kept so that an old runtime, which knows only this file, refuses to start (spec 01 §4.7).
  const copy = jsonText({
    workspace_root: places.root,
    owner_pid: self.pid,
    owner_hostname: self.host,
    owner_session_id: `generation-${generation}`,
    acquired_at,
  })
  const lockFile = places.at(AT.lockFile)
  const temporary = path.join(folder, `.taking-${token}`)
  const temporaryCopy = path.join(folder, `.copying-${token}`)
  const isMine = () => Buffer.from(files.read(mine) ?? '').toString() === record
  const isNewest = () => newestGeneration(files, places) === generation
  const written = [temporary, temporaryCopy]
  try {
    files.write(temporary, record)
    files.write(temporaryCopy, copy)
    await files.flush([temporary, temporaryCopy])
    linkUnless(isMine, files, temporary, mine)
    written.push(mine)
    if (!isNewest()) throw takenMeanwhile()
    files.rename(temporaryCopy, lockFile)
    written.push(lockFile)
    if (before.state === 'active') supersede(files, folder, before.holder, temporary, generation)
    unlinkIfThere(files, temporary)
    forgetOld(files, folder, generation)
    await files.flush([folder, path.dirname(lockFile)])
  } catch (error) {
    for (const file of written.reverse()) removeQuietly(files, file)
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? takenMeanwhile() : error
  }
  let released = false
  const guard = () => {
    if (released || !isNewest() || !isMine()) {
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
      unlinkIfThere(files, lockFile)
      files.write(path.join(folder, `${generation}.released`), '')
      await files.flush([folder])
    },
  }
}

const ENDING_MS_MAX = 10_000
const ENDING_POLL_MS = 10

/**
 * Ends the process that holds the lock, stopped or not, and waits until it is proven dead. Does nothing where there is
 * none, or none that can be judged from here. Throws `lock_held` if it cannot be ended.
 */
export async function endHolder(ports: LockPorts): Promise<void> {
  const state = lockState(ports)
  if (state.state !== 'active' || !state.provable) return
  const { processes, clock } = ports
  const { pid } = state.holder
  const isDead = () => provenDead(processes, state.holder) !== null
  const hint = `end it by other means, such as \`kill -9 ${pid}\` as its user, then run the command again`
  if (pid === processes.self().pid) throw held(state)
  if (!processes.kill(pid, 'SIGKILL') && !isDead()) {
    throw new MillraceError('lock_held', `Process ${pid} owns the workspace and may not be ended from here.`, { hint })
  }
  for (const deadline = clock.monotonicMs() + ENDING_MS_MAX; !isDead(); ) {
    if (clock.monotonicMs() >= deadline) {
      const what = `Process ${pid} owns the workspace and did not end within ${ENDING_MS_MAX / 1000} s of being killed.`
      throw new MillraceError('lock_held', what, { hint })
    }
    await new Promise<void>((resolve) => clock.after(ENDING_POLL_MS, resolve))
  }
}

function isFree({ state }: LockState): boolean {
  return state === 'absent' || state === 'released' || state === 'stale'
}

/** Of whom nothing can be proven may be succeeded by force; who is known to live may not. */
function mayForce(before: LockState): boolean {
  if (before.state === 'active') return !before.provable
  if (before.state === 'invalid') return !before.byHand
  return before.state === 'foreign' && before.alive !== true
}

function held(by: LockState): MillraceError {
  const { sentence, hint } = describeLock(by)
  return new MillraceError('lock_held', sentence, { hint })
}

const takenMeanwhile = () =>
  new MillraceError('lock_held', 'Another runtime is just taking the workspace.', { hint: 'try again' })

/** A server may make a link and lose the answer; asked again, it says that the name exists. What lies there decides. */
function linkUnless(isMade: () => boolean, files: Files, from: string, to: string): void {
  try {
    files.link(from, to)
  } catch (error) {
    if (!isMade()) throw error
  }
}

/** Tells a holder that was succeeded by force, in the file it looks at; its name stays taken. */
function supersede(files: Files, folder: string, holder: Holder, temporary: string, generation: number): void {
  const { generation: judged, released: _, ...record } = holder
  // The temporary name is a second link to our own file: that must not be written through.
  unlinkIfThere(files, temporary)
  files.write(temporary, jsonText({ ...record, succeeded_by: generation }))
  files.rename(temporary, path.join(folder, String(judged)))
}

/** Generations kept beside the newest, whose names late takers still trip over. */
const GENERATIONS_KEPT = 3

/** Older generations serve nobody: a taker only ever looks at the newest. */
function forgetOld(files: Files, folder: string, generation: number): void {
  for (const { generation: old, name } of generationsIn(files.list(folder) ?? []))
    if (old <= generation - GENERATIONS_KEPT) removeQuietly(files, path.join(folder, name))
}

/** Best effort: what stays behind is in nobody's way, or is taken over once this process has ended. */
function removeQuietly(files: Files, file: string): void {
  try {
    if (files.stat(file) !== null) files.unlink(file)
  } catch {
    // A disk that refuses everything, or a folder somebody has put there.
  }
}
