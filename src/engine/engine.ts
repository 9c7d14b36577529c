/**
 * The engine: the one long-lived process of a workspace. Holds what a tick needs between ticks (the open workspace,
 * the lanes, what has finished, why to wake); what a tick does is in tick.ts, step by step.
 */
import { type Change, Draft } from '../core/changes.ts'
import type { Clock } from '../core/clock.ts'
import { type Config, restartKeys } from '../core/config.ts'
import { asMillraceError, MillraceError } from '../core/errors.ts'
import type { Exec } from '../core/exec.ts'
import type { Files } from '../core/files.ts'
import type { CommandTable, FreshPlan } from '../core/operation.ts'
import type { Post } from '../core/post.ts'
import type { StageRequest } from '../core/request.ts'
import { type CounterEntry, counterOwner, NO_PLAN } from '../core/state.ts'
import { watcherMode } from '../core/watch-config.ts'
import type { Runner } from '../runners/runner.ts'
import type { Processes } from '../store/lock.ts'
import { keepPlanSources } from '../store/plan-sources.ts'
import { isCurrent, planChanges } from '../store/plans.ts'
import type { StopFile } from '../store/stop-files.ts'
import { Workspace } from '../store/workspace.ts'
import { Collector } from './collector.ts'
import { compileFailed, compileFresh } from './compile-fresh.ts'
import { lookOfConfig } from './config-watch.ts'
import { Deliveries } from './deliveries.ts'
import type { Finished, Lane } from './dispatch.ts'
import { Governance } from './governance.ts'
import { forgetLost, tellLost } from './lost.ts'
import { notifyChannel } from './notify.ts'
import { resume } from './resume.ts'
import { removeAbandoned } from './scratch.ts'
import type { Turn } from './turn.ts'

export interface EnginePorts {
  files: Files
  clock: Clock
  processes: Processes
  commands: CommandTable
  /** Validators by name; what asset files may refer to. */
  validators: readonly string[]
  /** Root of the packaged assets. */
  packageRoot: string
  /** Names of the runners `runners` builds. */
  runnerNames: readonly string[]
  runners: (config: Config, workspaceRoot: string) => ReadonlyMap<string, Runner>
  /** Runs a program to its end: git, a command that is notified. */
  exec: Exec
  /** Sends a notification to a webhook. */
  post: Post
  /** Our own environment, of which programs get what they need. */
  environment: Readonly<Record<string, string | undefined>>
  onFatal: (error: MillraceError) => never
}

export interface EngineOptions {
  workspaceRoot: string
  runtimeMode: 'once' | 'daemon'
  modeId?: string | undefined
  overrides?: readonly string[]
}

/** Told of every committed change, in order; a listener that throws is left out from then on. */
export type Listener = (change: Change, at: string) => void

export class Engine {
  readonly ports: EnginePorts
  readonly options: EngineOptions
  readonly workspace: Workspace
  config: Config
  /** The config it was started with. */
  private readonly started: Config
  runners: ReadonlyMap<string, Runner>
  /** Agents at work, by request id. */
  readonly lanes = new Map<string, Lane>()
  /** Requests that are durable but not yet on the disk: their agents start once they are. */
  readonly undispatched: StageRequest[] = []
  /** Stages that ended and wait to be settled. */
  readonly finished: Finished[] = []
  /** Set by a signal: stop as `control stop` would. */
  stopping: 'no' | 'stop' | 'kill' = 'no'
  /** Whose turn it is; null: every plane of the plan goes its way. */
  turn: Turn | null = null
  /** True while an idea of the inbox may still be being written. */
  ideasUnsettled = false
  /** True while the config file may still be being written. */
  configUnsettled = false
  /** How the config file looked when it was last read; null: there was none. */
  configLook: string | null
  /** Stop files that lay there when they were last looked for. */
  stopFiles: readonly StopFile[] = []
  /** When a blocked task is put back by itself, in milliseconds since the epoch; null while none waits for its time. */
  recoveryDueMs: number | null = null
  /** Runs whose item was not in its active folder when we last looked, with when it was first missed. */
  readonly missingSinceMs = new Map<string, number>()
  /** Monotonic time before which a failed disk is left alone, and how often it was tried. */
  healing = { notBefore: 0, attempts: 0 }
  /** What stages used, held against the rules on usage. */
  readonly governance: Governance
  /** Outside effects that wait to be carried out. */
  readonly deliveries: Deliveries
  /** Removes what old runs left. */
  readonly collector: Collector
  /** The plan whose sources need not be looked at again for the derived copy of their stamps. */
  private sourcesKeptOf: string | null = null
  private readonly listeners = new Set<Listener>()
  private wakeUp: (() => void) | null = null
  private woken = false

