/**
 * A workspace in memory: views made from documents, and transactions applied to them. It keeps the rules the store
 * keeps (a new id is free, a moved document has the bytes that were read), so that pure decisions can be followed on.
 */
import type { Change } from '../../src/core/changes.ts'
import { headOf } from '../../src/core/document.ts'
import { sha256 } from '../../src/core/ids.ts'
import {
  claimOrder,
  ITEM_KINDS,
  ITEM_STATES,
  type ItemEntry,
  type ItemKind,
  type ItemState,
  OPEN_STATES,
} from '../../src/core/item.ts'
import type { Plan } from '../../src/core/plan.ts'
import { claimOrderOf, newQueueOrder, type QueueOrder } from '../../src/core/queue-order.ts'
import { type ClosureTarget, type Counters, newCounters, newSnapshot, type Snapshot } from '../../src/core/state.ts'
import type { Items, ReadDocument, View } from '../../src/core/view.ts'
import { blockFile, RUNTIME_ROOT } from '../../src/store/layout.ts'

export const NOW = '2026-03-02T12:00:00.000Z'

const CONFIG = `${RUNTIME_ROOT}/millrace.toml`

/** Makes a value and everything in it unchangeable, so that a decision that alters its input fails. */
export function deepFreeze<T>(value: T): T {
  if (value !== null && typeof value === 'object' && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const member of Object.values(value)) deepFreeze(member)
  }
  return value
}

export interface Told {
  event_type: string
  data: Record<string, unknown>
}

export class MemoryWorkspace {
  now = NOW
  snapshot: Snapshot = newSnapshot(NOW)
  counters: Counters = newCounters()
  order: QueueOrder = newQueueOrder(NOW)
  plan: Plan | null
  readonly targets = new Map<string, ClosureTarget>()
  /** Texts by path below the workspace root. */
  readonly files = new Map<string, string>()
  /** Records of JSON-lines files by path below the runtime root. */
  readonly lines = new Map<string, Record<string, unknown>[]>()
  readonly events: Told[] = []
  /** Files of archived items, relative to the runtime root, by id. */
  readonly archived = new Map<string, string>()
  private readonly documents = new Map<string, string>()

  constructor(plan: Plan | null = null) {
    this.plan = plan
  }

  put(kind: ItemKind, state: ItemState, id: string, text: string): this {
    this.documents.set(`${kind}/${state}/${id}`, text)
    return this
  }

  /** States in which an id lies. */
  statesOf(kind: ItemKind, id: string): ItemState[] {
    return ITEM_STATES.filter((state) => this.documents.has(`${kind}/${state}/${id}`))
  }

  textOf(kind: ItemKind, state: ItemState, id: string): string | null {
    return this.documents.get(`${kind}/${state}/${id}`) ?? null
  }

  idsIn(kind: ItemKind, state: ItemState): string[] {
    const folder = `${kind}/${state}/`
    return [...this.documents.keys()].filter((key) => key.startsWith(folder)).map((key) => key.slice(folder.length))
  }

  /** Types of the events told so far, in order. */
  get told(): string[] {
    return this.events.map((event) => event.event_type)
  }

  /** A frozen view of how things stand now. */
  view(): View {
    const documents = new Map(this.documents)
    const files = new Map(this.files)
    const { plan } = this
    return deepFreeze({
      now: this.now,
      snapshot: structuredClone(this.snapshot),
      counters: structuredClone(this.counters),
      plan,
      planOf: (planId: string) => (plan?.compiled_plan_id === planId ? plan : null),
      targets: structuredClone([...this.targets.values()]),
      order: structuredClone(this.order),
      items: itemsOf(documents, this.order),
      read(kind: ItemKind, id: string, state: ItemState): ReadDocument | null {
        const text = documents.get(`${kind}/${state}/${id}`)
        return text === undefined ? null : { text, hash: sha256(text) }
      },
      readFile: (path: string) => files.get(path) ?? null,
      hashOf: (path: string) => (files.has(path) ? sha256(files.get(path)!) : null),
    })
  }

  /** Applies one transaction; throws where the store would refuse it. */
  commit(changes: readonly Change[]): void {
    for (const change of structuredClone(changes) as Change[]) this.apply(change)
  }

