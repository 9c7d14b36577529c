/**
 * The kept index of items. A folder is listed again when its mtime moved by other hands than ours; a document is read
 * when something first asks for what it says, and again at claim. Never trusted for a decision that moves a file.
 */
import * as path from 'node:path'
import {
  type InvalidItem,
  ITEM_KINDS,
  type ItemEntry,
  type ItemKind,
  type ItemState,
  type KeptState,
  OPEN_STATES,
} from '../core/item.ts'
import { claimOrderOf, type QueueOrder } from '../core/queue-order.ts'
import type { Items } from '../core/view.ts'
import { isSettled, stampOf } from './derived.ts'
import type { FileStat, Files } from './files.ts'
import { type CopiedItem, readCopy } from './item-copy.ts'
import { ItemFolder, type Slot } from './item-folder.ts'
import { archiveFolders, itemFolder, type Places } from './layout.ts'
import { readItem } from './read-item.ts'

/** A document not written by us is taken once it has rested this long (design §5). */
export const QUIET_MS = 200
/** Only after resting this long is an unreadable one called malformed. */
export const MALFORMED_AFTER_MS = 2000

/**
 * A file dropped in while a commit of ours changed the same folder hides behind our own mtime: names are compared again
 * once the folder has rested this long, or at the latest after the second figure.
 */
const CHECK_AFTER_MS = 1000
const CHECK_AFTER_MS_MAX = 10_000

/** A folder of fewer documents than this is read at once anyway. */
const COPIED_MIN = 64
/** A copy is written again once it is this many documents behind. */
export const COPIED_AGAIN_AFTER = 32

/** States whose names are ids; an archived item leaves its id free. */
const NAMED_STATES: readonly KeptState[] = ['queued', 'active', 'done', 'blocked', 'quarantined']

/** A document that a transaction of ours wrote or took away. */
export interface WrittenItem {
  kind: ItemKind
  state: ItemState
  name: string
  gone: boolean
}

export type FolderTimes = ReadonlyMap<ItemFolder, string | null>

export class ItemIndex implements Items {
  private readonly files: Files
  private readonly places: Places
  private readonly folders = new Map<string, ItemFolder>()
  private readonly foldersOfKind = new Map<ItemKind, ItemFolder[]>()
  private readonly nowMs: () => number
  /** Folders with documents that may still be being written. */
  private readonly settling = new Set<ItemFolder>()
  /** Folders that had documents which cannot be read when last looked through. */
  private readonly withInvalid = new Set<ItemFolder>()
  /** How long a document must have rested to be read, in milliseconds. */
  quietMs = QUIET_MS
  /** How often a folder was listed: unchanged as long as nobody but us touches any. */
  listings = 0
  /** How many documents came, went or were to be read again, from the first listing on: what derived copies may lack. */
  changes = 0
  /** How many documents have come to rest while they were waited for: each may be what is to be done next. */
  arrivals = 0
  /** Only shows what is there, so it need not wait for documents to rest. */
  private readonly showing: boolean

  /** `showing`: for a reader that looks once and decides nothing; it takes a document as soon as it can be read. */
  constructor(files: Files, places: Places, nowMs: () => number, { showing = false } = {}) {
    this.files = files
    this.places = places
    this.nowMs = nowMs
    this.showing = showing
    for (const kind of ITEM_KINDS) {
      const add = (key: string, state: ItemState, relative: string, archive: boolean) =>
        this.folders.set(key, new ItemFolder(kind, state, archive, relative, this.places.at(relative)))
      for (const state of NAMED_STATES) add(`${kind}/${state}`, state, itemFolder(kind, state), false)
      for (const { folder, state } of archiveFolders(kind)) add(`${kind}/${folder}`, state, folder, true)
      this.foldersOfKind.set(
        kind,
        [...this.folders.values()].filter((folder) => folder.kind === kind),
      )
    }
  }

