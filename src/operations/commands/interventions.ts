/** The record of what an operator did to work: one line of the ledger and one event for each (spec 01 §4.18.4). */
import type { Draft } from '../../core/changes.ts'
import { MillraceError } from '../../core/errors.ts'
import type { EventType } from '../../core/events.ts'
import type { ItemEntry, ItemState } from '../../core/item.ts'
import type { ChangeContext } from '../../core/operation.ts'
import { AT, itemFile, RUNTIME_ROOT } from '../../store/layout.ts'
import { text } from './payload.ts'

export interface Intervention {
  action: string
  /** Null where another event tells of it already. */
  event: EventType | null
  reason: string
  work_item_kind?: string
  work_item_id?: string
  /** Where things stood and stand: a state, or a member of what was changed. Kept in the ledger only. */
  before: Record<string, unknown>
  after: Record<string, unknown>
  source_state?: string
  destination_state?: string
  /** Relative to the runtime root. */
  source_path?: string
  destination_path?: string
  replacement_work_item_id?: string
  affected_dependents?: readonly string[]
}

/** Adds the ledger line and the event to a transaction. */
export function record(context: ChangeContext, draft: Draft, intervention: Intervention): void {
  const { event, before, after, source_path, destination_path, ...given } = intervention
  const told = {
    schema_version: '1.0',
    kind: 'operator_intervention',
    work_item_kind: null,
    work_item_id: null,
    source_state: null,
    destination_state: null,
    replacement_work_item_id: null,
    affected_dependents: [],
    ...given,
    actor: context.issuer,
    issued_at: context.issuedAt,
    applied_at: context.view.now,
    source_path: source_path === undefined ? null : named(source_path),
    destination_path: destination_path === undefined ? null : named(destination_path),
  }
  draft.add({ change: 'line.append', path: AT.interventions, record: { ...told, before, after } })
  if (event !== null) draft.event(event, told)
}

/** A path below the runtime root as operators read it: relative to the workspace. */
export const named = (path: string): string => `${RUNTIME_ROOT}/${path}`

/** What the record says of an item that goes from where it lies to another state. */
export const passage = (
  item: ItemEntry,
  to: ItemState,
  file: string,
): Omit<Intervention, 'action' | 'event' | 'reason'> => ({
  work_item_kind: item.kind,
  work_item_id: item.id,
  source_state: item.state,
  destination_state: to,
  source_path: itemFile(item.kind, item.id, item.state),
  destination_path: file,
  before: { state: item.state },
  after: { state: to },
})

/** Why; a blank reason is none. `fallback`: what is recorded where nobody gave one. */
export function reasonOf(payload: Record<string, unknown>, fallback?: string): string {
  const given = payload.reason
  if (typeof given === 'string' ? given.trim() === '' : (given ?? fallback) === undefined)
    throw new MillraceError('usage', 'The change needs a reason that says something; it is kept in the record.', {
      hint: 'give one with --reason TEXT',
    })
  return text(payload, 'reason', fallback)
}