  private apply(change: Change): void {
    switch (change.change) {
      case 'item.add':
        if (this.statesOf(change.kind, change.id).length > 0) throw new Error(`${change.kind} ${change.id} exists`)
        this.put(change.kind, change.state, change.id, change.text)
        return
      case 'item.move': {
        if (this.textOf(change.kind, change.to, change.id) !== null)
          throw new Error(`${change.id} lies in ${change.to}`)
        const text = this.take(change.kind, change.from, change.id, change.hash)
        this.put(change.kind, change.to, change.id, text)
        return
      }
      case 'block.put': {
        const { work_item_kind: kind, work_item_id: id } = change.block
        this.files.set(`${RUNTIME_ROOT}/${blockFile(kind, id)}`, JSON.stringify(change.block))
        return
      }
      case 'item.archive':
        this.put(change.kind, 'cancelled', change.id, this.take(change.kind, change.from, change.id, change.hash))
        this.archived.set(change.id, change.file)
        return
      case 'item.rewrite':
        this.take(change.kind, change.state, change.id, change.hash)
        this.put(change.kind, change.state, change.id, change.text)
        return
      case 'order.set':
        this.order = change.order
        return
      case 'config.set':
        if ((this.view().hashOf(CONFIG) ?? null) !== change.hash) throw new Error('the config is not what was read')
        this.files.set(CONFIG, change.text)
        return
      case 'file.put': {
        const path = `${RUNTIME_ROOT}/${change.path}`
        if ((this.view().hashOf(path) ?? null) !== change.hash) throw new Error(`${path} is not what was read`)
        if (change.hash !== null && change.keep) this.files.set(`${RUNTIME_ROOT}/${change.keep}`, this.files.get(path)!)
        this.files.set(path, 'text' in change.content ? change.content.text : change.content.base64)
        return
      }
      case 'file.move': {
        const [from, to] = [`${RUNTIME_ROOT}/${change.from}`, `${RUNTIME_ROOT}/${change.to}`]
        if (this.view().hashOf(from) !== change.hash) throw new Error(`${from} is not what was read`)
        this.files.set(to, this.files.get(from)!)
        this.files.delete(from)
        return
      }
      case 'item.drop_copy':
        this.take(change.kind, change.state, change.id, change.hash)
        return
      case 'state.set':
        this.snapshot = change.snapshot
        return
      case 'counters.set':
        this.counters = change.counters
        return
      case 'closure.put':
        this.targets.set(change.target.root_spec_id, change.target)
        return
      case 'artifact.put':
        this.files.set(`${RUNTIME_ROOT}/runs/${change.run_id}/${change.file}`, change.text)
        return
      case 'document.put': {
        const path = `${RUNTIME_ROOT}/${change.path}`
        if (!change.once || !this.files.has(path)) this.files.set(path, change.text)
        return
      }
      case 'line.append':
        this.lines.set(change.path, [...(this.lines.get(change.path) ?? []), change.record])
        return
      case 'event.append':
        this.events.push({ event_type: change.event_type, data: change.data })
        return
      case 'status.set':
        return
      default:
        throw new Error(`${change.change} is not known here`)
    }
  }

  private take(kind: ItemKind, state: ItemState, id: string, hash: string): string {
    const text = this.textOf(kind, state, id)
    if (text === null || sha256(text) !== hash) throw new Error(`${kind} ${id} in ${state} is not what was read`)
    this.documents.delete(`${kind}/${state}/${id}`)
    return text
  }
}

function itemsOf(documents: ReadonlyMap<string, string>, order: QueueOrder): Items {
  const all = [...documents].map(([key, text]) => entryOf(key, text))
  const inState = (kind: ItemKind, state: ItemState) =>
    all
      .filter((entry) => entry.kind === kind && entry.state === state)
      .sort(state === 'queued' ? claimOrderOf(order, kind) : claimOrder)
  return {
    find: (kind, id) => all.filter((entry) => entry.kind === kind && entry.id === id),
    queued: (kind) => inState(kind, 'queued'),
    names: (kind, state) => inState(kind, state).map(({ id }) => id),
    inState,
    count: (kind, state) => inState(kind, state).length,
    openLineage: (root) =>
      ITEM_KINDS.flatMap((kind) =>
        OPEN_STATES.flatMap((state) => inState(kind, state).filter((entry) => entry.effectiveRoot === root)),
      ),
    invalid: () => [],
    isSucceeded: (item) =>
      inState('incident', 'done').some(
        (incident) => incident.sourceIds.includes(item.id) && incident.createdMs >= item.createdMs,
      ),
  }
}

function entryOf(key: string, text: string): ItemEntry {
  const [kind, state, id] = key.split('/') as [ItemKind, ItemState, string]
  const read = headOf(kind, new TextEncoder().encode(text))
  if (!read.ok || read.head.id !== id) throw new Error(`${key} is no document of that id: ${JSON.stringify(read)}`)
  return { kind, state, ...read.head }
}
