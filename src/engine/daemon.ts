/** The loop around the tick: woken by events, with a slow polling floor; counts ticks; ends on request. */
import { nextClosureTime } from '../core/completion.ts'
import { MillraceError } from '../core/errors.ts'
import type { Engine } from './engine.ts'
import { watchedFolders } from './intake.ts'
import type { Settled } from './settle.ts'
import { type TickOutcome, tick } from './tick.ts'

export interface LoopOptions {
  /** End after this many counted ticks; null = no limit. */
  ticksMax: number | null
  /** End as soon as nothing runs and nothing is to be done. */
  stopWhenIdle: boolean
}

export interface LoopEnd {
  /** Counted ticks: ones that ended with a stage settled, or found nothing to do while nothing ran. */
  ticks: number
  exit_reason: 'max_ticks' | 'idle' | 'stop_requested'
  last: TickOutcome | null
}

/** How long a document of other hands may rest before it is looked at again. */
const UNSETTLED_LOOK_MS = 60
/** Every so often folders are listed again, whatever their mtime says. */
const WORKING_FLOOR_MS = 1000

export async function runLoop(engine: Engine, options: LoopOptions): Promise<LoopEnd> {
  const unwatch = engine.config.watchers.enabled
    ? watchedFolders(engine).map((folder) => engine.ports.files.watch(folder, () => engine.wake()))
    : []
  let ticks = 0
  try {
    for (;;) {
      const outcome = await undisturbed(engine, options.ticksMax !== null && ticks + 1 >= options.ticksMax)
      const idle =
        !outcome.progressed &&
        engine.lanes.size === 0 &&
        engine.finished.length === 0 &&
        !outcome.unsettled &&
        !engine.workspace.degraded
      if (outcome.settled > 0 || idle) ticks += 1
      if (outcome.stopped) return { ticks, exit_reason: 'stop_requested', last: outcome }
      if (options.ticksMax !== null && ticks >= options.ticksMax)
        return { ticks, exit_reason: 'max_ticks', last: outcome }
      if (options.stopWhenIdle && idle && !waitsForTime(engine)) return { ticks, exit_reason: 'idle', last: outcome }
      if (!outcome.progressed) await engine.sleep(untilNext(engine))
    }
  } finally {
    for (const stop of unwatch) stop()
  }
}

/** Passes that meet a person's edit, one after the other, before the runtime gives up: nothing can be written then. */
const DISTURBED_PASSES_MAX = 20
const DISTURBED_PAUSE_MS = 50

/**
 * A pass in which a person edited what it was about to write decides anew, from a fresh view. One in which the disk
 * refused a transaction half-way ends there; the next pass sees to that first.
 */
async function undisturbed(engine: Engine, isLast: boolean): Promise<TickOutcome> {
  const settled: Settled[] = []
  for (let pass = 1; ; pass++) {
    try {
      return await tick(engine, isLast, settled)
    } catch (error) {
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
  const { snapshot, now } = engine.workspace.view()
  // What waits for a person does not come to an end by waiting.
  if (snapshot.pause_sources.some((source) => source.until === null)) return false
  return (
    snapshot.active_runs.some((run) => run.status === 'ready' && run.not_before !== null && run.not_before > now) ||
    snapshot.pause_sources.some((source) => source.until !== null)
  )
}

/** Milliseconds until something is due by itself; events wake earlier. */
function untilNext(engine: Engine): number {
  const view = engine.workspace.view()
  const floor = engine.lanes.size > 0 ? WORKING_FLOOR_MS : engine.config.runtime.idle_sleep_seconds * 1000
  if (engine.unsettled) return Math.min(floor, UNSETTLED_LOOK_MS)
  const times = [
    ...view.snapshot.active_runs.flatMap((run) => (run.not_before === null ? [] : [Date.parse(run.not_before)])),
    ...view.snapshot.pause_sources.flatMap((source) => (source.until === null ? [] : [Date.parse(source.until)])),
    ...[nextClosureTime(view)].flatMap((time) => (time === null ? [] : [time])),
  ].filter((time) => time > Date.parse(view.now))
  const due = Math.min(...times.map((time) => time - Date.parse(view.now)))
  return Math.max(1, Math.min(floor, due))
}
