/** The commands by which an item leaves its queue for good: cancelled, archived, superseded, resolved by an operator. */
import { Draft } from '../../core/changes.ts'
import { MillraceError } from '../../core/errors.ts'
import type { EventType } from '../../core/events.ts'
import { requireSafeId } from '../../core/ids.ts'
import type { ItemEntry, ItemState } from '../../core/item.ts'
import type { ChangeContext, ChangeOperation, ChangeOutcome } from '../../core/operation.ts'
import { type Archive, archiveFile } from '../../store/layout.ts'
import { allDependentsOf, dependentsOf, turnDependents } from './dependents.ts'
import { named, passage, reasonOf, record } from './interventions.ts'
import { findItem, itemOf, readItem, requireState } from './items.ts'
import { done, only, text } from './payload.ts'

/** What becomes of queued items that wait for one that leaves. */
const CASCADES = ['none', 'retarget', 'cancel'] as const
type Cascade = (typeof CASCADES)[number]

interface Departure {
  action: string
  event: EventType
  archive: Archive
  reason: string
  cascade: Cascade
  /** What takes its place for those that wait for it. */
  replacement: string | null
}

export const cancelWorkItem: ChangeOperation = (context, payload) => {
  only(payload, 'work_item_id', 'work_item_kind', 'reason', 'cascade', 'force')
  const item = itemOf(context.view, payload)
  requireState(context.view, item, ['queued', 'blocked'], 'can be cancelled')
  return depart(context, item, {
    action: 'cancel',
    event: 'work_item_cancelled',
    archive: 'cancelled',
    reason: reasonOf(payload, 'operator cancelled the item'),
    cascade: cascadeOf(payload),
    replacement: null,
  })
}

export const archiveBlocked: ChangeOperation = (context, payload) => {
  only(payload, 'work_item_id', 'reason')
  const item = findItem(context.view, text(payload, 'work_item_id'), 'task')
  requireState(context.view, item, ['blocked'], 'can be archived so')
  return depart(context, item, {
    action: 'archive_blocked_task',
    event: 'blocked_task_archived',
    archive: 'cancelled',
    reason: reasonOf(payload, 'operator archived the blocked task'),
    cascade: 'none',
    replacement: null,
  })
}

export const supersedeTask: ChangeOperation = (context, payload) => {
  only(payload, 'work_item_id', 'replacement', 'reason', 'cascade')
  const { view } = context
  const item = findItem(view, text(payload, 'work_item_id'), 'task')
  requireState(view, item, ['queued', 'blocked'], 'can be superseded')
  const replacement = text(payload, 'replacement')
  requireReplacement(context, item, replacement)
  return depart(context, item, {
    action: 'supersede',
    event: 'task_superseded',
    archive: 'superseded',
    reason: reasonOf(payload),
    cascade: cascadeOf(payload),
    replacement,
  })
}

function requireReplacement({ view }: ChangeContext, item: ItemEntry, id: string): void {
  requireSafeId(id, 'The replacement')
  if (id === item.id)
    throw new MillraceError('item_state', `${id} cannot replace itself.`, { hint: 'name another task' })
  const place = findItem(view, id, item.kind)
  if (place.state === 'queued' || place.state === 'active' || place.state === 'done') return
  throw new MillraceError('item_state', `${item.kind} ${id} is ${place.state} and cannot replace another.`, {
    hint: 'a replacement is queued, active or done',
  })
}

/** Incidents leave from where an operator finds them: incoming, blocked, or active and held by no run. */
function incident(departure: Omit<Departure, 'reason' | 'cascade' | 'replacement'>, what: string): ChangeOperation {
  return (context, payload) => {
    only(payload, 'work_item_id', 'reason')
    const item = findItem(context.view, text(payload, 'work_item_id'), 'incident')
    requireState(context.view, item, ['queued', 'active', 'blocked'], what)
    return depart(context, item, { ...departure, reason: reasonOf(payload), cascade: 'none', replacement: null })
  }
}

