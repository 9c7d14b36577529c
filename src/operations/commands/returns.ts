/** The commands that set an item aside and bring it back: quarantine, release, retry. */
import { Draft } from '../../core/changes.ts'
import { MillraceError } from '../../core/errors.ts'
import type { EventType } from '../../core/events.ts'
import type { ItemEntry } from '../../core/item.ts'
import type { ChangeContext, ChangeOperation, ChangeOutcome } from '../../core/operation.ts'
import { requeueRecord } from '../../engine/ending.ts'
import { itemFile } from '../../store/layout.ts'
import { dependentsOf } from './dependents.ts'
import { named, passage, reasonOf, record } from './interventions.ts'
import { itemOf, moveItem, requireState } from './items.ts'
import { done, only, textOrNull } from './payload.ts'

export const quarantineWorkItem: ChangeOperation = (context, payload) => {
  only(payload, 'work_item_id', 'work_item_kind', 'reason')
  const { view } = context
  const item = itemOf(view, payload)
  requireState(view, item, ['queued', 'blocked'], 'can be set aside')
  const reason = reasonOf(payload, 'operator quarantined the item')
  const waiting = dependentsOf(view, item.kind, item.id).map(({ id }) => id)
  const file = itemFile(item.kind, item.id, 'quarantined')
  const draft = new Draft(view)
  moveItem(view, draft, item, 'quarantined')
  record(context, draft, {
    ...passage(item, 'quarantined', file),
    action: 'quarantine',
    event: 'work_item_quarantined',
    reason,
    affected_dependents: waiting,
  })
  const left = waiting.length > 0 ? `; still waiting for it: ${waiting.join(', ')}` : ''
  return done(draft, `quarantined ${item.kind} ${item.id}${left}`, {
    work_item_kind: item.kind,
    work_item_id: item.id,
    artifact_path: named(file),
    affected_dependents: waiting,
  })
}

export const releaseWorkItem: ChangeOperation = (context, payload) => {
  only(payload, 'work_item_id', 'work_item_kind', 'reason')
  const item = itemOf(context.view, payload)
  requireState(context.view, item, ['quarantined'], 'can be released')
  return requeue(context, item, {
    action: 'release',
    event: 'work_item_released',
    reason: reasonOf(payload, 'operator released the item'),
  })
}

export const retryWorkItem: ChangeOperation = (context, payload) => {
  only(payload, 'work_item_id', 'work_item_kind', 'reason', 'root_spec_id', 'force')
  const item = itemOf(context.view, payload)
  requireState(context.view, item, ['blocked', 'quarantined'], 'go back into the queue')
  const root = textOrNull(payload, 'root_spec_id')
  if (root !== null && root !== item.effectiveRoot)
    throw new MillraceError(
      'item_state',
      `${item.kind} ${item.id} belongs to ${item.effectiveRoot ?? 'no root spec'}, not to ${root}.`,
      { hint: 'leave --root-spec-id out, or name the right item' },
    )
  const event = item.kind === 'task' ? 'blocked_task_requeued' : null
  const told = item.state === 'quarantined' ? 'work_item_released' : event
  return requeue(context, item, { action: 'retry', event: told, reason: reasonOf(payload, 'operator requested retry') })
}

function requeue(
  context: ChangeContext,
  item: ItemEntry,
  intervention: { action: string; event: EventType | null; reason: string },
): ChangeOutcome {
  const { view } = context
  const draft = new Draft(view)
  moveItem(view, draft, item, 'queued')
  const file = itemFile(item.kind, item.id, 'queued')
  draft.add(...requeueRecord(item.kind, item.id, intervention.reason, view.now, item.state))
  record(context, draft, { ...passage(item, 'queued', file), ...intervention })
  draft.forget('runtime_tick_idle', 'runtime')
  for (const target of view.targets)
    if (target.held && target.root_spec_id === item.effectiveRoot)
      draft.add({ change: 'closure.put', target: { ...target, held: null } })
  return done(draft, `requeued ${item.kind} ${item.id}`, {
    work_item_kind: item.kind,
    work_item_id: item.id,
    artifact_path: named(file),
  })
}
