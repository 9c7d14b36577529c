/**
 * The workspace: read → decide → commit (design §5). A reader sees one consistent state without any lock; a writer
 * holds the lock, keeps its view in memory and commits transactions. Nothing outside the store writes runtime files.
 */
import type { Change } from '../core/changes.ts'
import type { Clock } from '../core/clock.ts'
import type { MillraceError } from '../core/errors.ts'
import type { Plan } from '../core/plan.ts'
import type { Snapshot } from '../core/state.ts'
import type { View } from '../core/view.ts'
import { readConsistently } from './consistent.ts'
import { type Files, hashBytes } from './files.ts'
import { guarded } from './guarded.ts'
import { keepItemCopies } from './item-copies.ts'
import { COPIED_AGAIN_AFTER, ItemIndex } from './items.ts'
import { Journal } from './journal.ts'
import { AT, journalFile, type Places, placesOf } from './layout.ts'
import { type LockState, lockState, type Processes } from './lock.ts'
import { lower } from './lower.ts'
import { adoptRecord } from './pending.ts'
import { requireKnownFormat } from './state-format.ts'
import { endHolder, type Lock, takeLock } from './take-lock.ts'
import { readState, type State, snapshotRevision, viewOf } from './view.ts'

export interface WorkspacePorts {
  files: Files
  clock: Clock
  processes: Processes
}

/** Reads `read(view)` on one consistent state, without a lock (design §5, *Reading*). */
export function readWorkspace<T>(
  ports: WorkspacePorts,
  workspaceRoot: string,
  read: (view: View, files: Files) => T,
): { value: T; retries: number } {
  const { files, clock } = ports
  const places = placesOf(workspaceRoot)
  let retries = -1
  const value = readConsistently(files, places, (through) => {
    retries += 1
    const index = new ItemIndex(through, places, () => clock.now().getTime(), { showing: true })
    index.refresh()
    const state = readState(through, places)
    index.useOrder(state.order)
    return read(viewOf(state, through, places, index, clock), through)
  })
  return { value, retries }
}

/** What applying a transaction met of other hands; to be told as an event by the next one. */
export interface Notice {
  event_type: 'foreign_edit_kept' | 'event_log_gap'
  data: Record<string, unknown>
}

export interface OpenOptions {
  /** End a holder that lives here, and succeed one of whom nothing can be proven. */
  force?: boolean
  /** Ends the process when a commit could neither be made nor taken back. */
  onFatal: (error: MillraceError) => never
}

/** A workspace open for writing: the holder of the lock. */
export class Workspace {
  readonly files: Files
  readonly places: Places
  readonly lock: Lock
  readonly recovered: 'clean' | 'applied' | 'retired' | 'torn'
  readonly index: ItemIndex
  private readonly clock: Clock
  private readonly journal: Journal
  private readonly notices: Notice[]
  private readonly plans = new Map<string, Plan | null>()
  /** Hash of what we last wrote to, or read from, each file of ours. */
  private readonly known = new Map<string, string>()
  private state: State
  /** `changes` of the index when the derived copies were last brought up to date. */
  private copiedAt = 0

  /** Takes the lock, applies a pending transaction and reads the state. Throws `lock_held`, `workspace_unsupported`, `state_corrupt`, `state_newer`. */
  static async open(ports: WorkspacePorts, workspaceRoot: string, options: OpenOptions): Promise<Workspace> {
    const places = placesOf(workspaceRoot)
    const { files, clock, processes } = ports
    requireKnownFormat(files, places)
    const lockPorts = { files, places, processes, clock }
    if (options.force) await endHolder(lockPorts)
    const lock = await takeLock(lockPorts, options.force ? { force: true } : {})
    try {
      await adoptRecord(files, places, lock)
      const notices: Notice[] = []
      const journal = new Journal({
        files,
        root: places.runtime,
        file: journalFile(lock.generation),
        generation: lock.generation,
        guard: lock.guard,
        onFatal: options.onFatal,
        onForeign: (path, kept_as) => notices.push({ event_type: 'foreign_edit_kept', data: { path, kept_as } }),
        onGap: (path) => notices.push({ event_type: 'event_log_gap', data: { path } }),
      })
      const recovered = await journal.recover(() => snapshotRevision(files, places))
      return new Workspace(ports, places, lock, journal, recovered, notices)
    } catch (error) {
      await lock.release().catch(() => {})
      throw error
    }
  }

  private constructor(
    ports: WorkspacePorts,
    places: Places,
    lock: Lock,
    journal: Journal,
    recovered: Workspace['recovered'],
    notices: Notice[],
  ) {
    this.files = ports.files
    this.clock = ports.clock
    this.places = places
    this.lock = lock
    this.journal = journal
    this.recovered = recovered
    this.notices = notices
    this.index = new ItemIndex(this.files, places, () => this.clock.now().getTime())
    this.state = readState(this.files, places)
    if (lock.tookOver !== null && lock.tookOver.state !== 'stale') this.leaveOneRevisionOut()
    this.index.useOrder(this.state.order)
    this.index.refresh()
    this.remember()
  }

