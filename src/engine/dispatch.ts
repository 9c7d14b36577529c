/**
 * Dispatch: a lane carries one stage from its durable request to its raw result, beside the tick and never awaited by
 * it. What the stage owes is moved out of the way before it starts, so that what lies there at the end is its own.
 */
import * as path from 'node:path'
import type { Files } from '../core/files.ts'
import type { StageRequest } from '../core/request.ts'
import type { RawResult } from '../core/result.ts'
import { type Following, type Handle, isHandle, type Runner } from '../runners/runner.ts'
import type { Engine } from './engine.ts'

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
  /** Why we stopped it, if we did. */
  stop: Lane['stop']
}

/** How to come to the result: start an agent, follow one that lives, or collect what one left. */
export type Begin = { how: 'start' } | { how: 'adopt'; handle: Handle } | { how: 'collect' }

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
  lane.done = carry(engine, lane, runner, begin, () => stopAsked).then((raw) => {
    engine.finished.push({ request, raw, stop: lane.stop })
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
): Promise<RawResult> {
  const { request } = lane
  try {
    if (!runner) return notStarted(engine, request, `Runner ${request.runner_name} is not known.`)
    if (begin.how === 'collect') return await runner.collect(request)
    let handle: Handle | RawResult
    if (begin.how === 'adopt') handle = begin.handle
    else {
      clearTheWay(engine.ports.files, request)
      handle = await runner.start(request)
    }
    if (!isHandle(handle)) return handle
    lane.following = runner.follow(request, handle)
    const asked = stopAsked()
    if (asked !== null) await lane.following.stop(asked)
    return await lane.following.result
  } catch (error) {
    return notStarted(engine, request, `The runner failed: ${(error as Error).message}`)
  }
}

/**
 * "No stale proof" (design §7): artifacts the stage owes that already exist move to the run's history. Folders it may
 * write to are made.
 */
function clearTheWay(files: Files, request: StageRequest): void {
  files.makeFolder(request.outbox_dir)
  const owed = Object.values(request.owed_artifacts_by_outcome).flat()
  const seen = new Set<string>()
  for (const artifact of owed) {
    if (artifact.reuse || seen.has(artifact.path)) continue
    seen.add(artifact.path)
    if (files.stat(artifact.path) === null) continue
    const history = path.join(request.run_dir, 'history', request.request_id)
    files.makeFolder(history)
    files.rename(artifact.path, path.join(history, path.basename(artifact.path)))
  }
}

function notStarted(engine: Engine, request: StageRequest, message: string): RawResult {
  const now = engine.clock.now().toISOString()
  return {
    request_id: request.request_id,
    run_id: request.run_id,
    runner_name: request.runner_name,
    model_name: request.model_name,
    ending: 'not_started',
    cause: null,
    resets_at: null,
    message,
    exit_code: null,
    final_message: null,
    session_id: null,
    stdout_path: null,
    stderr_path: null,
    event_log_path: null,
    token_usage: null,
    started_at: now,
    ended_at: now,
    swept: [],
    notes: [],
  }
}
