/** One work item in full: finds its document in whatever state it lies, reads it, and says what keeps it there. */
import { faultsText, parseDocumentBytes, type WorkDocument } from '../../core/document.ts'
import { MillraceError } from '../../core/errors.ts'
import { ITEM_KINDS, ITEM_STATES, type ItemKind, type ItemState } from '../../core/item.ts'
import { nearest } from '../../core/nearest.ts'
import type { View } from '../../core/view.ts'
import { tailEvents } from '../../store/event-log.ts'
import { type Files, readText } from '../../store/files.ts'
import { archiveFolders, itemFolder, type Places } from '../../store/layout.ts'
import { type Context, placesIn } from '../context.ts'
import type { QueueShowOutput } from '../schemas/queue.ts'
import type { Presence } from '../why/presence.ts'
import { standsBefore } from '../why/standing.ts'
import { blockedBy, deferredBy, waitsFor } from './rows.ts'

interface Place {
  kind: ItemKind
  state: ItemState | 'invalid'
  /** Absolute. */
  path: string
}

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
  const rivals = [...new Set(found.map((one) => one.kind))]
  if (rivals.length > 1) {
    throw new MillraceError('item_ambiguous', `${id} is the id of a ${rivals.join(' and of a ')}.`, {
      hint: `say which: --kind ${rivals[0]}`,
    })
  }
  const { document, faults, text } = readDocument(files, place)
  const entry = view.items.find(place.kind, id).find((one) => one.state === place.state)
  const run = view.snapshot.active_runs.find((one) => one.work_item_kind === place.kind && one.work_item_id === id)
  const blocked = place.state === 'blocked' ? lastBlocked(files, places, `${place.kind}:${id}`) : null
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
  }
}

/** Every place the id of a kind lies in, those that ask for work first. */
export function placesOfItem(files: Files, places: Places, kind: ItemKind, id: string): Place[] {
  const found: Place[] = []
  for (const state of ITEM_STATES) {
    const path = places.at(`${itemFolder(kind, state)}/${id}.md`)
    if (state !== 'cancelled' && files.stat(path) !== null) found.push({ kind, state, path })
    for (const { folder } of archiveFolders(kind).filter((archive) => archive.state === state)) {
      const archived = (files.list(places.at(folder)) ?? []).filter((name) => name.startsWith(`${id}.`)).sort()
      for (const name of archived.reverse()) {
        if (ARCHIVED.test(name.slice(id.length))) found.push({ kind, state, path: places.at(`${folder}/${name}`) })
      }
    }
  }
  if (found.length > 0) return found
  const queue = itemFolder(kind, 'queued')
  const aside = (files.list(places.at(queue)) ?? []).filter(
    (name) => SET_ASIDE.test(name.slice(id.length)) && name.startsWith(id),
  )
  return aside.sort().map((name) => ({ kind, state: 'invalid', path: places.at(`${queue}/${name}`) }))
}

/** What follows the id in the name of an archived document (spec 01 §4.18.4), and of one set aside. */
const ARCHIVED = /^(\.\d{8}T\d{6}Z\.[0-9a-f]{8}\.[a-z]+)?\.md$/
const SET_ASIDE = /^\.md\.invalid(\.\d+)?$/

export function readDocument(
  files: Files,
  place: Place,
): { document: WorkDocument | null; faults: string[]; text: string } {
  if (files.stat(place.path)?.kind !== 'file') return { document: null, faults: ['is not a plain file'], text: '' }
  const parsed = parseDocumentBytes(place.kind, files.read(place.path) ?? new Uint8Array())
  if (parsed.ok) return { document: parsed.document, faults: [], text: '' }
  const faults = parsed.faults.map((fault) => faultsText([fault]))
  try {
    return { document: null, faults, text: readText(files, place.path) ?? '' }
  } catch {
    return { document: null, faults, text: '' }
  }
}

function lastBlocked(files: Files, places: Places, key: string): ReturnType<typeof blockedBy> {
  const [event] = tailEvents(files, places, 1, (one) => blockedBy(one)?.key === key).events
  return event ? blockedBy(event) : null
}

function unknown(view: View, id: string, kinds: readonly ItemKind[]): MillraceError {
  const known = kinds.flatMap((kind) =>
    ITEM_STATES.flatMap((state) => view.items.inState(kind, state).map((item) => item.id)),
  )
  const near = nearest(id, known)
  return new MillraceError('item_unknown', `There is no ${kinds.length === 1 ? kinds[0] : 'work item'} ${id}.`, {
    hint: near === null ? 'list what there is with `millrace queue ls --all`' : `did you mean ${near}?`,
  })
}
