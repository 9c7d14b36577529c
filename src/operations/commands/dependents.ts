/** What becomes of the items that wait for one: who they are, and turning their wait to something else. */
import type { Draft } from '../../core/changes.ts'
import { leadsTo, turnDependency } from '../../core/dependencies.ts'
import { MillraceError } from '../../core/errors.ts'
import type { ItemEntry, ItemKind } from '../../core/item.ts'
import type { ChangeContext } from '../../core/operation.ts'
import type { View } from '../../core/view.ts'
import { itemFile } from '../../store/layout.ts'
import { record } from './interventions.ts'
import { readItem } from './items.ts'

/** Queued items that wait for one, directly. */
export const dependentsOf = (view: View, kind: ItemKind, id: string): ItemEntry[] =>
  [...view.items.queued(kind)].filter((item) => item.dependsOn.includes(id))

/** All that wait for one directly or through others, each once, nearest first. */
export function allDependentsOf(view: View, kind: ItemKind, id: string): ItemEntry[] {
  const found = new Map<string, ItemEntry>()
  let waitedFor = new Set([id])
  while (waitedFor.size > 0) {
    const next = [...view.items.queued(kind)].filter(
      (item) => item.id !== id && !found.has(item.id) && item.dependsOn.some((one) => waitedFor.has(one)),
    )
    for (const item of next) found.set(item.id, item)
    waitedFor = new Set(next.map((item) => item.id))
  }
  return [...found.values()]
}

/** What each item waits for once its wait for `from` is turned to `to`; it never waits for itself. */
const turned = (item: ItemEntry, from: string, to: readonly string[]): string[] => [
  ...new Set(item.dependsOn.flatMap((id) => (id === from ? to.filter((one) => one !== item.id) : [id]))),
]

/**
 * Rewrites the documents of queued items so that they wait for `to` instead of `from`, with a record for each. `leaves`:
 * nothing can be waited for through `from` any more. Throws `dependency_cycle` where one would come to wait for itself.
 */
export function turnDependents(
  context: ChangeContext,
  draft: Draft,
  items: readonly ItemEntry[],
  { from, to, reason, leaves }: { from: string; to: readonly string[]; reason: string; leaves: boolean },
): void {
  const { view } = context
  const after = new Map(items.map((item) => [item.id, turned(item, from, to)]))
  for (const item of items) {
    const next = (id: string) =>
      after.get(id) ?? (leaves && id === from ? [] : view.items.find(item.kind, id).flatMap((place) => place.dependsOn))
    if (leadsTo(after.get(item.id)!, item.id, next))
      throw new MillraceError('dependency_cycle', `${item.kind} ${item.id} would come to wait for itself.`, {
        hint: `it would wait for ${after.get(item.id)!.join(', ')}; take that dependency away first`,
      })
  }
  for (const item of items) {
    const { kind, id, state } = item
    const { text, hash } = readItem(view, item)
    const own = to.filter((one) => one !== id)
    draft.add({ change: 'item.rewrite', kind, id, state, text: turnDependency(text, kind, from, own), hash })
    const path = itemFile(kind, id, state)
    record(context, draft, {
      action: 'retarget_dependency',
      event: 'task_dependency_retargeted',
      reason,
      work_item_kind: kind,
      work_item_id: id,
      source_state: state,
      destination_state: state,
      source_path: path,
      destination_path: path,
      before: { depends_on: item.dependsOn },
      after: { depends_on: after.get(id) },
    })
  }
}
