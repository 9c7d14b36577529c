/** Looking whether a runtime is there: at the lock, at the process that holds it, and at a transaction that is stuck. */
import type { Snapshot } from '../../core/state.ts'
import { readConsistently } from '../../store/consistent.ts'
import { lockState } from '../../store/lock.ts'
import { type Context, placesIn } from '../context.ts'
import { isStuck } from '../status/status.ts'
import { type Presence, presenceOf } from './presence.ts'

/** Looks once; what it means depends on the snapshot it is asked about. */
export async function lookAtRuntime(context: Context): Promise<(snapshot: Snapshot) => Presence> {
  const { files, processes, clock } = context
  const places = placesIn(context)
  const lock = lockState({ files, places, processes })
  if (lock.state !== 'active') return (snapshot) => presenceOf(lock, snapshot, { isSuspended: false, isStuck: false })
  const isSuspended = lock.provable && (await context.isStopped(lock.holder.pid))
  const stuck = isStuck(
    readConsistently(files, places, (_files, record) => record),
    clock.now(),
  )
  return (snapshot) => presenceOf(lock, snapshot, { isSuspended, isStuck: stuck })
}
