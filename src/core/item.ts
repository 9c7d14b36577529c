/** Work item kinds and states. The folder of an item is its state; nothing else says where it stands. */

export const ITEM_STATES = ['queued', 'active', 'done', 'blocked', 'cancelled', 'quarantined'] as const
export type ItemState = (typeof ITEM_STATES)[number]

/** States in which the file of an item is named after its id; whatever is cancelled gets a name with a stamp. */
export type KeptState = Exclude<ItemState, 'cancelled'>

/** States in which an item still asks for work of its lineage. */
export const OPEN_STATES: readonly ItemState[] = ['queued', 'active', 'blocked']

export const ITEM_KINDS = ['task', 'spec', 'incident', 'probe', 'learning_request'] as const
export type ItemKind = (typeof ITEM_KINDS)[number]

export function isItemKind(value: string): value is ItemKind {
  return (ITEM_KINDS as readonly string[]).includes(value)
}

/** What the index keeps of one document; the document itself is read again whenever something is decided about it. */
export interface ItemEntry {
  kind: ItemKind
  id: string
  state: ItemState
  title: string
  createdAt: string
  createdMs: number
  dependsOn: readonly string[]
  rootSpecId: string | null
  rootIdeaId: string | null
  /** Root spec by the rules of lineage (spec 01 §2.12), whether or not the document names one. */
  effectiveRoot: string | null
  /** Items this one was opened on account of (an incident names its source task or spec). */
  sourceIds: readonly string[]
}

/** What a document itself says of its item; kind and state are told by where it lies. */
export type ItemHead = Omit<ItemEntry, 'kind' | 'state'>

/** Order in which one queue is claimed: oldest first, then by id. */
export function claimOrder(a: ItemEntry, b: ItemEntry): number {
  return a.createdMs - b.createdMs || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

/** A document of a queue folder that cannot be read. */
export interface InvalidItem {
  kind: ItemKind
  state: ItemState
  file: string
  /** False for what cannot be read and moved as a document can: a folder, a link to nowhere, a file too large. */
  plain: boolean
  faults: string[]
}
