/** Finding the item a command means, and carrying it to another state. */
import type { Draft } from '../../core/changes.ts'
import { MillraceError } from '../../core/errors.ts'
import { requireSafeId } from '../../core/ids.ts'
import {
  ITEM_KINDS,
  type ItemEntry,
  type ItemKind,
  type ItemState,
  isItemKind,
  type KeptState,
} from '../../core/item.ts'
import { didYouMean, nearest } from '../../core/nearest.ts'
import { runOf } from '../../core/state.ts'
import type { ReadDocument, View } from '../../core/view.ts'
import { text, textOrNull } from './payload.ts'

/** The one place the item of a payload lies in; asks for the kind where the id is ambiguous. */
export const itemOf = (view: View, payload: Record<string, unknown>): ItemEntry =>
  findItem(view, text(payload, 'work_item_id'), kindOf(payload))

export function kindOf(payload: Record<string, unknown>): ItemKind | null {
  const kind = textOrNull(payload, 'work_item_kind')
  if (kind === null || isItemKind(kind)) return kind
  throw new MillraceError('usage', `${kind} is no kind of work item.`, { hint: `kinds: ${ITEM_KINDS.join(', ')}` })
}

export function findItem(view: View, id: string, kind: ItemKind | null): ItemEntry {
  requireSafeId(id, 'The work item id')
  const kinds = ITEM_KINDS.filter((one) => kind === null || one === kind)
  const places = kinds.flatMap((one) => view.items.find(one, id)).filter((place) => place.state !== 'cancelled')
  if (places.length === 0) {
    const near = nearest(id, namesOf(view, kinds))
    throw new MillraceError('item_unknown', `There is no ${kind ?? 'work item'} ${id}.`, {
      hint: didYouMean(near, `list them with \`millrace ${listing(kind)}\``),
    })
  }
  if (places.length > 1)
    throw new MillraceError(
      'item_duplicate',
      `${id} lies in several places: ${places.map((place) => `${place.kind} ${place.state}`).join(', ')}.`,
      { hint: 'name the kind with --kind, or move one of the files away' },
    )
  return places[0]!
}

const listing = (kind: ItemKind | null): string => (kind === 'incident' ? 'incidents' : 'queue ls')

const namesOf = (view: View, kinds: readonly ItemKind[]): string[] =>
  kinds.flatMap((kind) =>
    (['queued', 'active', 'blocked', 'quarantined'] as const).flatMap((state) => view.items.names(kind, state)),
  )

/** Refuses an item that is in none of the states, and says what would be accepted. */
export function requireState(view: View, item: ItemEntry, states: readonly ItemState[], what: string): void {
  const run = runOf(view.snapshot, item)
  // An item in its active folder that no run holds is nobody's: it may be taken where active ones may.
  if (states.includes(item.state) && (item.state !== 'active' || run === null)) return
  const accepted = states.filter((state) => state !== 'active').join(' or ')
  throw new MillraceError(
    'item_state',
    `${item.kind} ${item.id} is ${item.state}${run ? `, held by ${run.run_id}` : ''}; only ${accepted} items ${what}.`,
    run ? { hint: `end its run first with \`millrace control cancel ${run.run_id}\`` } : {},
  )
}

export function readItem(view: View, { kind, id, state }: ItemEntry): ReadDocument {
  const read = view.read(kind, id, state)
  if (read !== null) return read
  throw new MillraceError('conflict', `${kind} ${id} cannot be read just now.`, { hint: 'run the command again' })
}

export function moveItem(view: View, draft: Draft, item: ItemEntry, to: KeptState): void {
  const { hash } = readItem(view, item)
  draft.add({ change: 'item.move', kind: item.kind, id: item.id, from: item.state, to, hash })
}
