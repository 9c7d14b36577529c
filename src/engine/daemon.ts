/** The loop around the tick: woken by events, with a slow polling floor; counts ticks; ends on request. */
import { nextClosureTime } from '../core/completion.ts'
import { MillraceError } from '../core/errors.ts'
import { hasQueued } from '../core/select.ts'
import type { View } from '../core/view.ts'
import type { Engine } from './engine.ts'
import { backoffMs, isRefusal } from './refusal.ts'
import type { Settled } from './settle.ts'
import { type Ground, groundOf, isStill } from './still.ts'
import { stopIfComplete } from './stop-files.ts'
import { type TickOutcome, tick } from './tick.ts'
import { Watching } from './watching.ts'

export interface LoopOptions {
  /** End after this many counted ticks; null = no limit. */
  ticksMax: number | null
  /** End as soon as nothing runs and nothing is to be done. */
  stopWhenIdle: boolean
  /** With `stopWhenIdle`: also where something waits only for its time. */
  evenWaiting?: boolean
  /** Told of every refusal of the disk that is waited out, and which in a row it is, from 1; without it the first ends the loop. */
  onRefusal?: (error: unknown, inARow: number) => void
}

export interface LoopEnd {
  /** Counted ticks: ones that ended with a stage settled, or found nothing to do while nothing ran. */
  ticks: number
  exit_reason: 'max_ticks' | 'idle' | 'stop_requested'
  last: TickOutcome | null
  /** The last pass that settled a stage, and how many stages were settled in all. */
  settled: TickOutcome | null
  stages: number
}

/** How long a document of other hands may rest before it is looked at again. */
const UNSETTLED_LOOK_MS = 60
/** Every so often folders are listed again, whatever their mtime says. */
const WORKING_FLOOR_MS = 1000

export async function runLoop(engine: Engine, options: LoopOptions): Promise<LoopEnd> {
  const watching = new Watching(engine)
  const ticksMax = options.ticksMax ?? Infinity
  let ticks = 0
  let stages = 0
  let settled: TickOutcome | null = null
  const end = (exit_reason: LoopEnd['exit_reason'], last: TickOutcome): LoopEnd => ({
    ticks,
    exit_reason,
    last,
    settled,
    stages,
  })
  try {
    for (;;) {
      watching.keep()
      const before = groundOf(engine)
      const outcome = await undisturbed(engine, ticks + 1 >= ticksMax, options.onRefusal)
      const idle =
        !outcome.progressed &&
        engine.lanes.size === 0 &&
        engine.finished.length === 0 &&
        !engine.collector.busy &&
        !outcome.unsettled &&
        !engine.workspace.degraded
      if (outcome.settled > 0 || idle) ticks += 1
      if (outcome.settled > 0) settled = outcome
      stages += outcome.settled
      if (outcome.stopped) return end('stop_requested', outcome)
      if (ticks >= ticksMax) return end('max_ticks', outcome)
      if (options.stopWhenIdle && idle && (options.evenWaiting === true || !waitsForTime(engine)))
        return end('idle', outcome)
      if (idle && outcome.reason === 'no_work' && !waitsForTime(engine) && (await stopIfComplete(engine))) continue
      if (!outcome.progressed) ticks += await rest(engine, idle ? before : null, ticksMax - ticks - 1)
    }
  } finally {
    watching.end()
  }
}

/** Passes that meet a person's edit, one after the other, before the runtime gives up: nothing can be written then. */
const DISTURBED_PASSES_MAX = 20
const DISTURBED_PAUSE_MS = 50

/**
 * A pass in which a person edited what it was about to write decides anew, from a fresh view. One in which the disk
 * refused a transaction half-way ends there; the next pass sees to that first. One in which it refused to begin with is
 * tried again for as long as it refuses, unless somebody wants the runtime to end.
 */
async function undisturbed(engine: Engine, isLast: boolean, onRefusal: LoopOptions['onRefusal']): Promise<TickOutcome> {
  const settled: Settled[] = []
  let refusals = 0
  for (let pass = 1; ; pass++) {
    try {
      return await tick(engine, isLast, settled)
    } catch (error) {
      if (onRefusal && engine.stopping === 'no' && isRefusal(error)) {
        refusals += 1
        pass = 0
        onRefusal(error, refusals)
        await engine.sleep(backoffMs(refusals))
        continue
      }
      const mayPass = MillraceError.is(error) && (error.code === 'conflict' || error.code === 'degraded')
      if (!mayPass || pass >= DISTURBED_PASSES_MAX) throw error
      await engine.sleep(DISTURBED_PAUSE_MS)
    }
  }
}

/** Lets the agents at work end and settles them; for a runtime that has to go but need not stop them. */
export async function drain(engine: Engine): Promise<void> {
  while (engine.lanes.size > 0) await Promise.race([...engine.lanes.values()].map((lane) => lane.done))
}

function waitsForTime(engine: Engine): boolean {
  const view = engine.workspace.view()
  const { snapshot, now } = view
  // What waits for a person does not come to an end by waiting.
  if (snapshot.pause_sources.some((source) => source.until === null)) return false
  return (
    engine.recoveryDueMs !== null ||
    snapshot.active_runs.some((run) => run.status === 'ready' && run.not_before !== null && run.not_before > now) ||
    snapshot.active_runs.some(({ approval }) => approval !== undefined && approval.expires_at !== null) ||
    snapshot.pause_sources.some((source) => source.until !== null) ||
    (snapshot.runner_waits.length > 0 && (snapshot.active_runs.length > 0 || hasQueued(view)))
  )
}

/** Looks that may take the place of passes, one after the other: what a look should have missed is met by the next pass. */
const LOOKS_MAX = 29

/**
 * Waits until another pass is worth it: woken, something due, or something changed since `before`, from which an idle
 * pass began (null after any other). Gives how often an idle runtime looked and found all as it was: ticks, each of them.
 */
async function rest(engine: Engine, before: Ground | null, looksMax: number): Promise<number> {
  const view = engine.workspace.view()
  const floorMs = engine.lanes.size > 0 ? WORKING_FLOOR_MS : engine.config.runtime.idle_sleep_seconds * 1000
  const times = dueTimes(engine, view)
  const dueMs = Math.min(...times.map((time) => time - Date.parse(view.now)).filter((ms) => ms > 0))
  const sleepMs = Math.max(1, Math.min(floorMs, dueMs, engine.unsettled ? UNSETTLED_LOOK_MS : floorMs))
  const mayLook = before !== null && times.length === 0 && view.snapshot.active_runs.length === 0
  for (let looks = 0; ; looks++) {
    const woken = await engine.sleep(sleepMs)
    if (!woken) engine.keepCopies()
    if (woken || !mayLook || looks >= Math.min(LOOKS_MAX, looksMax) || !isStill(engine, before)) return looks
  }
}

/** When something is due by itself, in milliseconds since the epoch; events wake earlier. */
function dueTimes(engine: Engine, view: View): number[] {
  return [
    ...engine.deliveries.dueTimes(),
    ...engine.governance.dueTimes(view),
    ...view.snapshot.active_runs.flatMap((run) =>
      [run.not_before, run.approval?.expires_at ?? null].flatMap((time) => (time === null ? [] : [Date.parse(time)])),
    ),
    ...view.snapshot.pause_sources.flatMap((source) => (source.until === null ? [] : [Date.parse(source.until)])),
    ...view.snapshot.runner_waits.map((wait) => Date.parse(wait.until)),
    ...[nextClosureTime(view), engine.recoveryDueMs].flatMap((time) => (time === null ? [] : [time])),
  ]
}
