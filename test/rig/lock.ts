/** What tests of the lock share: ports, generations as others left them, processes that are dead or elsewhere. */
import { spawnSync } from 'node:child_process'
import * as os from 'node:os'
import { processIdentity } from '../../src/runners/process.ts'
import { disk } from '../../src/store/files.ts'
import { AT, type Places } from '../../src/store/layout.ts'
import type { Processes } from '../../src/store/lock.ts'
import type { LockPorts } from '../../src/store/take-lock.ts'
import { clock } from '../agents/clock.ts'
import { Incarnations } from './incarnations.ts'
import { write } from './store.ts'

export const lockPorts = (places: Places, changes: Partial<LockPorts> = {}): LockPorts => {
  return { files: disk, places, processes: processIdentity, clock, ...changes }
}

/** Writes the file of a generation, held by this very process unless `changes` say otherwise. */
export function heldBy(places: Places, generation: number, changes: Record<string, unknown> = {}): void {
  const { pid, startTime, bootId, pidNamespace } = processIdentity.self()
  const record = {
    host: os.hostname(),
    pid,
    start_time: startTime,
    boot_id: bootId,
    pid_namespace: pidNamespace,
    token: 't',
    acquired_at: 'then',
  }
  write(places.at(AT.lockFolder), String(generation), JSON.stringify({ ...record, ...changes }))
}

/** A pid that no process has: of one that has ended and was reaped. */
export const goneBy = (): number => spawnSync(process.execPath, ['--version']).pid

/** A later process of this machine that lives in a pid namespace of its own, so that nothing can be proven of it. */
export function elsewhere(): Processes {
  const there = new Incarnations().next()
  return { ...there, self: () => ({ ...there.self(), pidNamespace: 'pid:[1]' }) }
}