  /**
   * A holder that was succeeded unproven may still be about to write the record of its next transaction. That has the
   * next revision; ours begin behind it, so that whoever finds such a record later knows it for one that was too late.
   */
  private leaveOneRevisionOut(): void {
    this.state.snapshot = { ...this.state.snapshot, revision: this.state.snapshot.revision + 1 }
  }

  get degraded(): boolean {
    return this.journal.degraded
  }

  /** The plan new runs start under; null before the first compile. */
  get plan(): Plan | null {
    return this.state.plan()
  }

  /** The disk, for as long as the lock is ours. */
  get guardedFiles(): Files {
    return guarded(this.files, () => this.lock.guard())
  }

  /** The state as it is now: our own commits, and folders other hands changed. */
  view(): View {
    this.index.refresh()
    return viewOf(this.state, this.files, this.places, this.index, this.clock, this.plans)
  }

  /** The same without a look at the folders: for what asks nothing of the queues, and while the disk may refuse. */
  get asKnown(): View {
    return viewOf(this.state, this.files, this.places, this.index, this.clock, this.plans)
  }

  /** Carries out one transaction; nothing happens for an empty list. Throws as `Journal.commit` does, and `item_exists`. */
  async commit(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return
    // The log is put aside by a transaction in which nothing is appended to it.
    const told = changes.some((change) => change.change === 'log.rotate') ? 0 : this.notices.length
    const { operations, items, snapshot } = lower(
      {
        files: this.files,
        places: this.places,
        index: this.index,
        known: this.known,
        now: this.clock.now().toISOString(),
      },
      [...changes, ...this.notices.slice(0, told).map((notice): Change => ({ change: 'event.append', ...notice }))],
      this.state.snapshot,
    )
    const before = this.index.before()
    const wasDegraded = this.degraded
    try {
      await this.journal.commit({ revision: snapshot.revision, operations })
    } catch (error) {
      if (wasDegraded || !this.journal.degraded) throw error
      // Durable, so it has happened: the state in memory goes on from it while the disk catches up.
      this.took(changes, operations, snapshot)
      throw error
    }
    this.notices.splice(0, told)
    this.took(changes, operations, snapshot)
    this.index.committed(before, items)
  }

  /** Tries again to apply a transaction the disk refused half-way. */
  async heal(): Promise<void> {
    await this.journal.recover(() => snapshotRevision(this.files, this.places))
    this.index.refresh()
  }

  /** Puts the plan in force that was just committed. */
  usePlan(plan: Plan): void {
    this.state = { ...this.state, plan: () => plan }
    this.plans.set(plan.compiled_plan_id, plan)
  }

  /**
   * Brings the derived copies of what documents say up to date, if they are behind by enough to matter. For moments in
   * which nothing else is to be done; that it works out matters to nobody but who reads next.
   */
  keepCopies(): void {
    if (this.index.changes - this.copiedAt < COPIED_AGAIN_AFTER) return
    const { changes } = this.index
    try {
      const nowMs = () => this.clock.now().getTime()
      if (keepItemCopies(this.guardedFiles, this.places, nowMs)) this.copiedAt = changes
    } catch {
      this.copiedAt = changes
    }
  }

  async close(): Promise<void> {
    await this.lock.release()
  }

  private took(
    changes: readonly Change[],
    operations: ReturnType<typeof lower>['operations'],
    snapshot: Snapshot,
  ): void {
    const targets = new Map(this.state.targets.map((target) => [target.root_spec_id, target]))
    let { counters, order } = this.state
    for (const change of changes) {
      if (change.change === 'closure.put') targets.set(change.target.root_spec_id, change.target)
      if (change.change === 'counters.set') counters = change.counters
      if (change.change === 'order.set') order = change.order
    }
    for (const operation of operations) if (operation.op === 'put') this.known.set(operation.path, operation.leaves)
    if (order !== this.state.order) this.index.useOrder(order)
    this.state = { ...this.state, snapshot, counters, order, targets: [...targets.values()] }
  }

  /** What lies there at the start is taken for ours: edits made while nobody ran are the operator's to make. */
  private remember(): void {
    const planes = Object.keys(this.state.snapshot.status_markers_by_plane).map((plane) => `state/${plane}_status.md`)
    const targets = this.state.targets.map((target) => `${AT.targets}/${target.root_spec_id}.json`)
    for (const file of [AT.snapshot, AT.counters, AT.order, AT.plan, AT.diagnostics, ...planes, ...targets]) {
      const bytes = this.files.read(this.places.at(file))
      if (bytes !== null) this.known.set(file, hashBytes(bytes))
    }
  }
}

/** Whether a runtime owns the workspace, for readers. */
export function ownership(ports: WorkspacePorts, workspaceRoot: string): LockState {
  return lockState({ files: ports.files, places: placesOf(workspaceRoot), processes: ports.processes })
}
