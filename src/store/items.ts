/**
 * The kept index of items. A folder is listed again when its mtime moved by other hands than ours; a document is read
 * when something first asks for what it says, and again at claim. Never trusted for a decision that moves a file.
 */
import * as path from 'node:path'
import { headOf } from '../core/document.ts'
import { claimOrder, ITEM_KINDS, type ItemEntry, type ItemKind, type ItemState, OPEN_STATES } from '../core/item.ts'
import type { Items } from '../core/view.ts'
import type { FileStat, Files } from './files.ts'
import { itemFolder, type Places } from './layout.ts'

/** A document not written by us is taken once it has rested this long (design §5). */
export const QUIET_MS = 200
/** Only after resting this long is an unreadable one called malformed. */
export const MALFORMED_AFTER_MS = 2000

const INDEXED_STATES: readonly ItemState[] = ['queued', 'active', 'done', 'blocked', 'cancelled', 'quarantined']
/** Archived names: `<id>.<stamp>.<hex>.<source state>.md` (spec 01 §4.18.4). */
const ARCHIVED = /^(.+)\.\d{8}T\d{6}Z\.[0-9a-f]{8}\.[a-z]+\.md$/

interface Slot {
  name: string
  id: string
  /** `unread`: not looked at. `settling`: may still be being written. `entry`: read. `invalid`: cannot be read. */
  status: 'unread' | 'settling' | 'entry' | 'invalid'
  entry: ItemEntry | null
  faults: string[]
  look: { bytes: number; mtimeNs: string; at: number } | null
}

interface Folder {
  kind: ItemKind
  state: ItemState
  path: string
  mtimeNs: string | null
  slots: Map<string, Slot>
  /** Entries in claim order; null until somebody asks. */
  sorted: ItemEntry[] | null
}

export interface InvalidItem {
  kind: ItemKind
  state: ItemState
  file: string
  faults: string[]
}

export class ItemIndex implements Items {
  private readonly files: Files
  private readonly folders = new Map<string, Folder>()
  private readonly nowMs: () => number
  /** Folders with documents that may still be being written. */
  private readonly settling = new Set<Folder>()

  constructor(files: Files, places: Places, nowMs: () => number) {
    this.files = files
    this.nowMs = nowMs
    for (const kind of ITEM_KINDS) {
      for (const state of INDEXED_STATES) {
        this.folders.set(`${kind}/${state}`, { kind, state, path: places.at(itemFolder(kind, state)), mtimeNs: null, slots: new Map(), sorted: null })
      }
    }
  }

  /** Lists folders that other hands changed. Cheap when nothing did: one stat a folder. */
  refresh(): void {
    for (const folder of this.folders.values()) {
      const mtimeNs = this.files.stat(folder.path)?.mtimeNs ?? null
      if (mtimeNs !== folder.mtimeNs) this.list(folder, mtimeNs)
    }
    for (const folder of [...this.settling]) this.lookAgain(folder)
  }

  /** Reads one file again; for hints of a watcher and for what a claim found changed. */
  reread(kind: ItemKind, state: ItemState, name: string): void {
    const folder = this.folder(kind, state)
    const slot = folder.slots.get(name)
    if (!slot) return
    this.drop(folder, slot)
    slot.status = 'unread'
    slot.look = null
    if (folder.sorted) this.read(folder, slot)
  }

  /** Forgets everything that was read but keeps names; every document is read again when asked for. */
  forgetContents(): void {
    for (const folder of this.folders.values()) {
      folder.sorted = null
      for (const slot of folder.slots.values()) {
        slot.status = 'unread'
        slot.entry = null
      }
    }
  }

  /** Folder mtimes before a transaction of ours; hand the result to `committed`. */
  before(): Map<Folder, string | null> {
    return new Map([...this.folders.values()].map((folder) => [folder, this.files.stat(folder.path)?.mtimeNs ?? null]))
  }

  /** Takes over what a transaction of ours did, without listing folders that nobody else touched. */
  committed(before: Map<Folder, string | null>, written: readonly { kind: ItemKind; state: ItemState; name: string; gone: boolean }[]): void {
    const touched = new Set<Folder>()
    for (const file of written) {
      const folder = this.folder(file.kind, file.state)
      touched.add(folder)
      const slot = folder.slots.get(file.name)
      if (slot) this.drop(folder, slot)
      if (file.gone) folder.slots.delete(file.name)
      else {
        const fresh = newSlot(file.name)
        folder.slots.set(file.name, fresh)
        if (folder.sorted) this.read(folder, fresh, true)
      }
    }
    for (const folder of touched) {
      const untouchedByOthers = before.get(folder) === folder.mtimeNs
      folder.mtimeNs = untouchedByOthers ? (this.files.stat(folder.path)?.mtimeNs ?? null) : null
    }
  }

  find(kind: ItemKind, id: string): readonly ItemEntry[] {
    return INDEXED_STATES.flatMap((state) => {
      if (state === 'cancelled') return this.inState(kind, state).filter((entry) => entry.id === id)
      const folder = this.folder(kind, state)
      const slot = folder.slots.get(`${id}.md`)
      if (!slot) return []
      if (slot.status === 'unread') this.read(folder, slot)
      return slot.entry ? [slot.entry] : []
    })
  }

  /** True if the id is taken in any state, whatever its case: file systems differ in what they call equal. */
  isTaken(kind: ItemKind, id: string): boolean {
    if ((['queued', 'active', 'done', 'blocked', 'quarantined'] as const).some((state) => this.folder(kind, state).slots.has(`${id}.md`))) return true
    const folded = `${id}.md`.toLowerCase()
    return (['queued', 'active', 'done', 'blocked'] as const).some((state) => [...this.folder(kind, state).slots.keys()].some((name) => name.toLowerCase() === folded))
  }

