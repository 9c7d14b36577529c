/** Rows of the queue listing: order, what an item waits for, why it is blocked. Pure but for the event log it is handed. */
import type { RuntimeEvent } from '../../core/events.ts'
import type { ItemEntry, ItemKind, ItemState } from '../../core/item.ts'
import { ITEM_KINDS } from '../../core/item.ts'
import type { Plan } from '../../core/plan.ts'
import { type DependencyState, dependencyState, isDeferredByClosure } from '../../core/select.ts'
import { runOf } from '../../core/state.ts'
import type { View } from '../../core/view.ts'
import type { QueueRow } from '../schemas/queue.ts'

/** States in the order they are listed. */
const LISTED: readonly ItemState[] = ['active', 'queued', 'blocked', 'quarantined', 'done', 'cancelled']
/** Listed only when asked for. */
const FINISHED: readonly ItemState[] = ['done', 'cancelled']

interface RowChoice {
  all?: boolean | undefined
  kind?: ItemKind | undefined
  state?: ItemState | undefined
}

/** Items of the choice: by state, within one by plane and kind in the order of claims, within a kind the oldest first. */
export function listedItems(view: View, choice: RowChoice): ItemEntry[] {
  const states = choice.state ? [choice.state] : LISTED.filter((state) => choice.all || !FINISHED.includes(state))
  const kinds = choice.kind ? [choice.kind] : kindsInOrder(view.plan)
  return states.flatMap((state) => kinds.flatMap((kind) => view.items.inState(kind, state)))
}

function kindsInOrder(plan: Plan | null): ItemKind[] {
  const claimed = (plan?.claim_order.planes ?? []).flatMap((entry) => entry.kinds) as ItemKind[]
  return [...new Set([...claimed, ...ITEM_KINDS])]
}

/** `pathOf` gives the absolute path of an item, `reasons` why items are blocked by `<kind>:<id>`. */
export function rowOf(
  item: ItemEntry,
  view: View,
  pathOf: (item: ItemEntry) => string,
  reasons: ReadonlyMap<string, string>,
): QueueRow {
  const run = item.state === 'active' ? runOf(view.snapshot, item) : null
  return {
    work_item_kind: item.kind,
    work_item_id: item.id,
    state: item.state,
    title: item.title,
    created_at: item.createdAt,
    path: pathOf(item),
    root_spec_id: item.effectiveRoot,
    waits_for: waitsFor(item, view),
    deferred_by: deferredBy(item, view),
    duplicate_of: duplicates(item, view),
    run_id: run?.run_id ?? null,
    node_id: run?.node_id ?? null,
    approval_id: run?.status === 'awaiting_approval' ? (run.approval?.approval_id ?? null) : null,
    reason: item.state === 'blocked' ? (reasons.get(`${item.kind}:${item.id}`) ?? null) : null,
  }
}

/** Dependencies of a queued item that are not done. */
export function waitsFor(item: ItemEntry, view: View): { id: string; state: Exclude<DependencyState, 'done'> }[] {
  if (item.state !== 'queued') return []
  return item.dependsOn.flatMap((id) => {
    const state = dependencyState(item, id, view)
    return state === 'done' ? [] : [{ id, state }]
  })
}

/** The open closure target a queued root spec waits for. */
export function deferredBy(item: ItemEntry, view: View): string | null {
  if (item.state !== 'queued' || view.plan === null || !isDeferredByClosure(item, view, view.plan)) return null
  return view.targets.find((target) => target.closure_open)?.root_spec_id ?? null
}

/** Other states the id lies in. A cancelled item has left the queues; its id may be used again. */
function duplicates(item: ItemEntry, view: View): ItemState[] {
  if (item.state === 'cancelled') return []
  const places = view.items.find(item.kind, item.id).map((place) => place.state)
  return places.filter((state) => state !== item.state && state !== 'cancelled')
}

/** Why an item was blocked, as its event tells it; null for other events. */
export function blockedBy(event: RuntimeEvent): { key: string; reason: string; run_id: string | null } | null {
  if (event.event_type !== 'work_item_blocked') return null
  const { work_item_kind, work_item_id, reason, failure_class, run_id } = event.data
  const why = [reason, failure_class].filter((one) => typeof one === 'string' && one !== '')
  return {
    key: `${work_item_kind}:${work_item_id}`,
    reason: [...new Set(why)].join(', '),
    run_id: typeof run_id === 'string' ? run_id : null,
  }
}
