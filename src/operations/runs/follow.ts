/** Following a run: what its agents do, stage after stage, until it ends. Reads only, and takes no lock. */
import { waitOf } from '../../core/backoff.ts'
import { MillraceError } from '../../core/errors.ts'
import { nodeOf } from '../../core/plan.ts'
import type { StageResult } from '../../core/result.ts'
import type { ActiveRun, Snapshot } from '../../core/state.ts'
import type { View } from '../../core/view.ts'
import { AT, runFolder } from '../../store/layout.ts'
import { type Alarm, lookingOn } from '../alarm.ts'
import { type Context, placesIn } from '../context.ts'
import { lockIn } from '../owner.ts'
import { reading } from '../reading.ts'
import type { FollowEnd, FollowRecord, RecordWithout } from '../schemas/follow.ts'
import { findRunId, partsOf } from './find.ts'
import { aboutRun, failureOf, type RunParts, requestIdOf, runState, tokensOf } from './summary.ts'
import { WatchedStage } from './watched-stage.ts'

/** Between two stages a run waits for a moment, of which nobody need hear. */
const WAITING_MS = 2000
const PROGRESS_MS = 10_000
const LIVE_PROGRESS_MS = 1000

interface Look {
  snapshot: Snapshot
  /** Null while no run is active that could be followed. */
  parts: RunParts | null
}

interface FollowInput {
  run_id?: string
  current?: boolean
  since_start?: boolean
}

/** Throws `usage` for a run and --current, and what finding a run throws. */
export async function followRun(context: Context, input: FollowInput): Promise<FollowEnd> {
  if (input.run_id !== undefined && input.current === true) {
    throw new MillraceError('usage', '`millrace runs follow` takes RUN or --current, not both.')
  }
  return lookingOn(context, (alarm) => new Follower(context, alarm, input).run())
}

class Follower {
  private readonly context: Context
  private readonly alarm: Alarm
  private readonly input: FollowInput
  private runId: string | null = null
  private atWork: WatchedStage | null = null
  /** Stage runs that are over, and told to be. */
  private readonly over = new Set<string>()
  private isFirstLook = true
  private waiting: { reason: string; sinceMs: number; isTold: boolean } | null = null
  private progressMs = Number.NEGATIVE_INFINITY

  constructor(context: Context, alarm: Alarm, input: FollowInput) {
    this.context = context
    this.alarm = alarm
    this.input = input
  }

  async run(): Promise<FollowEnd> {
    this.alarm.watch(placesIn(this.context).at('state'))
    let seen: string | null = null
    for (let look = this.look(); ; ) {
      const version = this.version()
      if (version !== seen) {
        seen = version
        look = this.look()
        if (look.parts !== null) await this.compare(look.parts)
      }
      await this.atWork?.readOn()
      if (this.alarm.ended !== null) return this.end(this.alarm.ended, look)
      if (look.parts !== null && look.parts.active === null) return this.end('run_ended', look)
      await this.tellProgress()
      await this.tellWaiting(look)
      await this.alarm.sleep()
    }
  }

  /** Which snapshot lies there: while it is the same one, no stage has begun or ended. */
  private version(): string {
    const stat = this.context.files.stat(placesIn(this.context).at(AT.snapshot))
    return stat === null ? '' : `${stat.inode} ${stat.mtimeNs}`
  }

  private look(): Look {
    return reading(this.context, (view, files) => {
      const { run_id: given } = this.input
      this.runId ??= given === undefined ? newest(view) : findRunId(this.context, view, files, given)
      const parts =
        this.runId === null
          ? null
          : (partsOf(this.context, view, files, this.runId) ?? this.unstarted(view, this.runId))
      return { snapshot: view.snapshot, parts }
    })
  }

  /** A run that was claimed and has no folder yet. */
  private unstarted({ snapshot, planOf }: View, runId: string): RunParts {
    const folder = { run_id: runId, path: placesIn(this.context).at(runFolder(runId)) }
    const active = snapshot.active_runs.find((one) => one.run_id === runId) ?? null
    return {
      folder: { ...folder, requests: [], results: [], transitions: [], invocations: [], malformed: [] },
      active,
      planOf,
    }
  }

  /** Tells the stages that began or ended since the last look. */
  private async compare(parts: RunParts): Promise<void> {
    const { folder, active } = parts
    if (this.isFirstLook) {
      const { plane, work_item_kind, work_item_id, closure_target_root_spec_id } = aboutRun(parts)
      const served = work_item_id ?? closure_target_root_spec_id
      await this.tell({ event: 'run', plane, work_item_kind, work_item_id: served, state: runState(parts) })
    }
    this.alarm.watch(folder.path)
    for (const result of folder.results) {
      const id = requestIdOf(result) ?? `${result.node_id}@${result.completed_at}`
      if (this.over.has(id)) continue
      this.over.add(id)
      await this.tellOver(result, id, parts)
    }
    const id = active?.status === 'started' && !this.over.has(active.request_id ?? '') ? active.request_id : null
    await this.leaveAllBut(id)
    if (id !== null && this.atWork === null && this.enter(id, parts)) {
      await this.atWork!.begin(this.isFirstLook)
      if (this.isFirstLook) await (this.input.since_start ? this.atWork!.readOn(null) : this.atWork!.catchUp())
    }
    this.isFirstLook = false
  }

