/**
 * Dispatch: a lane carries one stage from its durable request to its raw result, beside the tick and never awaited by
 * it. Before it starts, the user's working tree is kept, and what the stage owes is moved out of the way, so that what
 * lies there at the end is its own.
 */
import { isoTime } from '../core/clock.ts'
import { asMillraceError } from '../core/errors.ts'
import type { StageRequest } from '../core/request.ts'
import type { RawResult, WorkingTree } from '../core/result.ts'
import { afresh } from '../core/session.ts'
import { blankResult } from '../runners/ending.ts'
import { type Following, type Handle, isHandle, type Runner } from '../runners/runner.ts'
import type { Engine } from './engine.ts'
import { keepEvidence } from './evidence.ts'
import { type Judgement, judge, PASS } from './judge.ts'
import { isDiskError } from './refusal.ts'
import { keepBefore, readAfter, recallBefore } from './rescue.ts'
import { putStaleAside } from './stale-artifacts.ts'

export interface Lane {
  request: StageRequest
  /** Null until the agent was started. */
  following: Following | null
  /** Why we stop it, once we do; then its result is not routed. */
  stop: 'none' | 'stop' | 'cancel' | 'withdraw'
  startedMs: number
  /** Ends the agent; resolves when none of its processes is left. */
  end(reason: 'cancelled' | 'killed'): Promise<void>
  done: Promise<void>
}

export interface Finished {
  request: StageRequest
  raw: RawResult
  /** What the stage did to the user's working tree; null if it never came to that. */
  workingTree: WorkingTree | null
  /** Why we stopped it, if we did. */
  stop: Lane['stop']
  /** What stands against it, or has to be asked first. */
  judgement: Judgement
  /** True if it was settled as far as a question before, with all that it used. */
  counted: boolean
}

/** How to come to the result: start an agent, follow one that lives, collect what one left, or take up what waited. */
export type Begin =
  | { how: 'start' }
  | { how: 'adopt'; handle: Handle }
  | { how: 'collect' }
  | ({ how: 'settle' } & Pick<Finished, 'raw' | 'workingTree'>)

/** Opens a lane. Returns at once; the result arrives in `engine.finished`, with a wake. */
export function dispatch(engine: Engine, request: StageRequest, begin: Begin = { how: 'start' }): void {
  const runner = engine.runners.get(request.runner_name)
  let stopAsked: 'cancelled' | 'killed' | null = null
  const lane: Lane = {
    request,
    following: null,
    stop: 'none',
    startedMs: engine.clock.monotonicMs(),
    async end(reason) {
      stopAsked = reason
      await lane.following?.stop(reason)
    },
    done: Promise.resolve(),
  }
  engine.lanes.set(request.request_id, lane)
  lane.done = carry(engine, lane, runner, begin, () => stopAsked).then((end) => {
    const counted = begin.how === 'settle'
    engine.finished.push({ request, ...end, stop: lane.stop, counted })
    if (!counted) engine.governance.ended(request, end.raw.token_usage)
    engine.lanes.delete(request.request_id)
    engine.wake()
  })
}

/** Never rejects: whatever goes wrong is a raw result. */
async function carry(
  engine: Engine,
  lane: Lane,
  runner: Runner | undefined,
  begin: Begin,
  stopAsked: () => 'cancelled' | 'killed' | null,
): Promise<Pick<Finished, 'raw' | 'workingTree' | 'judgement'>> {
  const { request } = lane
  if (begin.how === 'settle') {
    const { raw, workingTree } = begin
    return { raw, workingTree, judgement: await judge(engine, request, raw) }
  }
  if (!runner) {
    const raw = notStarted(engine, request, `Runner ${request.runner_name} is not known.`)
    return { raw, workingTree: null, judgement: PASS }
  }
  const objection = begin.how === 'start' ? await judge(engine, request, null) : PASS
  if (objection.judgement !== 'pass') {
    const raw = notStarted(engine, request, 'It was not started.')
    return { raw: { ...raw, ending: stopAsked() ?? raw.ending }, workingTree: null, judgement: objection }
  }
  const kept = await (begin.how === 'start' ? keepBefore : recallBefore)(engine.ports, request)
  const raw = await perform(engine, lane, runner, begin, { stopAsked, treeBefore: kept.workingTree.before })
  await keepEvidence(engine.ports.files, request).catch(() => {}) // settling meets the same disk
  const isCutShort = raw.ending === 'cancelled' || raw.ending === 'killed'
  const workingTree = isCutShort ? kept.workingTree : await readAfter(kept, request)
  const judgement = raw.ending === 'exited' ? await judge(engine, request, raw) : PASS
  return { raw, workingTree, judgement }
}

async function perform(
  engine: Engine,
  lane: Lane,
  runner: Runner,
  begin: Exclude<Begin, { how: 'settle' }>,
  { stopAsked, treeBefore }: { stopAsked: () => 'cancelled' | 'killed' | null; treeBefore: string | null },
): Promise<RawResult> {
  const { request } = lane
  try {
    if (begin.how === 'collect') return await runner.collect(request)
    let handle: Handle | RawResult
    if (begin.how === 'adopt') handle = begin.handle
    else {
      const before = stopAsked()
      if (before !== null)
        return { ...notStarted(engine, request, 'It was stopped before its agent was started.'), ending: before }
      engine.ports.files.makeFolder(request.outbox_dir)
      await putStaleAside(engine.ports.files, request)
      // What a session knows of a tree that somebody has touched since is wrong.
      const tree = request.resume_session?.unchanged_tree ?? null
      handle = await runner.start(tree === null || tree === treeBefore ? request : afresh(request))
    }
    if (!isHandle(handle)) return handle
    lane.following = runner.follow(request, handle, (used) => engine.governance.watch(request, used))
    const asked = stopAsked()
    if (asked !== null) await lane.following.stop(asked)
    return await lane.following.result
  } catch (error) {
    if (isDiskError(error)) return { ...notStarted(engine, request, asMillraceError(error).message), cause: 'disk' }
    return notStarted(engine, request, `The runner failed: ${(error as Error).message}`)
  }
}

const notStarted = (engine: Engine, request: StageRequest, message: string): RawResult => ({
  ...blankResult(request, request.runner_name, isoTime(engine.clock.now())),
  message,
})