  /** Lists folders that other hands changed. Cheap when nothing did: one stat a folder. */
  refresh(): void {
    const now = this.nowMs()
    for (const folder of this.folders.values()) {
      const mtimeNs = this.files.stat(folder.path)?.mtimeNs ?? null
      const moved = mtimeNs !== folder.mtimeNs
      const due = folder.check !== null && (now >= folder.check.at || now < folder.check.since)
      if (moved || folder.unsure || due) this.list(folder, mtimeNs, moved)
    }
    for (const folder of this.withInvalid)
      for (const slot of folder.slotsThatAre('invalid')) if (this.isEdited(folder, slot)) this.readAgain(folder, slot)
    for (const folder of [...this.settling]) this.lookAgain(folder)
  }

  /** Reads a document again if it was edited in place, which leaves the mtime of its folder as it is. */
  rereadIfEdited(kind: ItemKind, state: KeptState, name: string): void {
    const folder = this.folder(kind, state)
    const slot = folder.slots.get(name)
    if (slot && this.isEdited(folder, slot)) this.readAgain(folder, slot)
  }

  /** Reads one file again; for hints of a watcher and for what a claim found changed. */
  reread(kind: ItemKind, state: KeptState, name: string): void {
    const folder = this.folder(kind, state)
    const slot = folder.slots.get(name)
    if (slot) this.readAgain(folder, slot)
  }

  /** A document that is as it was when it was looked at has rested since, whatever its time says. */
  private readAgain(folder: ItemFolder, slot: Slot): void {
    this.changes += 1
    folder.forget(slot)
    slot.status = 'unread'
    if (folder.isSorted) this.read(folder, slot)
  }

  /** Folder mtimes before a transaction of ours; hand the result to `committed`. */
  before(): FolderTimes {
    return new Map([...this.folders.values()].map((folder) => [folder, this.files.stat(folder.path)?.mtimeNs ?? null]))
  }

  /** Takes over what a transaction of ours did, without listing folders that nobody else touched. */
  committed(before: FolderTimes, written: readonly WrittenItem[]): void {
    const touched = new Set<ItemFolder>()
    for (const file of written) {
      const folder = this.folder(file.kind, file.state)
      touched.add(folder)
      const slot = folder.slots.get(file.name)
      if (slot) this.remove(folder, slot)
      if (!file.gone) this.add(folder, file.name, this.ownLook(folder, file.name))
    }
    const now = this.nowMs()
    for (const folder of touched) {
      // Touched by others as well: the older mtime stays, so that the next look lists the folder and reads what changed.
      if (before.get(folder) === folder.mtimeNs) folder.mtimeNs = this.files.stat(folder.path)?.mtimeNs ?? null
      const since = folder.check?.since ?? now
      folder.check = { at: Math.min(now + CHECK_AFTER_MS, since + CHECK_AFTER_MS_MAX), since }
    }
  }

  /** What we wrote a moment ago needs no rest, until somebody else changes it. */
  private ownLook(folder: ItemFolder, name: string): Slot['look'] {
    const stat = this.files.stat(path.join(folder.path, name))
    return stat === null ? null : { bytes: stat.bytes, mtimeNs: stat.mtimeNs, at: Number.NEGATIVE_INFINITY }
  }

  /** Asked for every dependency of every waiting item on every pass, so it passes empty folders over. */
  find(kind: ItemKind, id: string): readonly ItemEntry[] {
    const found: ItemEntry[] = []
    for (const folder of this.foldersOfKind.get(kind)!) {
      if (folder.slots.size === 0) continue
      if (folder.archive) {
        // What an operator resolved has left its id free, and nothing waits for it.
        if (folder.state === 'cancelled')
          for (const entry of this.entries(folder)) if (entry.id === id) found.push(entry)
        continue
      }
      const slot = folder.slots.get(`${id}.md`)
      if (slot?.status === 'unread') this.read(folder, slot)
      if (slot?.entry) found.push(slot.entry)
    }
    return found
  }

  /** True if the id is taken in any state, whatever its case. */
  isTaken(kind: ItemKind, id: string): boolean {
    return NAMED_STATES.some((state) => this.folder(kind, state).hasName(`${id}.md`))
  }

