/** Auto-recovery: an idle runtime puts a blocked task back that queued ones wait for, and says once why it leaves another. */
import { isSwitchedOn, type Prospect, prospects, SKIPPED, type SkipReason, skipDigest } from '../core/auto-recovery.ts'
import { type Change, Draft } from '../core/changes.ts'
import { MillraceError } from '../core/errors.ts'
import type { View } from '../core/view.ts'
import { blockRecord } from '../store/blocks.ts'
import { requeueRecord } from './ending.ts'
import type { Engine } from './engine.ts'

/** For a moment in which nothing else is to be done; true if one was put back. The others wait for the next such moment. */
export async function recoverDependency(engine: Engine): Promise<boolean> {
  const view = engine.workspace.view()
  const policy = engine.config.auto_recovery
  const found = isSwitchedOn(policy) ? prospects(view, policy, (item) => blockRecord(view, item)) : []
  engine.recoveryDueMs = earliest(found)
  for (const prospect of found) if (prospect.skip === null && (await isPutBack(engine, prospect))) return true
  const draft = new Draft(view)
  tellSkipped(
    draft,
    found.filter(({ skip }) => skip !== null),
  )
  await engine.commit(draft.finish())
  return false
}

/** When the first of those falls due that only wait for their time; null if none does. */
function earliest(found: readonly Prospect[]): number | null {
  const times = found.flatMap(({ skip, dueMs }) => (skip === 'cooldown_active' && dueMs !== null ? [dueMs] : []))
  return times.length === 0 ? null : Math.min(...times)
}

/** Puts one back; false where a person's hands are on it just now, so that it has to wait. */
async function isPutBack(engine: Engine, prospect: Prospect): Promise<boolean> {
  const { kind, id } = prospect.item
  try {
    const changes = putBack(engine.workspace.view(), prospect)
    await engine.commit(changes)
    return changes.length > 0
  } catch (error) {
    if (!MillraceError.is(error) || (error.code !== 'conflict' && error.code !== 'item_exists')) throw error
    engine.workspace.index.reread(kind, 'blocked', `${id}.md`)
    return false
  }
}

function putBack(view: View, prospect: Prospect): Change[] {
  const { item, block, attempt, attemptsMax } = prospect
  const { kind, id } = item
  const read = view.read(kind, id, 'blocked')
  if (read === null) return []
  const failure_class = block?.failure_class ?? null
  const reason = `auto-recovery after ${failure_class}, attempt ${attempt} of ${attemptsMax}`
  const audit = { auto: true, actor: 'runtime', failure_class, attempt_number: attempt } as const
  const draft = new Draft(view)
  draft.add(
    { change: 'item.move', kind, id, from: 'blocked', to: 'queued', hash: read.hash },
    ...requeueRecord(kind, id, reason, view.now, 'blocked', audit),
  )
  draft.event('blocked_dependency_auto_requeued', { ...told(prospect), failure_class })
  draft.forget('runtime_tick_idle', 'runtime')
  draft.forget(SKIPPED, `${kind}:${id}`)
  return draft.finish()
}

/** Reasons that time alone does not mend. */
const needsPerson = (skip: SkipReason | null): boolean => skip !== null && skip !== 'cooldown_active'

/** Each is told again only once its reason, or the time it waits for, has changed. */
function tellSkipped(draft: Draft, skipped: readonly Prospect[]): void {
  const names = new Set(skipped.map(({ item }) => `${SKIPPED}:${item.kind}:${item.id}`))
  for (const name of Object.keys(draft.snapshot.announced))
    if (name.startsWith(`${SKIPPED}:`) && !names.has(name)) draft.forget(SKIPPED, name.slice(SKIPPED.length + 1))
  for (const prospect of skipped) {
    const { item, skip, dueMs, block } = prospect
    const due_at = dueMs === null ? null : new Date(dueMs).toISOString()
    const facts = { ...told(prospect), reason: skip, failure_class: block?.failure_class ?? null, due_at }
    if (draft.announce(SKIPPED, `${item.kind}:${item.id}`, skipDigest(prospect), facts) && needsPerson(skip))
      draft.event('blocked_lineage_requires_operator_review', {
        work_item_kind: item.kind,
        work_item_id: item.id,
        root_spec_id: item.effectiveRoot,
        reason: skip,
      })
  }
}

const told = ({ item, dependents, attempt, attemptsMax }: Prospect) => ({
  work_item_kind: item.kind,
  work_item_id: item.id,
  root_spec_id: item.effectiveRoot,
  queued_dependent_ids: dependents.map(({ id }) => id),
  auto_attempt_number: attempt,
  attempts_max: attemptsMax,
})