  queued(kind: ItemKind): Iterable<ItemEntry> {
    return this.inState(kind, 'queued')
  }

  inState(kind: ItemKind, state: ItemState): readonly ItemEntry[] {
    const folder = this.folder(kind, state)
    if (folder.sorted === null) {
      for (const slot of folder.slots.values()) if (slot.status === 'unread') this.read(folder, slot)
      folder.sorted = [...folder.slots.values()].flatMap((slot) => slot.entry ?? []).sort(claimOrder)
    }
    return folder.sorted
  }

  count(kind: ItemKind, state: ItemState): number {
    return this.folder(kind, state).slots.size
  }

  openLineage(root: string): readonly ItemEntry[] {
    return ITEM_KINDS.flatMap((kind) => OPEN_STATES.flatMap((state) => this.inState(kind, state).filter((entry) => entry.effectiveRoot === root)))
  }

  isSucceeded(item: ItemEntry): boolean {
    return this.inState('incident', 'done').some((incident) => incident.sourceIds.includes(item.id) && incident.createdMs >= item.createdMs)
  }

  /** Documents that cannot be read and have rested long enough to be called malformed. */
  invalid(): InvalidItem[] {
    const found: InvalidItem[] = []
    for (const folder of this.folders.values()) {
      for (const slot of folder.slots.values()) {
        if (slot.status === 'invalid') found.push({ kind: folder.kind, state: folder.state, file: slot.name, faults: slot.faults })
      }
    }
    return found
  }

  /** True while some document may still be being written, so that looking again soon is worth it. */
  get unsettled(): boolean {
    return this.settling.size > 0
  }

  private folder(kind: ItemKind, state: ItemState): Folder {
    return this.folders.get(`${kind}/${state}`)!
  }

  private list(folder: Folder, mtimeNs: string | null): void {
    const names = new Set((this.files.list(folder.path) ?? []).filter((name) => name.endsWith('.md') && !name.startsWith('.')))
    for (const [name, slot] of folder.slots) {
      if (names.has(name)) continue
      this.drop(folder, slot)
      folder.slots.delete(name)
    }
    for (const name of names) {
      if (folder.slots.has(name)) continue
      const slot = newSlot(name)
      folder.slots.set(name, slot)
      if (folder.sorted) this.read(folder, slot)
    }
    // A change within the clock's grain of the listing would leave the same mtime: such a folder is listed once more.
    folder.mtimeNs = mtimeNs !== null && this.nowMs() - Number(mtimeNs) / 1e6 > QUIET_MS ? mtimeNs : null
  }

  /** Reads and checks a document. `own`: written by us a moment ago, so nothing needs to settle. */
  private read(folder: Folder, slot: Slot, own = false): void {
    const file = path.join(folder.path, slot.name)
    const stat = this.files.stat(file)
    if (stat === null) return
    const now = this.nowMs()
    if (!own && !this.hasRested(slot, stat, now, QUIET_MS)) {
      slot.status = 'settling'
      this.settling.add(folder)
      return
    }
    const faults: string[] = []
    const bytes = stat.kind === 'file' ? this.files.read(file) : null
    if (stat.kind !== 'file') faults.push(stat.kind === 'link' ? 'is a symbolic link; put the document itself here' : 'is not a plain file')
    const head = bytes === null ? null : headOf(folder.kind, bytes)
    if (head && !head.ok) faults.push(...head.faults.map((fault) => (fault.line === null ? fault.message : `line ${fault.line}: ${fault.message}`)))
    if (head?.ok && head.head.id !== slot.id) faults.push(`the file is named ${slot.name} but the id in it is ${head.head.id}; they must agree`)
    if (faults.length > 0) {
      slot.faults = faults
      slot.status = this.hasRested(slot, stat, now, MALFORMED_AFTER_MS) ? 'invalid' : 'settling'
      if (slot.status === 'settling') this.settling.add(folder)
      return
    }
    if (!head?.ok) return
    slot.entry = { kind: folder.kind, state: folder.state, ...head.head }
    slot.status = 'entry'
    if (folder.sorted) folder.sorted.splice(place(folder.sorted, slot.entry), 0, slot.entry)
  }

  /** Same size and mtime for `ms`, by our own looks or because the file is older than that anyway. */
  private hasRested(slot: Slot, stat: FileStat, now: number, ms: number): boolean {
    const same = slot.look !== null && slot.look.bytes === stat.bytes && slot.look.mtimeNs === stat.mtimeNs
    if (!same) slot.look = { bytes: stat.bytes, mtimeNs: stat.mtimeNs, at: now }
    const watched = same ? now - slot.look!.at : 0
    const age = now - stat.mtimeMs
    return watched >= ms || (age >= ms * 5 && age < Number.POSITIVE_INFINITY)
  }

  private lookAgain(folder: Folder): void {
    this.settling.delete(folder)
    for (const slot of folder.slots.values()) if (slot.status === 'settling') this.read(folder, slot)
  }

  private drop(folder: Folder, slot: Slot): void {
    const entry = slot.entry
    slot.entry = null
    if (!entry || !folder.sorted) return
    const at = place(folder.sorted, entry)
    if (folder.sorted[at] === entry) folder.sorted.splice(at, 1)
    else folder.sorted = folder.sorted.filter((other) => other !== entry)
  }
}

function newSlot(name: string): Slot {
  return { name, id: ARCHIVED.exec(name)?.[1] ?? name.slice(0, -'.md'.length), status: 'unread', entry: null, faults: [], look: null }
}

/** Index of the first element that does not come before `entry`. */
function place(sorted: readonly ItemEntry[], entry: ItemEntry): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (claimOrder(sorted[middle]!, entry) < 0) low = middle + 1
    else high = middle
  }
  return low
}
