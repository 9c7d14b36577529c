/** The view: one consistent read of the workspace, on which every decision is taken. Implemented by the store. */
import type { InvalidItem, ItemEntry, ItemKind, ItemState, KeptState } from './item.ts'
import type { Plan } from './plan.ts'
import type { QueueOrder } from './queue-order.ts'
import type { ClosureTarget, Counters, Snapshot } from './state.ts'

export interface ReadDocument {
  text: string
  /** SHA-256 of the bytes. */
  hash: string
}

export interface Items {
  /** Every place an id of a kind lies in. More than one is a finding. */
  find(kind: ItemKind, id: string): readonly ItemEntry[]
  /** Items of a queue in claim order. */
  queued(kind: ItemKind): Iterable<ItemEntry>
  /** Items of any state, in claim order. */
  inState(kind: ItemKind, state: ItemState): readonly ItemEntry[]
  count(kind: ItemKind, state: ItemState): number
  /** Ids that documents of a state are named after, whether or not the documents were looked at. */
  names(kind: ItemKind, state: KeptState): readonly string[]
  /** Open items (queued, active, blocked) whose effective root is `root`. */
  openLineage(root: string): readonly ItemEntry[]
  /** True if a finished incident was opened on account of the item, so that others carried its work on. */
  isSucceeded(item: ItemEntry): boolean
  /** Documents that were looked at and cannot be read. */
  invalid(): readonly InvalidItem[]
}

export interface View {
  /** ISO time of the read. */
  now: string
  snapshot: Snapshot
  counters: Counters
  /** The plan new runs start under; null before the first compile. */
  plan: Plan | null
  /** The plan a run was started under; null if it is gone. */
  planOf(planId: string): Plan | null
  targets: readonly ClosureTarget[]
  order: QueueOrder
  items: Items
  /** Reads a document afresh; null if it is not there (any more) or not readable as text. */
  read(kind: ItemKind, id: string, state: ItemState): ReadDocument | null
  /** Reads a text file below the workspace root; null if absent or not text. */
  readFile(path: string): string | null
  /** SHA-256 of a file below the workspace root; null if there is no such plain file. */
  hashOf(path: string): string | null
}
