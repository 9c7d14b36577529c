/** Who holds the workspace, for those who look on. Loads no schemas: `status` begins here. */
import { type LockState, lockState } from '../store/lock.ts'
import { type Context, placesIn } from './context.ts'

/** The lock as it stands now, without taking it. */
export const lockIn = (context: Context): LockState =>
  lockState({ files: context.files, places: placesIn(context), processes: context.processes })

export interface Owner {
  /** The four states the seed knows. Nobody holds a released lock; a foreign one is held until its holder is known to be gone. */
  state: 'absent' | 'active' | 'stale' | 'invalid'
  pid: number | null
  host: string | null
  since: string | null
  /** Whether it is a process of this machine that can be looked at from here. */
  isHere: boolean
}

export function ownerOf(lock: LockState): Owner {
  switch (lock.state) {
    case 'absent':
    case 'released':
      return { state: 'absent', pid: null, host: null, since: null, isHere: false }
    case 'invalid':
      return { state: 'invalid', pid: null, host: null, since: null, isHere: false }
    case 'foreign': {
      const { alive, pid, host } = lock
      return { state: alive === false ? 'stale' : 'active', pid, host, since: null, isHere: alive === true }
    }
    default: {
      const { pid, host, acquired_at: since } = lock.holder
      return { state: lock.state, pid, host, since, isHere: lock.state === 'active' && lock.provable }
    }
  }
}
