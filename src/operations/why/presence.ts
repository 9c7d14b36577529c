/** Whether a runtime is there to carry work on, told from the lock and from the process that holds it. */
import type { AutoRecoveryConfig } from '../../core/auto-recovery-config.ts'
import type { Snapshot } from '../../core/state.ts'
import { AT } from '../../store/layout.ts'
import type { LockState } from '../../store/lock.ts'
import { STOP_FILES } from '../../store/stop-files.ts'
import { ownerOf } from '../owner.ts'
import { below, byItself, inSnapshot, type Obstacle, person } from './account.ts'

export interface Presence {
  /**
   * `suspended`: its process is stopped by a signal and can do nothing. `stuck`: it has a transaction that its disk does
   * not take. `unreadable`: nobody can tell who holds the workspace.
   */
  state: 'working' | 'stopping' | 'stuck' | 'suspended' | 'none' | 'dead' | 'unreadable'
  pid: number | null
  host: string | null
  since: string | null
  /** File that says so, relative to the workspace. */
  path: string
  /** How it is known, for a dead or unreadable holder. */
  why: string | null
  /** Stop files that lie there and are heeded, relative to the workspace. */
  stopFiles?: readonly string[]
  /** How blocked work is put back by itself; without it, it is not looked at. */
  autoRecovery?: AutoRecoveryConfig
}

/** `isSuspended`: the process that holds the lock is stopped. `isStuck`: a transaction of its is not applied for long. */
export function presenceOf(
  lock: LockState,
  snapshot: Pick<Snapshot, 'process_running' | 'stop_requested'>,
  look: { isSuspended: boolean; isStuck: boolean },
): Presence {
  const { state: held, pid, host, since } = ownerOf(lock)
  const told = (state: Presence['state']): Presence => ({
    state,
    pid,
    host,
    since,
    path: fileOf(lock),
    why: whyOf(lock),
  })
  if (held === 'absent') return told('none')
  if (held === 'invalid') return told('unreadable')
  if (held === 'stale') return told('dead')
  if (lock.state === 'foreign') return told('working') // of another version; what it says of itself is not known here
  if (look.isSuspended) return told('suspended')
  if (snapshot.stop_requested !== null) return told('stopping')
  if (look.isStuck) return told('stuck')
  // A command line that holds the lock for a moment is no runtime: only one that says it runs is.
  return told(snapshot.process_running ? 'working' : 'none')
}

function fileOf(lock: LockState): string {
  if (lock.state === 'absent') return below(AT.snapshot)
  if (lock.state === 'invalid') return below(AT.lockFolder)
  return below(lock.state === 'foreign' ? AT.lockFile : `${AT.lockFolder}/${lock.generation}`)
}

function whyOf(lock: LockState): string | null {
  if (lock.state === 'foreign') return lock.alive === false ? `process ${lock.pid} is gone` : null
  return lock.state === 'invalid' || lock.state === 'stale' ? lock.why : null
}

/** Commands that begin a runtime; each is refused while one lives. */
const START = ['millrace daemon start', 'millrace run daemon', 'millrace run once']

/** What keeps the runtime itself from doing anything at all. */
export const absence = (presence: Presence): Obstacle[] => [...standstill(presence), ...stopped(presence)]

/** A stop file keeps a daemon from being started; one at work stops by it. */
function stopped({ state, stopFiles = [] }: Presence): Obstacle[] {
  if (state === 'working' || !stopFiles.includes(STOP_FILES.stop)) return []
  return [
    {
      path: STOP_FILES.stop,
      event: null,
      at: null,
      code: 'stop_file',
      fact: `${STOP_FILES.stop} lies there, so no daemon is started`,
      wait: 'human',
      next: person(`remove ${STOP_FILES.stop}`),
      can: [],
    },
  ]
}

function standstill(presence: Presence): Obstacle[] {
  const { state, pid, host, since, path, why } = presence
  const source = { path, event: null, at: since }
  switch (state) {
    case 'working':
      return []
    case 'none':
      return [
        {
          ...source,
          code: 'no_runtime',
          fact: 'no runtime is at work in this workspace',
          wait: 'human',
          next: person('start a runtime'),
          can: START,
        },
      ]
    case 'dead':
      return [
        {
          ...source,
          code: 'runtime_died',
          fact: `the last runtime died: ${why}`,
          wait: 'human',
          next: person('start a runtime; it takes up what the dead one left'),
          can: START,
        },
      ]
    case 'unreadable':
      return [
        {
          ...source,
          code: 'lock_unreadable',
          fact: `the lock cannot be read: ${why}`,
          wait: 'human',
          next: person('see what is wrong with the lock'),
          can: ['millrace doctor'],
        },
      ]
    case 'suspended':
      return [
        {
          ...source,
          code: 'runtime_suspended',
          fact: `the runtime, process ${pid} on ${host}, is stopped by a signal and does nothing`,
          wait: 'human',
          next: person(`let it go on: kill -CONT ${pid}`),
          can: [],
        },
      ]
    case 'stopping':
      return [
        {
          ...inSnapshot,
          at: since,
          code: 'runtime_stopping',
          fact: 'the runtime was asked to stop and starts nothing more',
          wait: 'human',
          next: person('start a runtime again once it has ended'),
          can: [],
        },
      ]
    case 'stuck':
      return [
        {
          ...inSnapshot,
          at: null,
          code: 'disk_refuses',
          fact: 'the disk does not take the last transaction of the runtime',
          wait: 'backoff',
          next: byItself('the runtime tries again, at most 30 s apart'),
          can: ['millrace doctor'],
        },
      ]
  }
}
