/**
 * The kept index of items. A folder is listed again when its mtime moved by other hands than ours; a document is read
 * when something first asks for what it says, and again at claim. Never trusted for a decision that moves a file.
 */
import * as path from 'node:path'
import { headOf } from '../core/document.ts'
import {
  claimOrder,
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
import { archiveFolders, itemFolder, type Places } from './layout.ts'

/** A document not written by us is taken once it has rested this long (design §5). */
export const QUIET_MS = 200
/** Only after resting this long is an unreadable one called malformed. */
export const MALFORMED_AFTER_MS = 2000
/** What is larger is no document; it is not even read, and stays where it lies. */
const READ_BYTES_MAX = 64 * 1024 * 1024

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
/** Archived names: `<id>.<stamp>.<hex>.<source state>.md` (spec 01 §4.18.4). */
const ARCHIVED = /^(.+)\.\d{8}T\d{6}Z\.[0-9a-f]{8}\.[a-z]+\.md$/

interface Slot {
  name: string
  id: string
  /** `unread`: not looked at. `settling`: may still be being written. `entry`: read. `invalid`: cannot be read. */
  status: 'unread' | 'settling' | 'entry' | 'invalid'
  entry: ItemEntry | null
  faults: string[]
  plain: boolean
  /** Size and mtime when last looked at, and when they were first seen (milliseconds since the epoch). */
  look: { bytes: number; mtimeNs: string; at: number } | null
  /** Stamp of the file the entry was read from; null if it may have changed since without another stamp. */
  stamp: string | null
}

interface Folder {
  kind: ItemKind
  state: ItemState
  /** Holds items that left for good, under names with a stamp. */
  archive: boolean
  /** Relative to the runtime root. */
  relative: string
  path: string
  /** Of the listing the slots come from, or of our last commit; null if there is no such folder. */
  mtimeNs: string | null
  /** To be listed again whatever its mtime. */
  unsure: boolean
  /** When to compare names once more after commits of ours, and when the first of them was. */
  check: { at: number; since: number } | null
  slots: Map<string, Slot>
  /** How many names there are for each case-folded one. */
  folded: Map<string, number>
  /** Entries in claim order; null until somebody asks. */
  sorted: ItemEntry[] | null
  /** How many documents were not as the derived copy says when they were read. */
  uncopied: number
}

/** A document that a transaction of ours wrote or took away. */
export interface WrittenItem {
  kind: ItemKind
  state: ItemState
  name: string
  gone: boolean
}

export type FolderTimes = ReadonlyMap<Folder, string | null>

export class ItemIndex implements Items {
  private readonly files: Files
  private readonly places: Places
  private readonly folders = new Map<string, Folder>()
  private readonly foldersOfKind = new Map<ItemKind, Folder[]>()
  private readonly nowMs: () => number
  /** How each queue is sorted, where an operator gave it an order. */
  private readonly orders = new Map<ItemKind, typeof claimOrder>()
  /** Folders with documents that may still be being written. */
  private readonly settling = new Set<Folder>()
  /** Folders that had documents which cannot be read when last looked through. */
  private readonly withInvalid = new Set<Folder>()
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
      const add = (key: string, state: ItemState, relative: string, archive: boolean) => {
        const listing = { mtimeNs: null, unsure: false, check: null, slots: new Map(), folded: new Map() }
        const at = { archive, relative, path: places.at(relative) }
        this.folders.set(key, { kind, state, ...at, ...listing, sorted: null, uncopied: 0 })
      }
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
      for (const slot of [...folder.slots.values()].filter(({ status }) => status === 'invalid'))
        this.rereadIfEdited(folder.kind, folder.state, slot.name)
    for (const folder of [...this.settling]) this.lookAgain(folder)
  }

  /** Reads a document again if it was edited in place, which leaves the mtime of its folder as it is. */
  rereadIfEdited(kind: ItemKind, state: ItemState, name: string): void {
    const folder = this.folder(kind, state)
    const slot = folder.slots.get(name)
    if (slot && slot.look !== null && this.isReplaced(folder, slot)) this.reread(kind, state, name)
  }

  /**
   * Reads one file again; for hints of a watcher and for what a claim found changed. One that is as it was when it was
   * looked at has rested since, whatever its time says.
   */
  reread(kind: ItemKind, state: ItemState, name: string): void {
    const folder = this.folder(kind, state)
    const slot = folder.slots.get(name)
    if (!slot) return
    this.drop(folder, slot)
    slot.status = 'unread'
    if (folder.sorted) this.read(folder, slot)
  }

  /** Folder mtimes before a transaction of ours; hand the result to `committed`. */
  before(): FolderTimes {
    return new Map([...this.folders.values()].map((folder) => [folder, this.files.stat(folder.path)?.mtimeNs ?? null]))
  }

  /** Takes over what a transaction of ours did, without listing folders that nobody else touched. */
  committed(before: FolderTimes, written: readonly WrittenItem[]): void {
    const touched = new Set<Folder>()
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
  private ownLook(folder: Folder, name: string): Slot['look'] {
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

  /** True if the id is taken in any state, whatever its case: file systems differ in what they call equal. */
  isTaken(kind: ItemKind, id: string): boolean {
    const folded = `${id}.md`.toLowerCase()
    return NAMED_STATES.some((state) => this.folder(kind, state).folded.has(folded))
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

  private foldersIn(kind: ItemKind, state: ItemState): Folder[] {
    return this.foldersOfKind.get(kind)!.filter((folder) => folder.state === state)
  }

  /** What a folder holds, in claim order. */
  private entries(folder: Folder): readonly ItemEntry[] {
    if (folder.sorted === null) {
      this.takeFromCopy(folder)
      for (const slot of folder.slots.values()) if (slot.status === 'unread') this.read(folder, slot)
      folder.sorted = [...folder.slots.values()].flatMap((slot) => slot.entry ?? []).sort(this.orderIn(folder))
    }
    return folder.sorted
  }

  /** Puts an order of the operator in force. */
  useOrder(order: QueueOrder): void {
    for (const kind of ITEM_KINDS) {
      this.orders.set(kind, claimOrderOf(order, kind))
      this.folder(kind, 'queued').sorted = null
    }
  }

  private orderIn({ kind, state }: Folder): typeof claimOrder {
    return (state === 'queued' ? this.orders.get(kind) : undefined) ?? claimOrder
  }

  /** Takes what the derived copy of a folder says of files that are as they were when it was written. */
  private takeFromCopy(folder: Folder): void {
    if (folder.slots.size < COPIED_MIN) return
    const copy = readCopy(this.files, this.places, folder.relative)
    let taken = 0
    for (const slot of folder.slots.values()) {
      const copied = copy.get(slot.name)
      if (copied === undefined || slot.status !== 'unread' || copied.head.id !== slot.id) continue
      const stat = this.files.stat(path.join(folder.path, slot.name))
      if (stat === null || stampOf(stat) !== copied.stamp) continue
      slot.entry = { kind: folder.kind, state: folder.state, ...copied.head }
      slot.status = 'entry'
      slot.stamp = copied.stamp
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
      const slots = [...folder.slots.values()].filter((slot) => slot.status === 'invalid')
      for (const { name: file, plain, faults } of slots) found.push({ kind, state, file, plain, faults })
      if (slots.length === 0) this.withInvalid.delete(folder)
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

  /** `reread`: other hands were here, so documents that changed under the names we know are read again. */
  private list(folder: Folder, mtimeNs: string | null, reread: boolean): void {
    this.listings += 1
    const found = this.files.list(folder.path) ?? []
    const names = new Set(found.filter((name) => name.endsWith('.md') && !name.startsWith('.')))
    for (const [name, slot] of folder.slots) {
      if (!names.has(name)) this.remove(folder, slot)
      else if (reread && slot.look !== null && this.isReplaced(folder, slot))
        this.reread(folder.kind, folder.state, name)
    }
    for (const name of names) if (!folder.slots.has(name)) this.add(folder, name, null)
    // A change within the clock's grain of the listing would leave the same mtime: such a folder is listed once more.
    folder.unsure = mtimeNs !== null && !(this.nowMs() - Number(mtimeNs) / 1e6 > QUIET_MS)
    folder.mtimeNs = mtimeNs
    folder.check = null
  }

  private isReplaced(folder: Folder, slot: Slot): boolean {
    const stat = this.files.stat(path.join(folder.path, slot.name))
    return stat !== null && (stat.bytes !== slot.look?.bytes || stat.mtimeNs !== slot.look.mtimeNs)
  }

  private add(folder: Folder, name: string, look: Slot['look']): void {
    const slot = newSlot(folder, name, look)
    folder.slots.set(name, slot)
    this.changes += 1
    const folded = name.toLowerCase()
    folder.folded.set(folded, (folder.folded.get(folded) ?? 0) + 1)
    if (folder.sorted) this.read(folder, slot)
  }

  private remove(folder: Folder, slot: Slot): void {
    this.drop(folder, slot)
    folder.slots.delete(slot.name)
    const folded = slot.name.toLowerCase()
    const left = (folder.folded.get(folded) ?? 1) - 1
    if (left === 0) folder.folded.delete(folded)
    else folder.folded.set(folded, left)
  }

  /** Reads and checks a document, unless it may still be being written. */
  private read(folder: Folder, slot: Slot): void {
    const file = path.join(folder.path, slot.name)
    const stat = this.files.stat(file)
    if (stat === null) return
    const now = this.nowMs()
    if (!this.hasRested(slot, stat, now, this.quietMs) && !this.showing) {
      slot.status = 'settling'
      this.settling.add(folder)
      return
    }
    const found = stat.kind === 'file' ? this.bytesOf(file, stat) : null
    if (found === null && stat.kind === 'file') return // gone since
    const bytes = typeof found === 'string' ? null : found
    slot.plain = bytes !== null || (found === null && this.leadsToFile(file))
    const head = bytes === null ? null : headOf(folder.kind, bytes)
    slot.faults = typeof found === 'string' ? [found] : faultsOf(slot, stat, head)
    if (slot.faults.length > 0 || !head?.ok) {
      slot.status = this.hasRested(slot, stat, now, MALFORMED_AFTER_MS) ? 'invalid' : 'settling'
      if (slot.status === 'settling') this.settling.add(folder)
      else this.withInvalid.add(folder)
      return
    }
    slot.entry = { kind: folder.kind, state: folder.state, ...head.head }
    slot.status = 'entry'
    slot.stamp = isSettled(stat, now) ? stampOf(stat) : null
    if (folder.sorted) folder.sorted.splice(place(folder.sorted, slot.entry, this.orderIn(folder)), 0, slot.entry)
  }

  /** Bytes of a document, or why it cannot be read, or null if it has gone. */
  private bytesOf(file: string, stat: FileStat): Uint8Array | string | null {
    if (stat.bytes > READ_BYTES_MAX) return `is larger than ${READ_BYTES_MAX} bytes`
    try {
      return this.files.read(file)
    } catch (error) {
      return `cannot be read: ${(error as Error).message}`
    }
  }

  private leadsToFile(link: string): boolean {
    const real = this.files.realpath(link)
    return real !== null && this.files.stat(real)?.kind === 'file'
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

  private lookAgain(folder: Folder): void {
    this.settling.delete(folder)
    for (const slot of [...folder.slots.values()].filter(({ status }) => status === 'settling')) {
      this.read(folder, slot)
      if (slot.status !== 'settling') this.arrivals += 1
    }
  }

  private drop(folder: Folder, slot: Slot): void {
    const entry = slot.entry
    slot.entry = null
    this.changes += 1
    if (!entry || !folder.sorted) return
    const at = place(folder.sorted, entry, this.orderIn(folder))
    if (folder.sorted[at] === entry) folder.sorted.splice(at, 1)
    else folder.sorted = folder.sorted.filter((other) => other !== entry)
  }
}

function newSlot({ archive }: Folder, name: string, look: Slot['look']): Slot {
  const archived = archive ? ARCHIVED.exec(name)?.[1] : undefined
  const id = archived ?? name.slice(0, -'.md'.length)
  return { name, id, status: 'unread', entry: null, faults: [], plain: true, look, stamp: null }
}

function faultsOf(slot: Slot, stat: FileStat, head: ReturnType<typeof headOf> | null): string[] {
  if (stat.kind === 'link') return ['is a symbolic link; put the document itself here']
  if (head === null) return ['is not a plain file']
  if (!head.ok) return head.faults.map(({ line, message }) => (line === null ? message : `line ${line}: ${message}`))
  if (head.head.id === slot.id) return []
  return [`the file is named ${slot.name} but the id in it is ${head.head.id}; they must agree`]
}

/** Index of the first element that does not come before `entry`. */
function place(sorted: readonly ItemEntry[], entry: ItemEntry, order: typeof claimOrder): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (order(sorted[middle]!, entry) < 0) low = middle + 1
    else high = middle
  }
  return low
}
