/** Looking whether a runtime is there: at the lock, at the process that holds it, and at a transaction that is stuck. */
import type { Snapshot } from '../../core/state.ts'
import { isWatched } from '../../core/watch-config.ts'
import { isStuck, readConsistently } from '../../store/consistent.ts'
import { STOP_FILES, stopFilesIn } from '../../store/stop-files.ts'
import { type Context, placesIn } from '../context.ts'
import { lockIn } from '../owner.ts'
import { configOrDefaults } from '../reading.ts'
import { type Presence, presenceOf } from './presence.ts'

/** Looks once; what it means depends on the snapshot it is asked about. */
export async function lookAtRuntime(context: Context): Promise<(snapshot: Snapshot) => Presence> {
  const lock = lockIn(context)
  const { watchers, auto_recovery: autoRecovery } = configOrDefaults(context)
  const stopFiles = isWatched(watchers, 'stop_files') ? lyingThere(context) : []
  const told = (look: { isSuspended: boolean; isStuck: boolean }) => (snapshot: Snapshot) => ({
    ...presenceOf(lock, snapshot, look),
    stopFiles,
    autoRecovery,
  })
  if (lock.state !== 'active') return told({ isSuspended: false, isStuck: false })
  const isSuspended = lock.provable && (await context.isStopped(lock.holder.pid))
  const stuck = isStuck(
    readConsistently(context.files, placesIn(context), (_files, record) => record),
    context.clock.now(),
  )
  return told({ isSuspended, isStuck: stuck })
}

const lyingThere = (context: Context): string[] =>
  stopFilesIn(context.files, placesIn(context)).map((which) => STOP_FILES[which])
