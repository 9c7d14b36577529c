/** Looking whether a runtime is there: at the lock, at the process that holds it, and at a transaction that is stuck. */
import type { Snapshot } from '../../core/state.ts'
import { isStuck, readConsistently } from '../../store/consistent.ts'
import { type Context, placesIn } from '../context.ts'
import { lockIn } from '../owner.ts'
import { type Presence, presenceOf } from './presence.ts'

/** Looks once; what it means depends on the snapshot it is asked about. */
export async function lookAtRuntime(context: Context): Promise<(snapshot: Snapshot) => Presence> {
  const lock = lockIn(context)
  if (lock.state !== 'active') return (snapshot) => presenceOf(lock, snapshot, { isSuspended: false, isStuck: false })
  const isSuspended = lock.provable && (await context.isStopped(lock.holder.pid))
  const stuck = isStuck(
    readConsistently(context.files, placesIn(context), (_files, record) => record),
    context.clock.now(),
  )
  return (snapshot) => presenceOf(lock, snapshot, { isSuspended, isStuck: stuck })
}
