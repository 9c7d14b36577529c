/** The commands about what waits for what and who comes first: reordering a queue, turning a dependency. */
import { Draft } from '../../core/changes.ts'
import { problemsText } from '../../core/clip.ts'
import { MillraceError } from '../../core/errors.ts'
import { requireSafeId } from '../../core/ids.ts'
import { ITEM_KINDS, type ItemKind } from '../../core/item.ts'
import type { ChangeContext, ChangeOperation } from '../../core/operation.ts'
import { turnDependents } from './dependents.ts'
import { reasonOf, record } from './interventions.ts'
import { findItem, kindOf, requireState } from './items.ts'
import { done, only, text, unchanged } from './payload.ts'

/** Where the named items go: they are the whole queue, or come before or behind all others. */
const PLACES = ['all', 'first', 'last'] as const

export const reorderQueue: ChangeOperation = (context, payload) => {
  only(payload, 'work_item_ids', 'work_item_kind', 'place', 'reason')
  const { view } = context
  const ids = idsOf(payload)
  const place = text(payload, 'place', 'all')
  const kind = kindOf(payload) ?? kindOfAll(view, ids)
  const before = [...view.items.queued(kind)].map(({ id }) => id)
  const queued = new Set(before)
  const named = new Set(ids)
  const unknown = ids.filter((id) => !queued.has(id))
  const missing = place === 'all' ? before.filter((id) => !named.has(id)) : []
  if (unknown.length + missing.length > 0) throw mismatch(kind, unknown, missing)
  const others = before.filter((id) => !named.has(id))
  const after = place === 'last' ? [...others, ...ids] : [...ids, ...others]
  if (after.every((id, index) => id === before[index])) return unchanged(`the ${kind} queue has that order already`)
  const draft = new Draft(view)
  const ids_by_kind = { ...view.order.ids_by_kind, [kind]: after }
  draft.add({
    change: 'order.set',
    order: { ...view.order, ids_by_kind, updated_at: view.now, issuer: context.issuer },
  })
  record(context, draft, {
    action: 'reorder',
    event: 'queue_reordered',
    reason: reasonOf(payload, 'operator reordered the queue'),
    work_item_kind: kind,
    before: { ids: before },
    after: { ids: after },
  })
  return done(draft, `reordered ${after.length} queued ${kind} items; next is ${after[0]}`, { work_item_kind: kind })
}

function idsOf(payload: Record<string, unknown>): string[] {
  const ids = payload.work_item_ids
  if (!Array.isArray(ids) || ids.length === 0 || ids.some((id) => typeof id !== 'string'))
    throw new MillraceError('usage', 'The new order names no items.', { hint: 'list ids, first ones first' })
  const place = text(payload, 'place', 'all')
  if (!(PLACES as readonly string[]).includes(place))
    throw new MillraceError('mailbox_invalid', `The command takes one of ${PLACES.join(', ')} as place.`)
  for (const id of ids) requireSafeId(id, 'The work item id')
  const twice = [...new Set(ids.filter((id, index) => ids.indexOf(id) !== index))]
  if (twice.length === 0) return ids
  throw new MillraceError('order_invalid', `The new order names ${problemsText(twice)} more than once.`, {
    hint: 'name each item once',
  })
}

/** The kind of the ids, if one queue has them. */
function kindOfAll(view: ChangeContext['view'], ids: readonly string[]): ItemKind {
  const kinds = ITEM_KINDS.filter((kind) => {
    const queued = new Set(view.items.names(kind, 'queued'))
    return ids.some((id) => queued.has(id))
  })
  const [kind, other] = kinds
  if (kind === undefined)
    throw new MillraceError('order_invalid', `None of these is queued: ${problemsText(ids)}.`, {
      hint: 'see what is queued with `millrace queue ls --state queued`',
    })
  if (other === undefined) return kind
  throw new MillraceError('order_invalid', `These are ids of several queues: ${kinds.join(', ')}.`, {
    hint: 'name the queue with --kind, and only items of it',
  })
}

function mismatch(kind: ItemKind, unknown: readonly string[], missing: readonly string[]): MillraceError {
  const parts = [
    ...(unknown.length > 0 ? [`not queued: ${problemsText(unknown)}`] : []),
    ...(missing.length > 0 ? [`missing: ${problemsText(missing)}`] : []),
  ]
  return new MillraceError('order_invalid', `The order does not fit the ${kind} queue (${parts.join('; ')}).`, {
    hint: 'list every queued item once, or put some before the others with --first',
  })
}

export const retargetDependency: ChangeOperation = (context, payload) => {
  only(payload, 'work_item_id', 'from', 'to', 'reason')
  const { view } = context
  const item = findItem(view, text(payload, 'work_item_id'), 'task')
  requireState(view, item, ['queued'], 'have dependencies that can be turned')
  const [from, to] = [text(payload, 'from'), text(payload, 'to')]
  const uses = item.dependsOn.filter((id) => id === from).length
  if (uses !== 1)
    throw new MillraceError('item_state', `task ${item.id} names ${from} ${uses} times as a dependency, not once.`, {
      hint: `it waits for ${item.dependsOn.join(', ') || 'nothing'}`,
    })
  const target = findItem(view, to, 'task')
  requireState(view, target, ['queued', 'active', 'blocked', 'done'], 'can be waited for')
  const draft = new Draft(view)
  if (to === item.id) throw new MillraceError('dependency_cycle', `task ${to} cannot wait for itself.`)
  turnDependents(context, draft, [item], { from, to: [to], reason: reasonOf(payload), leaves: false })
  draft.forget('runtime_tick_idle', 'runtime')
  return done(draft, `task ${item.id} waits for ${to} instead of ${from}`, {
    work_item_kind: 'task',
    work_item_id: item.id,
  })
}
