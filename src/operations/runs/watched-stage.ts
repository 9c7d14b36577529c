/** One stage as somebody looks on: what its agent says and does, told event by event. */
import type { StageRequest } from '../../core/request.ts'
import type { TokenUsage } from '../../core/result.ts'
import type { Alarm } from '../alarm.ts'
import type { Context } from '../context.ts'
import { configOrDefaults } from '../reading.ts'
import type { FollowRecord, RecordWithout } from '../schemas/follow.ts'

const READ_BYTES_MAX = 1024 * 1024
/** Events that are told of a stage which was at work before anybody looked. */
const RECENT_EVENTS = 10

type Runner = NonNullable<ReturnType<ReturnType<Context['runners']>['get']>>
type LiveView = ReturnType<Runner['view']>
type AgentEvent = ReturnType<LiveView['end']>[number]

export class WatchedStage {
  readonly request: StageRequest
  private readonly view: LiveView | null
  private readonly context: Context
  private readonly alarm: Alarm

  constructor(context: Context, alarm: Alarm, request: StageRequest) {
    const runners = context.runners(configOrDefaults(context), context.workspaceRoot)
    this.request = request
    this.context = context
    this.alarm = alarm
    this.view = runners.get(request.runner_name)?.view(request) ?? null
  }

  /** Tokens used so far, as far as it was read. */
  get usage(): TokenUsage | null {
    return this.view?.usage() ?? null
  }

  /** `lay`: it was at work before anybody looked. */
  async begin(lay: boolean): Promise<void> {
    const { stage_kind_id, runner_name, model_name, timeout_seconds } = this.request
    const at = this.view?.startedAt() ?? (lay ? null : undefined)
    await this.tell({ event: 'stage_started', stage_kind_id, runner_name, model_name, timeout_seconds }, at)
    if (this.view === null)
      this.context.notice(`What runner ${runner_name} does cannot be shown: it is not known here.`)
  }

  /** Reads what lies there and tells the last of it. */
  async catchUp(): Promise<void> {
    const recent: AgentEvent[] = []
    let count = 0
    for await (const events of this.pieces()) {
      count += events.length
      recent.push(...events.slice(-RECENT_EVENTS))
      recent.splice(0, recent.length - RECENT_EVENTS)
    }
    if (count > recent.length) await this.tell({ event: 'skipped', count: count - recent.length }, null)
    for (const event of recent) await this.tell(event, null)
  }

  /** Tells what was added since. `at`: null for what lay there before anybody looked. */
  async readOn(at?: null): Promise<void> {
    for await (const events of this.pieces()) for (const event of events) await this.tell(event, at)
  }

  /** Tells all that is left, once nothing is added any more. */
  async finish(at?: null): Promise<void> {
    await this.readOn(at)
    if (this.alarm.ended !== null) return
    for (const event of this.view?.end() ?? []) await this.tell(event, at)
  }

  async tellProgress(): Promise<void> {
    if (this.view === null) return
    const nowMs = this.context.clock.now().getTime()
    const since = (ms: number) => Math.max(0, Math.round((nowMs - ms) / 100) / 10)
    const startedAt = this.view.startedAt()
    const lastMs = this.view.lastOutputMs()
    await this.tell({
      event: 'progress',
      elapsed_seconds: startedAt === null ? 0 : since(Date.parse(startedAt)),
      idle_seconds: lastMs === null ? null : since(lastMs),
      token_usage: this.usage,
    })
  }

  /** What is there to read, in pieces; others get a turn between two of them. */
  private async *pieces(): AsyncGenerator<AgentEvent[]> {
    for (let more = this.view !== null; more && this.alarm.ended === null; ) {
      const read = this.view!.read(READ_BYTES_MAX)
      yield read.events
      more = read.more
      if (more) await new Promise<void>((resolve) => void this.context.clock.after(0, resolve))
    }
  }

  private tell(
    told: RecordWithout<'at' | 'run_id' | 'request_id' | 'node_id'>,
    at: string | null | undefined = this.context.clock.now().toISOString(),
  ): Promise<void> {
    const { run_id, request_id, node_id } = this.request
    // After a Ctrl-C nothing more is said, however much was read.
    if (this.alarm.ended !== null) return Promise.resolve()
    return this.context.tell({ at, run_id, request_id, node_id, ...told } as FollowRecord)
  }
}
