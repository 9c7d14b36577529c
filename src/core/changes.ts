/**
 * Changes: everything a decision may do to the workspace, as plain values. A list of them is one transaction; the
 * store lowers each to file operations. Nothing here says how, and nothing else may write.
 */
import { type Approval, type ApprovalStatus, approvalOf } from './approval.ts'
import type { Block } from './block.ts'
import type { Delivery, DeliveryState } from './delivery.ts'
import type { EventType } from './events.ts'
import type { ItemKind, ItemState, KeptState } from './item.ts'
import type { QueueOrder } from './queue-order.ts'
import {
  type ActiveRun,
  type ClosureTarget,
  type Counters,
  forgetCounters,
  IDLE_MARKER,
  type Snapshot,
} from './state.ts'
import type { View } from './view.ts'

/** Bytes as they travel in a plain value: UTF-8 text, or base64 where they are not. */
export type FileContent = { text: string } | { base64: string }

export type Change =
  /** A new document; the id must not exist in any state of its kind. */
  | { change: 'item.add'; kind: ItemKind; id: string; state: ItemState; text: string }
  /** `hash`: SHA-256 of the bytes the decision was taken on. */
  | { change: 'item.move'; kind: ItemKind; id: string; from: ItemState; to: KeptState; hash: string }
  /** Out of its queue for good, to `file` below the runtime root, a name of its own; its id is free again. */
  | { change: 'item.archive'; kind: ItemKind; id: string; from: ItemState; file: string; hash: string }
  | { change: 'item.rewrite'; kind: ItemKind; id: string; state: ItemState; text: string; hash: string }
  /** Removes a copy whose bytes also lie in another state of the same item (a completion that already happened). */
  | { change: 'item.drop_copy'; kind: ItemKind; id: string; state: ItemState; hash: string }
  /** A malformed document of a queue folder: renamed beside itself, findings written, nothing deleted. */
  | { change: 'item.set_aside'; kind: ItemKind; state: ItemState; file: string; hash: string; findings: string[] }
  /** Why an item is blocked; whatever takes the item out of its blocked state takes this record away as well. */
  | { change: 'block.put'; block: Block }
  | { change: 'state.set'; snapshot: Snapshot }
  | { change: 'counters.set'; counters: Counters }
  | { change: 'order.set'; order: QueueOrder }
  /** New text of millrace.toml. `hash`: of the bytes the decision was taken on, null if there was no such file. */
  | { change: 'config.set'; text: string; hash: string | null }
  /**
   * A file below the runtime root, byte for byte; what else lies there refuses the transaction. `hash`: of the bytes the
   * decision was taken on, null if there was no such file; these are kept at `keep`, where that is named.
   */
  | {
      change: 'file.put'
      path: string
      content: FileContent
      mode: number | null
      hash: string | null
      keep?: string | null
    }
  /** Carries a file that is no work document of any state to another name below the runtime root. */
  | { change: 'file.move'; from: string; to: string; hash: string }
  | { change: 'status.set'; plane: string; marker: string }
  | { change: 'closure.put'; target: ClosureTarget }
  /** A question to a person, where its status puts it: among the pending or the resolved ones. */
  | { change: 'approval.put'; approval: Approval }
  /** A file of a run folder; `file` is relative to it. */
  | { change: 'artifact.put'; run_id: string; file: string; text: string }
  /** A record file below the runtime root. `once`: leave an existing one alone. */
  | { change: 'document.put'; path: string; text: string; once?: boolean }
  /** A line of a JSON-lines file below the runtime root. */
  | { change: 'line.append'; path: string; record: Record<string, unknown> }
  | { change: 'event.append'; event_type: EventType; data: Record<string, unknown> }
  /** An outside effect, to be carried out once this transaction is durable. */
  | { change: 'delivery.add'; delivery: Delivery }
  /** What became of an attempt, or that there is to be another. `hash`: of the bytes the decision was taken on. */
  | { change: 'delivery.update'; from: DeliveryState; to: DeliveryState; delivery: Delivery; hash: string }
  /** Takes away the record of one that is over. */
  | { change: 'delivery.forget'; state: Exclude<DeliveryState, 'pending'>; delivery_id: string }
  /** Puts a JSON-lines file aside under a dated name; a transaction of its own, so that nothing is appended meanwhile. */
  | { change: 'log.rotate'; path: string }
  /** Takes a file or folder of ours away for good, with all that is in it; below the runtime root, under a name nobody uses again. */
  | { change: 'path.discard'; path: string }
  /** Takes away a command file whose command was carried out and archived before. */
  | { change: 'command.discard'; file: string }
  /** Carries a mailbox command to its archive; part of the transaction that carries the command out. */
  | {
      change: 'command.archive'
      file: string
      disposition: 'processed' | 'failed'
      result: Record<string, unknown>
      error: string | null
    }