  /** A stage that ended: what its agent still did, and how. Of those before the first look only how. */
  private async tellOver(result: StageResult, id: string, parts: RunParts): Promise<void> {
    await this.leaveAllBut(id)
    const isWanted = !this.isFirstLook || this.input.since_start === true
    if (isWanted && this.atWork === null && this.enter(id, parts)) await this.atWork!.begin(this.isFirstLook)
    await this.atWork?.finish(this.isFirstLook ? null : undefined)
    this.atWork = null
    await this.tell(
      {
        event: 'stage_ended',
        request_id: id,
        node_id: result.node_id,
        outcome: result.terminal_result,
        result_class: result.result_class,
        failure_class: failureOf(result),
        duration_seconds: result.duration_seconds,
        token_usage: result.token_usage,
      },
      result.completed_at,
    )
  }

  private enter(requestId: string, { folder }: RunParts): boolean {
    const request = folder.requests.find((one) => one.request_id === requestId)
    if (request === undefined) return false
    this.atWork = new WatchedStage(this.context, this.alarm, request)
    return true
  }

  /** A stage that is gone and left no result was cut short. */
  private async leaveAllBut(requestId: string | null): Promise<void> {
    if (this.atWork === null || this.atWork.request.request_id === requestId) return
    await this.atWork.finish()
    const { request, usage } = this.atWork
    this.atWork = null
    await this.tell({
      event: 'stage_ended',
      request_id: request.request_id,
      node_id: request.node_id,
      outcome: null,
      result_class: null,
      failure_class: null,
      duration_seconds: null,
      token_usage: usage,
    })
  }

  private async tellProgress(): Promise<void> {
    const { clock, live } = this.context
    const nowMs = clock.monotonicMs()
    if (nowMs - this.progressMs < (live ? LIVE_PROGRESS_MS : PROGRESS_MS)) return
    this.progressMs = nowMs
    await this.atWork?.tellProgress()
  }

  /** Says once why nothing goes on. */
  private async tellWaiting(look: Look): Promise<void> {
    const nowMs = this.context.clock.monotonicMs()
    const reason = this.reasonToWait(look)
    if (reason !== this.waiting?.reason)
      this.waiting = reason === null ? null : { reason, sinceMs: nowMs, isTold: false }
    if (this.waiting === null || this.waiting.isTold || nowMs - this.waiting.sinceMs < WAITING_MS) return
    this.waiting.isTold = true
    await this.tell({ event: 'waiting', reason: this.waiting.reason })
  }

  private reasonToWait({ snapshot, parts }: Look): string | null {
    const run = parts?.active ?? null
    if (run?.held) return `the run is held: ${run.held.reason}`
    const isRunning = snapshot.process_running && lockIn(this.context).state === 'active'
    if (!isRunning) return 'no runtime is at work; start one with `millrace run daemon`'
    if (run?.status === 'started') return null
    const [pause] = snapshot.pause_sources
    if (pause !== undefined) return `paused by ${pause.source} (${pause.reason})`
    if (run === null) return 'no run is active'
    const now = this.context.clock.now().toISOString()
    if (run.not_before !== null && run.not_before > now)
      return `the surroundings failed${run.failure_class === null ? '' : ` (${run.failure_class})`}; next try at ${run.not_before}`
    const plan = parts?.planOf(run.compiled_plan_id) ?? null
    const node = plan === null ? undefined : nodeOf(plan, run.plane, run.node_id)
    const wait = node && waitOf(snapshot, node, now)
    if (wait) return `${wait.runner_name} waits until ${wait.until} (${wait.cause}): ${wait.reason}`
    return 'the next stage has not been started yet'
  }

  /** `at`: now, if it is not known better. */
  private tell(told: RecordWithout<'at' | 'run_id'>, at = this.context.clock.now().toISOString()): Promise<void> {
    return this.context.tell({ at, run_id: this.runId, ...told } as FollowRecord)
  }

  private end(reason: FollowEnd['end']['reason'], { parts }: Look): FollowEnd {
    const results = parts?.folder.results ?? []
    return {
      end: {
        reason,
        run_id: this.runId,
        state: parts === null ? null : runState(parts),
        stages: results.length,
        token_usage: tokensOf(results),
      },
    }
  }
}

/** The active run whose stage began last; one with an agent at work before others. */
function newest({ snapshot }: View): string | null {
  const rank = (run: ActiveRun) => `${run.status === 'started' ? 1 : 0} ${run.stage_since}`
  const [first] = [...snapshot.active_runs].sort((a, b) => (rank(a) < rank(b) ? 1 : -1))
  return first?.run_id ?? null
}
