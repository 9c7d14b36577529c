/**
 * Removing what old runs left beside the work of a daemon: looking through it, git and deleting happen between ticks, a
 * few milliseconds at a time; a tick commits what was decided, one bounded transaction of it.
 */
import { Draft } from '../core/changes.ts'
import { MillraceError } from '../core/errors.ts'
import { limitsOf } from '../core/retention-config.ts'
import type { Retention } from '../core/state.ts'
import { ask, collection, type Decision } from './collection.ts'
import { type Engine, sentenceOf } from './engine.ts'
import { lowDisk } from './gates.ts'

const HOUR_MS = 3_600_000
/** While the disk stays nearly full, another round is worth it after this long. */
const DISK_AGAIN_MS = HOUR_MS
/** A runtime that is never idle removes by its policy all the same once it is this many times overdue. */
const OVERDUE_TIMES = 2
/** After a failure (a disk that refuses, git that does not answer), each time twice as long. */
const AGAIN_AFTER_MS = 1000
const AGAIN_AFTER_MS_MAX = HOUR_MS
/** A runtime that ends when it is idle waits for no more than this. */
const FAILURES_WAITED_FOR_MAX = 5
/** Work between two turns of others. */
const WORK_MS = 5
const TURN_MS = 1

export class Collector {
  private readonly engine: Engine
  private round: AsyncGenerator<Decision, void> | null = null
  private decision: Decision | null = null
  /** The decision before is committed, and the round waits to go on. */
  private isMade = false
  private working: Promise<void> = Promise.resolve()
  private notBeforeMs = 0
  private failures = 0
  /** Why the last round failed, until it is told. */
  private problem: string | null = null
  private workedSinceMs = 0
  private isEnding = false

  constructor(engine: Engine) {
    this.engine = engine
  }

  /** True while there is something to remove that was asked for. */
  get busy(): boolean {
    return this.mayWork && this.asked !== null && this.failures <= FAILURES_WAITED_FOR_MAX
  }

  /** The collector's part of a tick. Gives how many transactions it made. */
  async turn(): Promise<number> {
    const { engine } = this
    if (!this.mayWork) return 0
    const began = this.asked === null && (await this.begin())
    await this.tellProblem()
    const isTime = engine.clock.monotonicMs() >= this.notBeforeMs
    if (this.asked !== null && this.round === null && isTime) this.start(this.asked)
    if (this.isMade) this.work()
    const { decision } = this
    if (decision === null) return began ? 1 : 0
    this.decision = null
    let count = 0
    try {
      const changes = decision(engine.workspace.view())
      count = changes.length
      await engine.commit(changes)
    } catch (error) {
      // Something of it was taken away by others this very moment: the next round finds the rest.
      if (!MillraceError.is(error) || error.code !== 'conflict') {
        this.round = null // what was decided is not made: it is looked at anew
        throw error
      }
    }
    this.isMade = true
    // Half applied it counts as made, but what comes next builds on the disk.
    if (!engine.workspace.degraded) this.work()
    return count > 0 ? 1 : 0
  }

  /** Ends the work beside the ticks; what is still asked for is left to the next runtime. */
  async close(): Promise<void> {
    this.isEnding = true
    await this.working
  }

  private get mayWork(): boolean {
    const { options, stopping, workspace } = this.engine
    if (this.isEnding || options.runtimeMode !== 'daemon' || stopping !== 'no' || workspace.degraded) return false
    return workspace.view().snapshot.stop_requested === null
  }

  private get asked(): Retention['asked'] {
    return this.engine.workspace.view().snapshot.retention?.asked ?? null
  }

  /** Asks by itself, where the policy or the disk wants it. */
  private async begin(): Promise<boolean> {
    const { engine } = this
    const by = this.dueBy()
    if (by === null) return false
    const view = engine.workspace.view()
    const draft = new Draft(view)
    ask(draft, view, by, limitsOf(engine.config.retention))
    await engine.commit(draft.finish())
    return true
  }

  private dueBy(): 'policy' | 'disk' | null {
    const { engine } = this
    const { automatic, every_hours } = engine.config.retention
    if (!automatic) return null
    const { snapshot, now } = engine.workspace.view()
    const last = snapshot.retention?.last ?? null
    const sinceMs = last === null ? Number.POSITIVE_INFINITY : Date.parse(now) - Date.parse(last.at)
    if (sinceMs >= DISK_AGAIN_MS && lowDisk(engine) !== null) return 'disk'
    const isIdle = engine.lanes.size === 0 && snapshot.active_runs.length === 0
    return sinceMs >= every_hours * HOUR_MS * (isIdle ? 1 : OVERDUE_TIMES) ? 'policy' : null
  }

  private start(asked: NonNullable<Retention['asked']>): void {
    const { ports, workspace } = this.engine
    const { places, guardedFiles } = workspace
    const view = () => workspace.view()
    this.round = collection(
      { ports, files: ports.files, places, view, guardedFiles, breathe: () => this.breathe() },
      asked,
    )
    this.work()
  }

  /** Goes on to the next decision, beside the ticks. Never rejects. */
  private work(): void {
    const { round, engine } = this
    this.isMade = false
    if (round === null) return
    this.workedSinceMs = engine.clock.monotonicMs()
    this.working = round.next().then(
      ({ done, value }) => {
        this.failures = 0
        if (done) this.round = null
        else this.decision = value
        engine.wake()
      },
      (error) => {
        this.round = null
        if (this.isEnding) return
        this.problem = sentenceOf(error)
        const waitMs = Math.min(AGAIN_AFTER_MS_MAX, AGAIN_AFTER_MS * 2 ** Math.min(this.failures, 10))
        this.failures += 1
        this.notBeforeMs = engine.clock.monotonicMs() + waitMs
        engine.wake()
      },
    )
  }

  /** Once for each problem, however often it is met. */
  private async tellProblem(): Promise<void> {
    const { problem } = this
    if (problem === null) return
    this.problem = null
    const draft = new Draft(this.engine.workspace.view())
    draft.announce('gc_failed', 'gc', problem, { error: problem })
    await this.engine.commit(draft.finish())
  }

  private breathe(): Promise<void> | undefined {
    if (this.isEnding) throw new MillraceError('interrupted', 'The runtime ends.')
    const { clock } = this.engine
    if (clock.monotonicMs() - this.workedSinceMs < WORK_MS) return undefined
    return new Promise((resolve) => {
      clock.after(TURN_MS, () => {
        this.workedSinceMs = clock.monotonicMs()
        resolve()
      })
    })
  }
}