  queued(kind: ItemKind): Iterable<ItemEntry> {
    return this.inState(kind, 'queued')
  }

  inState(kind: ItemKind, state: ItemState): readonly ItemEntry[] {
    const [first, ...more] = this.foldersIn(kind, state).map((folder) => this.entries(folder))
    return more.length === 0 ? (first ?? []) : [first ?? [], ...more].flat()
  }

  names(kind: ItemKind, state: KeptState): readonly string[] {
    return [...this.folder(kind, state).slots.values()].map((slot) => slot.id)
  }

  private foldersIn(kind: ItemKind, state: ItemState): ItemFolder[] {
    return this.foldersOfKind.get(kind)!.filter((folder) => folder.state === state)
  }

  /** What a folder holds, in order; reads what nobody has read yet. */
  private entries(folder: ItemFolder): readonly ItemEntry[] {
    if (!folder.isSorted) {
      this.takeFromCopy(folder)
      for (const slot of folder.slotsThatAre('unread')) this.read(folder, slot)
    }
    return folder.entries()
  }

  /** Puts an order of the operator in force. */
  useOrder(order: QueueOrder): void {
    for (const kind of ITEM_KINDS) this.folder(kind, 'queued').sortBy(claimOrderOf(order, kind))
  }

  /** Takes what the derived copy of a folder says of files that are as they were when it was written. */
  private takeFromCopy(folder: ItemFolder): void {
    if (folder.slots.size < COPIED_MIN) return
    const copy = readCopy(this.files, this.places, folder.relative)
    let taken = 0
    for (const slot of folder.slots.values()) {
      const copied = copy.get(slot.name)
      if (copied === undefined || slot.status !== 'unread' || copied.head.id !== slot.id) continue
      const stat = this.files.stat(folder.pathOf(slot))
      if (stat === null || stampOf(stat) !== copied.stamp) continue
      folder.keep(slot, copied.head, copied.stamp)
      slot.look = { bytes: stat.bytes, mtimeNs: stat.mtimeNs, at: Number.NEGATIVE_INFINITY }
      taken += 1
    }
    folder.uncopied = Math.max(folder.slots.size, copy.size) - taken
  }

  /**
   * What the derived copies should hold, of folders whose copy is behind by enough to matter. `isWhole`: nothing was left
   * out because it changed a moment ago. Reads what no copy has.
   */
  *copiesBehind(): Iterable<{ folder: string; items: CopiedItem[]; isWhole: boolean }> {
    for (const folder of this.folders.values()) {
      if (folder.slots.size < COPIED_MIN || this.entries(folder).length < COPIED_MIN) continue
      if (folder.uncopied < COPIED_AGAIN_AFTER) continue
      const items: CopiedItem[] = []
      let isWhole = true
      for (const { name, entry, stamp } of folder.slots.values()) {
        if (entry === null) continue
        const { kind, state, ...head } = entry
        if (stamp === null) isWhole = false
        else items.push({ name, stamp, head })
      }
      yield { folder: folder.relative, items, isWhole }
    }
  }

  count(kind: ItemKind, state: ItemState): number {
    return this.foldersIn(kind, state).reduce((total, folder) => total + folder.slots.size, 0)
  }

  openLineage(root: string): readonly ItemEntry[] {
    return ITEM_KINDS.flatMap((kind) =>
      OPEN_STATES.flatMap((state) => this.inState(kind, state).filter((entry) => entry.effectiveRoot === root)),
    )
  }

  isSucceeded(item: ItemEntry): boolean {
    return this.inState('incident', 'done').some(
      (incident) => incident.sourceIds.includes(item.id) && incident.createdMs >= item.createdMs,
    )
  }

  /** Documents that cannot be read and have rested long enough to be called malformed. */
  invalid(): InvalidItem[] {
    const found: InvalidItem[] = []
    for (const folder of [...this.folders.values()].filter((one) => this.withInvalid.has(one))) {
      const { kind, state } = folder
      const slots = folder.slotsThatAre('invalid')
      for (const { name: file, plain, faults } of slots) found.push({ kind, state, file, plain, faults })
      if (slots.length === 0) this.withInvalid.delete(folder)
    }
    return found
  }