export function event(event_type: EventType, data: Record<string, unknown> = {}): Change {
  return { change: 'event.append', event_type, data }
}

/**
 * A transaction in the making: the changed copies of snapshot and counters, and the changes beside them. Decisions
 * build one and hand over `finish()`; the view they were given stays as it was.
 */
export class Draft {
  readonly snapshot: Snapshot
  counters: Counters
  private readonly view: View
  private readonly changes: Change[] = []

  constructor(view: View) {
    this.view = view
    this.snapshot = { ...view.snapshot, active_runs: [...view.snapshot.active_runs], updated_at: view.now }
    this.counters = view.counters
  }

  add(...changes: Change[]): void {
    this.changes.push(...changes)
  }

  event(event_type: EventType, data: Record<string, unknown> = {}): void {
    this.changes.push(event(event_type, data))
  }

  /** Tells a standing fact once: again only after `digest` changed, or after `forget`. Returns whether it was told now. */
  announce(event_type: EventType, key: string, digest: string, data: Record<string, unknown>): boolean {
    const name = `${event_type}:${key}`
    if (this.snapshot.announced[name] === digest) return false
    this.snapshot.announced = { ...this.snapshot.announced, [name]: digest }
    this.event(event_type, data)
    return true
  }

  forget(event_type: EventType, key: string): void {
    const name = `${event_type}:${key}`
    const { [name]: _, ...rest } = this.snapshot.announced
    this.snapshot.announced = rest
  }

  /** Writes the status file of a plane; `token` without hashes. */
  mark(plane: string, token: string): void {
    const marker = `### ${token}`
    if (this.snapshot.status_markers_by_plane[plane] === marker) return
    this.snapshot.status_markers_by_plane = { ...this.snapshot.status_markers_by_plane, [plane]: marker }
    this.changes.push({ change: 'status.set', plane, marker })
  }

  putRun(run: ActiveRun): void {
    const at = this.snapshot.active_runs.findIndex((active) => active.run_id === run.run_id)
    if (at < 0) this.snapshot.active_runs.push(run)
    else this.snapshot.active_runs[at] = run
  }

  /** Puts an approval as it is now, and tells of its new status. */
  putApproval(approval: Approval): void {
    const { status, run_id, work_item_kind, work_item_id, node_id, capability_id, question } = approval
    const told = { approval_id: approval.approval_id, run_id, work_item_kind, work_item_id, node_id, capability_id }
    this.changes.push({ change: 'approval.put', approval })
    if (status === 'pending') this.event('approval_requested', { ...told, question, expires_at: approval.expires_at })
    else
      this.event('approval_resolved', {
        ...told,
        status,
        decided_by: approval.decided_by,
        reason: approval.decision_reason,
      })
  }

  /** Resolves the approval a run waits for, where nobody will answer it any more. */
  resolveApproval(run: ActiveRun, status: ApprovalStatus, reason: string): void {
    const approval = run.approval ? approvalOf(this.view, run.approval.approval_id) : null
    if (approval?.status !== 'pending') return
    this.putApproval({ ...approval, status, decided_at: this.view.now, decision_reason: reason })
  }

  /** Takes a run and its budgets off the books; its plane goes idle unless `token` says what it ended with. */
  endRun(run: ActiveRun, owner: { kind: string; id: string }, token: string | null): void {
    this.snapshot.active_runs = this.snapshot.active_runs.filter((active) => active.run_id !== run.run_id)
    this.counters = forgetCounters(this.counters, owner)
    this.resolveApproval(run, 'cancelled', 'its run has ended')
    this.mark(run.plane, token ?? IDLE_MARKER.slice(4))
  }

  get touched(): boolean {
    return (
      this.changes.length > 0 ||
      this.counters !== this.view.counters ||
      JSON.stringify({ ...this.snapshot, updated_at: '' }) !== JSON.stringify({ ...this.view.snapshot, updated_at: '' })
    )
  }

  /** The transaction; empty if nothing changed. */
  finish(): Change[] {
    if (!this.touched) return []
    return [
      ...this.changes,
      ...(this.counters === this.view.counters ? [] : [{ change: 'counters.set' as const, counters: this.counters }]),
      { change: 'state.set', snapshot: this.snapshot },
    ]
  }
}
