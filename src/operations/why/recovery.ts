/** Whether a blocked task that others wait for is put back by the runtime itself, in words. Pure. */
import { blockedDependencies, type Prospect, prospectOf } from '../../core/auto-recovery.ts'
import { failureKind } from '../../core/failure-class.ts'
import type { ItemEntry } from '../../core/item.ts'
import type { View } from '../../core/view.ts'
import { blockRecord } from '../../store/blocks.ts'
import { blockFile } from '../../store/layout.ts'
import { type Because, below, byItself, inItem, type Obstacle } from './account.ts'
import type { Presence } from './presence.ts'

/** Null where nothing in the queue waits for it, so that the runtime leaves it alone. */
export function prospectIn(item: Pick<ItemEntry, 'kind' | 'id'>, view: View, presence: Presence): Prospect | null {
  const { autoRecovery } = presence
  const found = blockedDependencies(view).find((one) => one.item.kind === item.kind && one.item.id === item.id)
  if (autoRecovery === undefined || found === undefined) return null
  return prospectOf(found, blockRecord(view, item), autoRecovery, view.now)
}

/** That it is put back, and what it waits for until then; null where it is not. `clause` says so of it in half a sentence. */
export function comingBack(
  item: Pick<ItemEntry, 'kind' | 'id'>,
  view: View,
  presence: Presence,
): { clause: string; obstacle: Obstacle } | null {
  const prospect = prospectIn(item, view, presence)
  if (prospect === null || prospect.dueMs === null) return null
  const { attempt, attemptsMax, skip, dueMs, block } = prospect
  const isWaiting = skip === 'cooldown_active'
  const which = `attempt ${attempt} of ${attemptsMax}`
  const clause = `is put back by itself (${which}): ${becauseOf(prospect)}`
  const back = `${item.kind} ${item.id} is put back into its queue once nothing else is to be done (${which})`
  return {
    clause,
    obstacle: {
      ...inBlock(prospect),
      at: block?.blocked_at ?? null,
      code: 'auto_recovery',
      fact: `it ${clause}`,
      wait: isWaiting ? 'backoff' : 'turn',
      next: byItself(back, isWaiting ? new Date(dueMs).toISOString() : null),
      can: [],
    },
  }
}

/** Why it is not put back; null where it is, or where nothing waits for it. */
export function notComingBack(item: Pick<ItemEntry, 'kind' | 'id'>, view: View, presence: Presence): Because | null {
  const prospect = prospectIn(item, view, presence)
  if (prospect === null || prospect.dueMs !== null) return null
  return {
    ...inBlock(prospect),
    at: prospect.block?.blocked_at ?? null,
    code: 'no_auto_recovery',
    fact: `it is not put back by itself: ${whyNot(prospect)}`,
  }
}

const inBlock = ({ item, block }: Prospect) =>
  block === null ? inItem(item) : ({ path: below(blockFile(item.kind, item.id)), event: null } as const)

function whyNot(prospect: Prospect): string {
  const { item, skip, attempt, attemptsMax } = prospect
  switch (skip) {
    case 'root_spec_mismatch':
      return `it belongs to root spec ${item.effectiveRoot}, and nothing that waits for it does`
    case 'missing_or_invalid_metadata':
      return 'why it was blocked is not on record'
    case 'switched_off':
      return 'auto_recovery is switched off in millrace.toml'
    case 'retry_budget_exhausted':
      return attemptsMax === 0
        ? 'auto_recovery.max_auto_requeues_per_work_item is 0'
        : `it was put back ${attempt - 1 === 1 ? 'once' : `${attempt - 1} times`} already, and ${attemptsMax} is the most`
    default:
      return becauseOf(prospect)
  }
}

/** What blocked it, as far as that says whether it may pass. */
function becauseOf({ block }: Prospect): string {
  switch (block?.blocked_origin) {
    case 'stage_terminal':
      return 'a stage has looked at it and calls it blocked'
    case 'operator':
      return 'a person has ended it'
    case 'runner_failure':
      return failureKind(block.failure_class)?.because ?? `the runtime has ended it (${block.failure_class})`
    default:
      return `the runtime has ended it (${block?.failure_class})`
  }
}
