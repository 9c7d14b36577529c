/** The commands about items in their queues: back into the queue, or out of it for good. */
import { type Change, Draft } from '../../core/changes.ts'
import { MillraceError } from '../../core/errors.ts'
import { requireSafeId } from '../../core/ids.ts'
import { ITEM_KINDS, type ItemEntry, type ItemState, isItemKind } from '../../core/item.ts'
import type { ChangeContext, ChangeOperation } from '../../core/operation.ts'
import { requeueRecord } from '../../engine/ending.ts'
import { AT } from '../../store/layout.ts'
import { done, only, text, textOrNull } from './payload.ts'

/** The one place an item lies in; asks for the kind where the id is ambiguous. */
function findItem(view: ChangeContext['view'], id: string, kind: string | null): ItemEntry {
  if (kind !== null && !isItemKind(kind))
    throw new MillraceError('usage', `${kind} is no kind of work item.`, { hint: `kinds: ${ITEM_KINDS.join(', ')}` })
  requireSafeId(id, 'The work item id')
  const places = ITEM_KINDS.filter((one) => kind === null || one === kind)
    .flatMap((one) => view.items.find(one, id))
    .filter((place) => place.state !== 'cancelled')
  if (places.length === 0)
    throw new MillraceError('item_unknown', `There is no work item ${id}.`, {
      hint: 'list them with `millrace queue ls`',
    })
  if (places.length > 1)
    throw new MillraceError(
      'item_ambiguous',
      `${id} lies in several places: ${places.map((place) => `${place.kind} ${place.state}`).join(', ')}.`,
      { hint: 'name the kind with --kind, or move one of the files away' },
    )
  return places[0]!
}

function moveItem(view: ChangeContext['view'], draft: Draft, item: ItemEntry, to: ItemState): void {
  const read = view.read(item.kind, item.id, item.state)
  if (read === null)
    throw new MillraceError('conflict', `${item.kind} ${item.id} cannot be read just now.`, {
      hint: 'run the command again',
    })
  draft.add({ change: 'item.move', kind: item.kind, id: item.id, from: item.state, to, hash: read.hash })
}

function intervention(
  view: ChangeContext['view'],
  action: string,
  reason: string,
  item: ItemEntry,
  to: string,
): Change {
  return {
    change: 'line.append',
    path: AT.interventions,
    record: {
      schema_version: '1.0',
      kind: 'operator_intervention',
      action,
      actor: 'operator',
      reason,
      applied_at: view.now,
      work_item_kind: item.kind,
      work_item_id: item.id,
      source_state: item.state,
      destination_state: to,
    },
  }
}

export const retryWorkItem: ChangeOperation = ({ view }, payload) => {
  only(payload, 'work_item_id', 'work_item_kind', 'reason')
  const item = findItem(view, text(payload, 'work_item_id'), textOrNull(payload, 'work_item_kind'))
  if (item.state !== 'blocked' && item.state !== 'quarantined')
    throw new MillraceError(
      'item_state',
      `${item.kind} ${item.id} is ${item.state}; only blocked or quarantined items go back into the queue.`,
    )
  const reason = text(payload, 'reason', 'operator requested retry')
  const draft = new Draft(view)
  moveItem(view, draft, item, 'queued')
  draft.add(
    ...requeueRecord(item.kind, item.id, reason, view.now, item.state),
    intervention(view, 'retry', reason, item, 'queued'),
  )
  draft.forget('runtime_tick_idle', 'runtime')
  for (const target of view.targets)
    if (target.held && target.root_spec_id === item.effectiveRoot)
      draft.add({ change: 'closure.put', target: { ...target, held: null } })
  return done(draft, `requeued ${item.kind} ${item.id}`, { work_item_kind: item.kind, work_item_id: item.id })
}

export const cancelWorkItem: ChangeOperation = ({ view }, payload) => {
  only(payload, 'work_item_id', 'work_item_kind', 'reason', 'force')
  const item = findItem(view, text(payload, 'work_item_id'), textOrNull(payload, 'work_item_kind'))
  if (item.state !== 'queued' && item.state !== 'blocked')
    throw new MillraceError(
      'item_state',
      `${item.kind} ${item.id} is ${item.state}; only queued or blocked items can be cancelled.`,
      { hint: item.state === 'active' ? 'end its run with `millrace control cancel RUN`' : '' },
    )
  const reason = text(payload, 'reason', 'operator cancelled the item')
  const waiting = [...view.items.queued(item.kind)]
    .filter((other) => other.dependsOn.includes(item.id))
    .map((other) => other.id)
  const draft = new Draft(view)
  moveItem(view, draft, item, 'cancelled')
  draft.add(intervention(view, 'cancel', reason, item, 'cancelled'))
  draft.event('work_item_cancelled', {
    work_item_kind: item.kind,
    work_item_id: item.id,
    source_state: item.state,
    reason,
    affected_dependents: waiting,
  })
  return done(
    draft,
    `cancelled ${item.kind} ${item.id}${waiting.length > 0 ? `; still waiting for it: ${waiting.join(', ')}` : ''}`,
    { work_item_kind: item.kind, work_item_id: item.id, affected_dependents: waiting },
  )
}