export const resolveIncident = incident(
  { action: 'resolve_incident', event: 'incident_resolved_by_operator', archive: 'operator' },
  'can be resolved',
)
export const cancelIncident = incident(
  { action: 'cancel_incident', event: 'incident_cancelled', archive: 'cancelled' },
  'can be cancelled',
)

function cascadeOf(payload: Record<string, unknown>): Cascade {
  const wanted = text(payload, 'cascade', 'none')
  if ((CASCADES as readonly string[]).includes(wanted)) return wanted as Cascade
  throw new MillraceError('usage', `${JSON.stringify(wanted)} is no way to treat what waits for the item.`, {
    hint: `it is one of: ${CASCADES.join(', ')}`,
  })
}

/** What is said of the act itself. */
const DONE: Readonly<Record<Archive, string>> = {
  cancelled: 'cancelled',
  superseded: 'superseded',
  operator: 'resolved',
}

function depart(context: ChangeContext, item: ItemEntry, departure: Departure): ChangeOutcome {
  const { view } = context
  const { cascade, replacement, reason } = departure
  const draft = new Draft(view)
  const direct = dependentsOf(view, item.kind, item.id)
  const affected = cascade === 'cancel' ? allDependentsOf(view, item.kind, item.id) : direct
  const file = archive(context, draft, item, departure, affected)
  if (cascade === 'retarget' && affected.length > 0)
    turnDependents(context, draft, affected, {
      from: item.id,
      to: replacement === null ? item.dependsOn : [replacement],
      reason: `${item.id} was ${DONE[departure.archive]}: ${reason}`,
      leaves: true,
    })
  if (cascade === 'cancel')
    for (const dependent of affected)
      archive(context, draft, dependent, {
        ...departure,
        action: 'cancel',
        event: 'work_item_cancelled',
        archive: 'cancelled',
        reason: `${item.id} was ${DONE[departure.archive]}: ${reason}`,
        replacement: null,
      })
  draft.forget('runtime_tick_idle', 'runtime')
  const ids = affected.map(({ id }) => id)
  const by = replacement === null ? '' : ` by ${replacement}`
  return done(draft, `${DONE[departure.archive]} ${item.kind} ${item.id}${by}${fate(cascade, ids)}`, {
    work_item_kind: item.kind,
    work_item_id: item.id,
    artifact_path: named(file),
    affected_dependents: ids,
    ...(replacement === null ? {} : { replacement_work_item_id: replacement }),
  })
}

/** What becomes of those that wait for it, in words. */
function fate(cascade: Cascade, ids: readonly string[]): string {
  if (ids.length === 0) return ''
  switch (cascade) {
    case 'none':
      return `; still waiting for it: ${ids.join(', ')}`
    case 'retarget':
      return `; no longer waiting for it: ${ids.join(', ')}`
    case 'cancel':
      return `; cancelled with it: ${ids.join(', ')}`
  }
}

/** Gives the file it is kept in, relative to the runtime root. */
function archive(
  { hex, ...context }: ChangeContext,
  draft: Draft,
  item: ItemEntry,
  departure: Departure,
  affected: readonly ItemEntry[] = [],
): string {
  const { kind, id, state } = item
  const file = archiveFile(item, departure.archive, context.view.now, hex)
  draft.add({ change: 'item.archive', kind, id, from: state, file, hash: readItem(context.view, item).hash })
  const to: ItemState = departure.archive === 'operator' ? 'done' : 'cancelled'
  record({ hex, ...context }, draft, {
    ...passage(item, to, file),
    action: departure.action,
    event: departure.event,
    reason: departure.reason,
    destination_state: DONE[departure.archive],
    affected_dependents: affected.map((one) => one.id),
    ...(departure.replacement === null ? {} : { replacement_work_item_id: departure.replacement }),
  })
  return file
}
