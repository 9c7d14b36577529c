/**
 * One process that is many: each incarnation is a later process of this machine with the same pid, and all before it
 * are dead. So a test can let a holder of the lock die and come back without starting a program.
 */
import { processIdentity } from '../../src/runners/process.ts'
import type { Processes } from '../../src/store/lock.ts'

export class Incarnations {
  private count = 0

  /** The next process. The one before is dead, for everybody. */
  next(): Processes {
    this.count += 1
    const startTime = `incarnation-${this.count}`
    return {
      self: () => ({ ...processIdentity.self(), startTime }),
      identify: (pid) => {
        const found = processIdentity.identify(pid)
        return found && pid === process.pid ? { ...found, startTime: `incarnation-${this.count}` } : found
      },
      kill: (pid, signal) => processIdentity.kill(pid, signal),
    }
  }
}
