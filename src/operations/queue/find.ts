/** Finding the document of an item in whatever state it lies, and reading it. */
import { faultsText, parseDocumentBytes, type WorkDocument } from '../../core/document.ts'
import { MillraceError } from '../../core/errors.ts'
import { ITEM_STATES, type ItemEntry, type ItemKind, type ItemState } from '../../core/item.ts'
import type { View } from '../../core/view.ts'
import { tailEvents } from '../../store/event-log.ts'
import { type Files, readText } from '../../store/files.ts'
import { archiveFolders, itemFolder, type Places, SET_ASIDE } from '../../store/layout.ts'
import { blockedBy } from './rows.ts'

export interface Place {
  kind: ItemKind
  state: ItemState | 'invalid'
  /** Absolute. */
  path: string
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
    (name) => SET_ASIDE.test(name) && name.replace(SET_ASIDE, '') === id,
  )
  return aside.sort().map((name) => ({ kind, state: 'invalid', path: places.at(`${queue}/${name}`) }))
}

/** What follows the id in the name of an archived document (spec 01 §4.18.4). */
const ARCHIVED = /^(\.\d{8}T\d{6}Z\.[0-9a-f]{8}\.[a-z]+)?\.md$/

/** `text` is that of a document that cannot be understood, as far as it is text. */
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

/** The newest event that tells why an item was blocked, whenever that was. */
export function lastBlocked(files: Files, places: Places, { kind, id }: Pick<ItemEntry, 'kind' | 'id'>) {
  const [event] = tailEvents(files, places, 1, (one) => blockedBy(one)?.key === `${kind}:${id}`).events
  const told = event === undefined ? null : blockedBy(event)
  if (event === undefined || told === null) return null
  return { event: event.event_type, at: event.occurred_at, reason: told.reason, run_id: told.run_id }
}

/** Refuses an id that items of several kinds have. */
export function requireOneKind(id: string, found: readonly { kind: ItemKind }[]): void {
  const kinds = [...new Set(found.map((one) => one.kind))]
  if (kinds.length < 2) return
  throw new MillraceError('item_ambiguous', `${id} is the id of a ${kinds.join(' and of a ')}.`, {
    hint: `say which: --kind ${kinds[0]}`,
  })
}

/** Ids of every item there is, for guessing what was meant. */
export const itemIds = (view: View, kinds: readonly ItemKind[]): string[] =>
  kinds.flatMap((kind) => ITEM_STATES.flatMap((state) => view.items.inState(kind, state).map((item) => item.id)))
