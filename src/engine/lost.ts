/**
 * A runtime that ended without giving the workspace back: who takes the workspace next says so, in a transaction, so that
 * it is told once, however many look on.
 */
import type { Draft } from '../core/changes.ts'
import type { View } from '../core/view.ts'
import type { Lock } from '../store/take-lock.ts'

/** Tells of the runtime that the snapshot says is running; only whoever holds the lock knows that it is not. */
export function tellLost(draft: Draft, { snapshot }: View, { tookOver }: Pick<Lock, 'tookOver'>): void {
  if (!snapshot.process_running) return
  draft.snapshot.process_running = false
  draft.event('runtime_lost', {
    runtime_mode: snapshot.runtime_mode,
    generation: tookOver?.generation ?? null,
    last_change_at: snapshot.updated_at,
    why: tookOver?.state === 'stale' ? tookOver.why : 'it did not say that it ended',
  })
}
