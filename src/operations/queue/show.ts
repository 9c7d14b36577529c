/** One work item in full: what its document says, and what keeps it where it lies. */
import { MillraceError } from '../../core/errors.ts'
import { ITEM_KINDS, type ItemEntry, type ItemKind } from '../../core/item.ts'
import { didYouMean, nearest } from '../../core/nearest.ts'
import { runOf } from '../../core/state.ts'
import type { View } from '../../core/view.ts'
import type { Files } from '../../store/files.ts'
import { type Context, placesIn } from '../context.ts'
import type { QueueShowOutput } from '../schemas/queue.ts'
import type { Presence } from '../why/presence.ts'
import { prospectIn } from '../why/recovery.ts'
import { standsBefore } from '../why/standing.ts'
import { itemIds, lastBlocked, placesOfItem, readDocument, requireOneKind } from './find.ts'
import { deferredBy, waitsFor } from './rows.ts'

export function showItem(
  context: Context,
  view: View,
  files: Files,
  { work_item_id: id, kind }: { work_item_id: string; kind?: ItemKind },
  presence: Presence,
): QueueShowOutput {
  const places = placesIn(context)
  const kinds = kind === undefined ? ITEM_KINDS : [kind]
  const found = kinds.flatMap((one) => placesOfItem(files, places, one, id))
  const [place] = found
  if (place === undefined) throw unknown(view, id, kinds)
  requireOneKind(id, found)
  const { document, faults, text } = readDocument(files, place)
  const entry = view.items.find(place.kind, id).find((one) => one.state === place.state)
  const run = runOf(view.snapshot, { kind: place.kind, id })
  const blocked = place.state === 'blocked' ? lastBlocked(files, places, { kind: place.kind, id }) : null
  return {
    work_item_id: id,
    work_item_kind: place.kind,
    work_item_state: place.state,
    path: place.path,
    title: document?.title ?? null,
    fields: document?.fields ?? {},
    body: document?.body ?? text,
    faults,
    also_in: found.slice(1).flatMap((one) => (one.state === 'invalid' ? [] : [one.state])),
    waits_for: entry ? waitsFor(entry, view) : [],
    deferred_by: entry ? deferredBy(entry, view) : null,
    stands_before:
      entry?.state === 'queued' ? standsBefore(entry, view, presence).map(({ code, fact }) => ({ code, fact })) : [],
    run_id: run?.run_id ?? blocked?.run_id ?? null,
    node_id: run?.node_id ?? null,
    reason: blocked?.reason ?? null,
    auto_requeue_at: entry?.state === 'blocked' ? autoRequeueAt(entry, view, presence) : null,
  }
}

function autoRequeueAt(item: ItemEntry, view: View, presence: Presence): string | null {
  const dueMs = prospectIn(item, view, presence)?.dueMs ?? null
  return dueMs === null ? null : new Date(dueMs).toISOString()
}

function unknown(view: View, id: string, kinds: readonly ItemKind[]): MillraceError {
  return new MillraceError('item_unknown', `There is no ${kinds.length === 1 ? kinds[0] : 'work item'} ${id}.`, {
    hint: didYouMean(nearest(id, itemIds(view, kinds)), 'list what there is with `millrace queue ls --all`'),
  })
}