  /**
   * Opens the workspace, compiles, puts the plan in force and takes up what an earlier runtime left.
   * Throws `lock_held`, `config_invalid`, `compile_failed`; then nothing is changed and no lock is kept.
   */
  static async open(ports: EnginePorts, options: EngineOptions, listeners: readonly Listener[] = []): Promise<Engine> {
    const workspace = await Workspace.open(ports, options.workspaceRoot, { onFatal: ports.onFatal })
    try {
      const configLook = lookOfConfig({ ports, workspace })
      const fresh = compileFresh(ports, workspace, options)
      if (fresh.plan === null) {
        await workspace.commit(planChanges(fresh, workspace.view().plan, ports.clock.now().toISOString()))
        throw compileFailed(fresh)
      }
      const engine = new Engine(ports, options, workspace, { config: fresh.config, configLook })
      for (const listener of listeners) engine.listen(listener)
      engine.deliveries.load()
      await engine.begin(fresh)
      engine.governance.refresh() // agents that are adopted are under the rules from the first event on
      removeAbandoned(ports, workspace.places)
      await resume(engine)
      return engine
    } catch (error) {
      await workspace.close().catch(() => {})
      throw error
    }
  }

  private constructor(
    ports: EnginePorts,
    options: EngineOptions,
    workspace: Workspace,
    { config, configLook }: { config: Config; configLook: string | null },
  ) {
    this.ports = ports
    this.options = options
    this.workspace = workspace
    this.config = config
    this.started = config
    this.configLook = configLook
    workspace.index.quietMs = config.watchers.debounce_ms
    this.runners = ports.runners(config, options.workspaceRoot)
    this.governance = new Governance(this)
    const notify = () => this.config.notify
    this.deliveries = new Deliveries({
      files: ports.files,
      places: workspace.places,
      clock: ports.clock,
      channels: { notify: notifyChannel(ports, notify) },
      notify,
      revision: () => this.workspace.view().snapshot.revision,
      commit: (changes) => this.commit(changes),
      wake: () => this.wake(),
    })
    this.listen((change) => this.deliveries.hear(change))
    this.collector = new Collector(this)
  }

  get clock(): Clock {
    return this.ports.clock
  }

  /** True while something other hands do may not be finished, so that looking again soon is worth it. */
  get unsettled(): boolean {
    return (
      this.ideasUnsettled ||
      this.configUnsettled ||
      this.governance.isAsking ||
      this.missingSinceMs.size > 0 ||
      this.workspace.index.unsettled
    )
  }

