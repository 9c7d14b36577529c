/**
 * Follows one agent process to its end: its own child, or one that an earlier runtime started. Enforces the deadline
 * and the output limit, carries out the three-step stop, sweeps. What the agent said is read elsewhere.
 */
import * as path from 'node:path'
import type { Clock } from '../core/clock.ts'
import { isoTime } from '../core/clock.ts'
import type { Files } from '../core/files.ts'
import { type RunFiles, readExit, readStop, type StopReason, writeExit, writeStop } from './artifacts.ts'
import { carriersOf, type Launched, processIdentity } from './process.ts'
import type { Handle, Progress } from './runner.ts'
import { type Swept, sweepMarked } from './sweep.ts'

const POLL_MS = 100
/** An exit record is the last thing a keeper leaves: it is gone a moment later. */
const ENDING_POLL_MS = 5
/** After KILL nothing but a dead disk keeps a process; then the stage is given up and the process named. */
const KILL_WAIT_MS_MAX = 10_000

interface FollowedAgent {
  handle: Handle
  /** The child, if this very process started it. */
  own: Launched | null
  run: RunFiles
  outputBytesMax: number
  /** Spare background processes after a good end. */
  keepBackground: boolean
  /** Called whenever there may be new output, on every poll; gives why the agent is to be stopped, if it gives a reason. */
  onPoll(progress: Progress): StopReason | null
}

export interface AgentEnd {
  /** Exit status; null if the process left none. */
  exitCode: number | null
  /** Set if the agent was asked to stop, by this runtime or an earlier one. */
  asked: StopReason | null
  swept: Swept
  /** Background processes that were spared. */
  spared: Swept['found']
  at: Date
}

interface AgentFollowing {
  /** Resolves after the sweep. */
  ended: Promise<AgentEnd>
  /** Begins the stop, unless the agent has ended by itself; `killed` skips the polite step. */
  stop(reason: StopReason): void
  progress(): Progress
}

export function followAgent(agent: FollowedAgent, ports: { files: Files; clock: Clock }): AgentFollowing {
  const { handle, own, run } = agent
  const { files, clock } = ports
  let gone = false
  let status: number | null = null
  let asked = attempt(() => readStop(files, run.stop)) // an earlier runtime may have died in the middle of stopping it
  let hurry = asked === 'killed'
  let politeAtMs: number | null = null
  let killedAtMs: number | null = null
  let pollMs = POLL_MS
  let wake = (): void => {}
  const progress: Progress = { lastActivityMs: clock.monotonicMs(), outputBytes: 0 }

  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(ms, resolve)
      wake = () => {
        cancel()
        resolve()
      }
    })

  if (own !== null) {
    own.hold()
    void own.ended.then((code) => {
      status = code
      gone = true
      wake()
    })
  }
  // Of the end of a process that is not our child nobody tells; a poll notices it too, only later.
  const unwatch =
    own !== null
      ? () => {}
      : files.watch(path.dirname(run.exit), (file) => {
          if (file !== run.exit) return
          pollMs = ENDING_POLL_MS
          wake()
        })

  const measure = (): void => {
    const bytes = [run.stdout, run.events, run.stderr].reduce((sum, file) => sum + (files.stat(file)?.bytes ?? 0), 0)
    if (bytes === progress.outputBytes) return
    progress.outputBytes = bytes
    progress.lastActivityMs = clock.monotonicMs()
  }

  const ask = (reason: StopReason): void => {
    if (reason === 'killed') hurry = true
    // An exit record means that it ended by itself, even if the news has not reached us yet.
    if (asked !== null || gone || attempt(() => readExit(files, run.exit)) !== null) return
    asked = reason
    attempt(() => writeStop(files, run.stop, reason, isoTime(clock.now())))
  }

  /** A child of ours stays in the process table until we heard of its end, so its pid cannot have been given away. */
  const signal = (name: 'SIGTERM' | 'SIGKILL'): void => {
    const there = own === null ? processIdentity.alive(handle.pid, handle.start_time, handle.boot_id) : !gone
    if (there) processIdentity.kill(-handle.pid, name)
  }

  /** Next step of the stop that is under way; gives the time to look again in. */
  const advanceStop = (): number => {
    const nowMs = clock.monotonicMs()
    const graceMs = handle.stop_grace_seconds * 1000
    if (politeAtMs === null && !hurry) {
      politeAtMs = nowMs
      signal('SIGTERM')
    }
    if (killedAtMs === null && (hurry || nowMs >= politeAtMs! + graceMs)) {
      killedAtMs = nowMs
      signal('SIGKILL')
    }
    if (killedAtMs === null) return politeAtMs! + graceMs - nowMs
    if (nowMs >= killedAtMs + KILL_WAIT_MS_MAX) gone = true
    return POLL_MS
  }

  const poll = (): number => {
    attempt(measure)
    const objection = agent.onPoll(progress)
    if (own === null && !processIdentity.alive(handle.pid, handle.start_time, handle.boot_id)) {
      gone = true
      return 0
    }
    const leftMs = handle.deadline_boot_ms - processIdentity.bootMs()
    if (objection !== null) ask(objection)
    else if (progress.outputBytes > agent.outputBytesMax) ask('output_limit')
    else if (leftMs <= 0) ask('timed_out')
    const nextMs = asked === null ? Math.max(leftMs, 1) : advanceStop()
    return Math.min(pollMs, Math.max(1, nextMs))
  }

  const untilEnd = async (): Promise<AgentEnd> => {
    while (!gone) {
      const pauseMs = poll()
      if (!gone) await sleep(pauseMs)
    }
    unwatch()
    const record = attempt(() => readExit(files, run.exit))
    const exitCode = record === null ? status : record.code
    const spare = agent.keepBackground && asked === null && exitCode === 0
    const swept = spare ? { found: [], left: [] } : await sweepMarked(handle.request_id, clock)
    // Once nothing runs any more the record may say so: a later runtime then takes the result instead of running again.
    if (record === null) attempt(() => writeExit(files, run.exit, exitCode))
    attempt(measure)
    return { exitCode, asked, swept, spared: spare ? carriersOf(handle.request_id) : [], at: clock.now() }
  }

  return {
    ended: untilEnd(),
    stop(reason) {
      ask(reason)
      wake()
    },
    progress: () => ({ ...progress }),
  }
}

/** Trouble with the disk must not keep an agent from being stopped: what cannot be read counts as not there. */
function attempt<T>(access: () => T): T | null {
  try {
    return access()
  } catch {
    return null
  }
}
