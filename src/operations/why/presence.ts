/** Whether a runtime is there to carry work on, told from the lock and from the process that holds it. */
import type { Snapshot } from '../../core/state.ts'
import { AT } from '../../store/layout.ts'
import type { LockState } from '../../store/lock.ts'
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
}

/** `isSuspended`: the process that holds the lock is stopped. `isStuck`: a transaction of its is not applied for long. */
export function presenceOf(
  lock: LockState,
  snapshot: Pick<Snapshot, 'process_running' | 'stop_requested'>,
  look: { isSuspended: boolean; isStuck: boolean },
): Presence {
  const generation = below(`${AT.lockFolder}/${lock.generation}`)
  switch (lock.state) {
    case 'absent':
      return { state: 'none', pid: null, host: null, since: null, path: below(AT.snapshot), why: null }
    case 'released':
      return { state: 'none', pid: null, host: null, since: null, path: generation, why: null }
    case 'invalid':
      return { state: 'unreadable', pid: null, host: null, since: null, path: below(AT.lockFolder), why: lock.why }
    case 'foreign': {
      const state = lock.alive === false ? 'dead' : 'working'
      const why = lock.alive === false ? `process ${lock.pid} is gone` : null
      return { state, pid: lock.pid, host: lock.host, since: null, path: below(AT.lockFile), why }
    }
    case 'stale': {
      const { pid, host, acquired_at: since } = lock.holder
      return { state: 'dead', pid, host, since, path: generation, why: lock.why }
    }
    case 'active': {
      const { pid, host, acquired_at: since } = lock.holder
      const suspended = look.isSuspended
      // A command line that holds the lock for a moment is no runtime: only one that says it runs is.
      const idle = snapshot.process_running ? 'working' : 'none'
      const living = snapshot.stop_requested !== null ? 'stopping' : look.isStuck ? 'stuck' : idle
      return { state: suspended ? 'suspended' : living, pid, host, since, path: generation, why: null }
    }
  }
}

/** Commands that begin a runtime; each is refused while one lives. */
const START = ['millrace daemon start', 'millrace run daemon', 'millrace run once']

/** What keeps the runtime itself from doing anything at all. */
export function absence(presence: Presence): Obstacle[] {
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
