/**
 * A runtime that ended without giving the workspace back: who takes the workspace next says so, in a transaction, so that
 * it is told once, however many look on.
 */
import type { Draft } from '../core/changes.ts'
import type { View } from '../core/view.ts'
import type { Lock } from '../store/take-lock.ts'

/** What the standing fact is told of: a workspace has one runtime at a time. */
const RUNTIME = 'runtime'

/**
 * Tells of the runtime that the snapshot says is running; only whoever holds the lock knows that it is not. Gives whether
 * it was told now.
 */
export function tellLost(draft: Draft, { snapshot }: View, { tookOver }: Pick<Lock, 'tookOver'>): boolean {
  if (!snapshot.process_running) return false
  return draft.announce('runtime_lost', RUNTIME, 'told', {
    runtime_mode: snapshot.runtime_mode,
    generation: tookOver?.generation ?? null,
    last_change_at: snapshot.updated_at,
    why: tookOver?.state === 'stale' ? tookOver.why : 'it did not say that it ended',
  })
}

/** A runtime begins, whose loss is another one. */
export const forgetLost = (draft: Draft): void => draft.forget('runtime_lost', RUNTIME)
