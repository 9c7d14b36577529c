/**
 * The third step of stopping: ends every process that still carries a request's marker, until none is left.
 * Needed because harnesses start their tools in sessions of their own, which a kill of the group does not reach.
 */
import type { Clock } from '../core/clock.ts'
import { type Carrier, carriersOf, processIdentity } from './process.ts'

/** Rounds of find and kill. A killed process is gone within milliseconds; more rounds are for ones that fork meanwhile. */
const ROUNDS_MAX = 60
const PAUSE_MS_MAX = 50

export interface Swept {
  /** What was found, once per process. */
  found: Carrier[]
  /** What even KILL did not end within the bound (waiting for a dead disk, or of another user). */
  left: Carrier[]
}

export const delay = (clock: Clock, ms: number): Promise<void> =>
  new Promise((resolve) => {
    clock.after(ms, resolve)
  })

/** Ends every carrier of the request's marker. Costs one pass over the process table if there is none. */
export async function sweepMarked(requestId: string, clock: Clock): Promise<Swept> {
  const found = new Map<number, Carrier>()
  let left = carriersOf(requestId)
  for (let round = 0; left.length > 0 && round < ROUNDS_MAX; round++) {
    for (const carrier of left) {
      if (!found.has(carrier.pid)) found.set(carrier.pid, carrier) // one that is dying shows no command any more
      processIdentity.kill(carrier.pid, 'SIGKILL')
    }
    await delay(clock, Math.min(PAUSE_MS_MAX, 2 + round * 4))
    left = carriersOf(requestId)
  }
  return { found: [...found.values()], left }
}
