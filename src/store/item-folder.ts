/**
 * One folder of items as the index knows it: the names in it, what was read of each, and in which order they come. It
 * keeps what it is told and looks at no disk; items.ts does.
 */
import * as path from 'node:path'
import { claimOrder, type ItemEntry, type ItemHead, type ItemKind, type ItemState } from '../core/item.ts'

/** Archived names: `<id>.<stamp>.<hex>.<source state>.md` (spec 01 §4.18.4). */
const ARCHIVED = /^(.+)\.\d{8}T\d{6}Z\.[0-9a-f]{8}\.[a-z]+\.md$/

/** One document of a folder. */
export interface Slot {
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

export class ItemFolder {
  readonly kind: ItemKind
  readonly state: ItemState
  /** Holds items that left for good, under names with a stamp. */
  readonly archive: boolean
  /** Relative to the runtime root. */
  readonly relative: string
  readonly path: string
  /** Of the listing the slots come from, or of our last commit; null if there is no such folder. */
  mtimeNs: string | null = null
  /** To be listed again whatever its mtime. */
  unsure = false
  /** When to compare names once more after commits of ours, and when the first of them was. */
  check: { at: number; since: number } | null = null
  /** How many documents were not as the derived copy says when they were read. */
  uncopied = 0
  readonly slots = new Map<string, Slot>()
  /** How many names there are for each case-folded one. */
  private readonly folded = new Map<string, number>()
  private order = claimOrder
  /** Entries in order; null until somebody asks. */
  private sorted: ItemEntry[] | null = null

  constructor(kind: ItemKind, state: ItemState, archive: boolean, relative: string, absolute: string) {
    this.kind = kind
    this.state = state
    this.archive = archive
    this.relative = relative
    this.path = absolute
  }

  pathOf({ name }: Slot): string {
    return path.join(this.path, name)
  }

  slotsThatAre(status: Slot['status']): Slot[] {
    return [...this.slots.values()].filter((slot) => slot.status === status)
  }

  /** True if the name is there, whatever its case: file systems differ in what they call equal. */
  hasName(name: string): boolean {
    return this.folded.has(name.toLowerCase())
  }

  /** Whether somebody asked for the entries, so that what comes must be read to be among them. */
  get isSorted(): boolean {
    return this.sorted !== null
  }

  /** The entries in order, of all that was read so far. */
  entries(): readonly ItemEntry[] {
    this.sorted ??= [...this.slots.values()].flatMap((slot) => slot.entry ?? []).sort(this.order)
    return this.sorted
  }

  /** Puts another order in force. */
  sortBy(order: typeof claimOrder): void {
    this.order = order
    this.sorted = null
  }

  /** A name that came. */
  add(name: string, look: Slot['look']): Slot {
    const archived = this.archive ? ARCHIVED.exec(name)?.[1] : undefined
    const id = archived ?? name.slice(0, -'.md'.length)
    const slot: Slot = { name, id, status: 'unread', entry: null, faults: [], plain: true, look, stamp: null }
    this.slots.set(name, slot)
    const folded = name.toLowerCase()
    this.folded.set(folded, (this.folded.get(folded) ?? 0) + 1)
    return slot
  }

  /** A name that went, with what was read of it. */
  remove(slot: Slot): void {
    this.forget(slot)
    this.slots.delete(slot.name)
    const folded = slot.name.toLowerCase()
    const left = (this.folded.get(folded) ?? 1) - 1
    if (left === 0) this.folded.delete(folded)
    else this.folded.set(folded, left)
  }

  /** Takes what a document says among the entries. */
  keep(slot: Slot, head: ItemHead, stamp: string | null): void {
    const entry = { kind: this.kind, state: this.state, ...head }
    slot.entry = entry
    slot.status = 'entry'
    slot.stamp = stamp
    this.sorted?.splice(this.placeOf(entry, this.sorted), 0, entry)
  }

  /** Takes what a document said from among the entries. */
  forget(slot: Slot): void {
    const entry = slot.entry
    slot.entry = null
    if (!entry || !this.sorted) return
    const at = this.placeOf(entry, this.sorted)
    if (this.sorted[at] === entry) this.sorted.splice(at, 1)
    else this.sorted = this.sorted.filter((other) => other !== entry)
  }

  /** Index of the first element that does not come before `entry`. */
  private placeOf(entry: ItemEntry, sorted: readonly ItemEntry[]): number {
    let low = 0
    let high = sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.order(sorted[middle]!, entry) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