  listen(listener: Listener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /**
   * One transaction, with the deliveries its events ask for; listeners hear of it once it is durable. One that the disk
   * refused half-way has happened and counts as made; until it is through, every other throws `degraded` and has not
   * happened.
   */
  async commit(decided: readonly Change[]): Promise<void> {
    const changes = this.deliveries.join(decided)
    const wasDegraded = this.workspace.degraded
    try {
      await this.workspace.commit(changes)
    } catch (error) {
      if (wasDegraded || !this.workspace.degraded || (MillraceError.is(error) && error.code === 'lock_lost'))
        throw error
      this.healing = { notBefore: this.clock.monotonicMs() + HEAL_BACKOFF_MS, attempts: 1 }
      this.tell(changes)
      return
    }
    this.tell(changes)
  }

  /** Compiles what is on disk now. */
  compile(): FreshPlan & { config: Config } {
    this.configLook = lookOfConfig(this)
    const fresh = compileFresh(this.ports, this.workspace, this.options)
    return {
      ...fresh,
      pendingRestart: restartKeys(this.started, fresh.config),
      watcherMode: watcherMode(fresh.config.watchers),
    }
  }

  /** Puts a freshly compiled plan and its config in force; the changes that record it are already committed. */
  use(fresh: FreshPlan & { config: Config }): void {
    this.config = fresh.config
    this.workspace.index.quietMs = fresh.config.watchers.debounce_ms
    this.runners = this.ports.runners(fresh.config, this.options.workspaceRoot)
    if (fresh.plan) this.workspace.usePlan(fresh.plan)
  }

  wake(): void {
    this.woken = true
    this.wakeUp?.()
  }

  /** Waits for a wake, at most `ms`. A wake that came since the last wait counts. True if it was woken. */
  async sleep(ms: number): Promise<boolean> {
    if (!this.woken) {
      await new Promise<void>((resolve) => {
        const cancel = this.clock.after(ms, resolve)
        this.wakeUp = () => {
          cancel()
          resolve()
        }
      })
    }
    const woken = this.woken
    this.wakeUp = null
    this.woken = false
    return woken
  }

  /** For moments in which nothing else is to be done: brings what makes reading quick up to date. */
  keepCopies(): void {
    const { ports, workspace } = this
    if (workspace.degraded) return
    workspace.keepCopies()
    const { plan } = workspace
    if (plan === null || plan.compiled_plan_id === this.sourcesKeptOf) return
    const assets = { files: workspace.guardedFiles, places: workspace.places, packageRoot: ports.packageRoot }
    if (keepPlanSources(assets, plan, this.clock.now().getTime())) this.sourcesKeptOf = plan.compiled_plan_id
  }

  /** Gives the workspace back. Agents still at work are left to the next runtime. */
  async close(): Promise<void> {
    await this.collector.close()
    await this.governance.close()
    try {
      await this.lastDeliveries()
      const draft = new Draft(this.workspace.view())
      draft.snapshot.process_running = false
      draft.snapshot.stop_requested = null // whatever asked for the end, this is it
      draft.event('runtime_closed', {
        mode_id: draft.snapshot.active_mode_id,
        compiled_plan_id: draft.snapshot.compiled_plan_id,
      })
      draft.event('runtime_daemon_lock_released', { generation: this.workspace.lock.generation })
      await this.commit(draft.finish())
      // Refused half-way it has happened all the same; if this does not bring it to its end, the next runtime does.
      if (this.workspace.degraded) await this.workspace.heal().catch(() => {})
      this.keepCopies()
    } finally {
      await this.workspace.close()
    }
  }

  /** What is due is given its attempt; what cannot be recorded, or takes too long, is left to the next runtime. */
  private async lastDeliveries(): Promise<void> {
    if (this.workspace.degraded) return
    try {
      await this.deliveries.finish(this.stopping === 'kill' ? 0 : LAST_DELIVERIES_MS_MAX)
    } catch (error) {
      if (MillraceError.is(error) && error.code === 'lock_lost') throw error
    }
  }

  private tell(changes: readonly Change[]): void {
    const at = this.clock.now().toISOString()
    for (const listener of [...this.listeners]) {
      try {
        for (const change of changes) listener(change, at)
      } catch {
        this.listeners.delete(listener)
      }
    }
  }

  /** First transaction of a runtime: who it is, which plan is in force. Made anew where a person edits in between. */
  private async begin(fresh: FreshPlan & { config: Config }, attempts = BEGIN_ATTEMPTS_MAX): Promise<void> {
    const view = this.workspace.view()
    const draft = new Draft(view)
    const plan = fresh.plan!
    if (!isCurrent(fresh, view.plan)) draft.add(...planChanges(fresh, view.plan, view.now))
    const { lock, recovered } = this.workspace
    tellLost(draft, view, lock)
    forgetLost(draft)
    Object.assign(draft.snapshot, {
      runtime_mode: this.options.runtimeMode,
      process_running: true,
      stop_requested: null,
      active_mode_id: fresh.modeId,
      compiled_plan_id: plan.compiled_plan_id,
      loop_ids_by_plane: plan.loop_ids_by_plane,
      config_version: fresh.configVersion,
      watcher_mode: watcherMode(fresh.config.watchers),
      last_reload_outcome: null,
      last_reload_error: null,
    })
    // Runs that another runtime began go on under this plan.
    draft.snapshot.active_runs = draft.snapshot.active_runs.map((run) =>
      run.compiled_plan_id === NO_PLAN ? { ...run, compiled_plan_id: plan.compiled_plan_id } : run,
    )
    delete draft.snapshot.pending_restart
    // Budgets belong to a passage; those of one that is over would be taken off the next.
    const owned = view.counters.entries.filter((entry) =>
      view.snapshot.active_runs.some((run) => isOwner(entry, counterOwner(run))),
    )
    if (owned.length < view.counters.entries.length) draft.counters = { ...view.counters, entries: owned }
    for (const plane of Object.keys(plan.graphs_by_plane))
      if (view.snapshot.status_markers_by_plane[plane] === undefined) draft.mark(plane, 'IDLE')
    draft.event('runtime_daemon_lock_acquired', { generation: lock.generation })
    if (lock.tookOver) draft.event('runtime_lock_taken_over', { state: lock.tookOver.state })
    if (recovered !== 'clean')
      draft.event('runtime_recovered', { journal: recovered, revision: view.snapshot.revision })
    draft.event('runtime_started', {
      mode_id: fresh.modeId,
      compiled_plan_id: plan.compiled_plan_id,
      process_running: true,
      loop_ids_by_plane: plan.loop_ids_by_plane,
      runtime_mode: this.options.runtimeMode,
    })
    try {
      await this.commit(draft.finish())
    } catch (error) {
      if (attempts <= 1 || !MillraceError.is(error) || error.code !== 'conflict') throw error
      return this.begin(fresh, attempts - 1)
    }
    this.workspace.usePlan(plan)
  }
}

const BEGIN_ATTEMPTS_MAX = 5

const isOwner = (entry: CounterEntry, owner: { kind: string; id: string }) =>
  entry.work_item_kind === owner.kind && entry.work_item_id === owner.id

const HEAL_BACKOFF_MS = 500

/** A runtime that ends waits no longer than this for receivers of notifications. */
const LAST_DELIVERIES_MS_MAX = 5000

/** The sentence of anything thrown, for findings and events. */
export function sentenceOf(error: unknown): string {
  const known = asMillraceError(error)
  return known.hint ? `${known.message} (${known.hint})` : known.message
}