  /** True while some document may still be being written, so that looking again soon is worth it. */
  get unsettled(): boolean {
    return this.settling.size > 0
  }

  private folder(kind: ItemKind, state: ItemState): ItemFolder {
    return this.folders.get(`${kind}/${state}`)!
  }

  /** `reread`: other hands were here, so documents that changed under the names we know are read again. */
  private list(folder: ItemFolder, mtimeNs: string | null, reread: boolean): void {
    this.listings += 1
    const found = this.files.list(folder.path) ?? []
    const names = new Set(found.filter((name) => name.endsWith('.md') && !name.startsWith('.')))
    for (const [name, slot] of folder.slots) {
      if (!names.has(name)) this.remove(folder, slot)
      else if (reread && this.isEdited(folder, slot)) this.readAgain(folder, slot)
    }
    for (const name of names) if (!folder.slots.has(name)) this.add(folder, name, null)
    // A change within the clock's grain of the listing would leave the same mtime: such a folder is listed once more.
    folder.unsure = mtimeNs !== null && !(this.nowMs() - Number(mtimeNs) / 1e6 > QUIET_MS)
    folder.mtimeNs = mtimeNs
    folder.check = null
  }

  /** Whether the file is another one than when it was looked at. */
  private isEdited(folder: ItemFolder, { name, look }: Slot): boolean {
    if (look === null) return false
    const stat = this.files.stat(path.join(folder.path, name))
    return stat !== null && (stat.bytes !== look.bytes || stat.mtimeNs !== look.mtimeNs)
  }

  private add(folder: ItemFolder, name: string, look: Slot['look']): void {
    const slot = folder.add(name, look)
    this.changes += 1
    if (folder.isSorted) this.read(folder, slot)
  }

  private remove(folder: ItemFolder, slot: Slot): void {
    this.changes += 1
    folder.remove(slot)
  }

  /** Reads and checks a document, unless it may still be being written. */
  private read(folder: ItemFolder, slot: Slot): void {
    const file = folder.pathOf(slot)
    const stat = this.files.stat(file)
    if (stat === null) return
    const now = this.nowMs()
    if (!this.hasRested(slot, stat, now, this.quietMs) && !this.showing) {
      slot.status = 'settling'
      this.settling.add(folder)
      return
    }
    const reading = readItem(this.files, folder.kind, file, slot.id, stat)
    if (reading === null) return
    slot.plain = reading.plain
    slot.faults = reading.faults
    if (reading.head === null) {
      slot.status = this.hasRested(slot, stat, now, MALFORMED_AFTER_MS) ? 'invalid' : 'settling'
      if (slot.status === 'settling') this.settling.add(folder)
      else this.withInvalid.add(folder)
      return
    }
    folder.keep(slot, reading.head, isSettled(stat, now) ? stampOf(stat) : null)
  }

  /**
   * Same size and mtime for `ms`, by our own looks or because the file is much older than that anyway. A first look that
   * lies ahead is from before the clock was set back, and says nothing of how long it was since.
   */
  private hasRested(slot: Slot, stat: FileStat, now: number, ms: number): boolean {
    const { look } = slot
    const same = look?.bytes === stat.bytes && look.mtimeNs === stat.mtimeNs && look.at <= now
    if (!same) slot.look = { bytes: stat.bytes, mtimeNs: stat.mtimeNs, at: now }
    const watched = same ? now - slot.look!.at : 0
    return watched >= ms || now - stat.mtimeMs >= ms * (this.showing ? 1 : 5)
  }

  private lookAgain(folder: ItemFolder): void {
    this.settling.delete(folder)
    for (const slot of folder.slotsThatAre('settling')) {
      this.read(folder, slot)
      if (slot.status !== 'settling') this.arrivals += 1
    }
  }
}
