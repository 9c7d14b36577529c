/**
 * The runner contract: how the runtime starts an agent, follows it and ends it. Two verbs, because an agent must
 * outlive the runtime. Neither `start` nor `follow` ever rejects: every ending is a value.
 */
import type { StageRequest } from '../core/request.ts'
import type { RawResult, TokenUsage } from '../core/result.ts'
import type { QuotaAnswer } from '../core/subscription.ts'
import type { AgentEvent } from './agent-event.ts'
import type { Login } from './login.ts'

/**
 * What a later process needs to find and follow a started agent; kept as `runner_handle.<request_id>.json` in the run
 * folder. Every path in it follows from the request id, so an agent whose handle was not yet written is found all the same.
 */
export interface Handle {
  request_id: string
  run_id: string
  runner_name: string
  /** The keeper: leader of a session and process group of its own. */
  pid: number
  /** Start time of the process in clock ticks since boot (Linux) or as `ps` prints it (macOS). */
  start_time: string
  boot_id: string
  run_dir: string
  started_at: string
  /** Deadline on the boot clock, milliseconds since boot. */
  deadline_boot_ms: number
  stop_grace_seconds: number
}

export interface Progress {
  /** Monotonic time of the last sign of life (bytes written by the agent). */
  lastActivityMs: number
  outputBytes: number
}

/**
 * Looks at what a stage has used so far, after every event of its output. A sentence on the rule that is over stops the
 * stage as `over_budget`. A harness that tells of its use at its end only cannot be stopped by it.
 */
export type UsageWatch = (used: TokenUsage) => string | null

export interface Following {
  /** Resolves with how the agent ended, after the sweep. Never rejects. */
  result: Promise<RawResult>
  /** Three-step stop; resolves when no process of the stage is left. Idempotent. */
  stop(reason: 'cancelled' | 'killed'): Promise<void>
  progress(): Progress
}

/**
 * What an agent does, for whoever only looks on: another process as well, while it works or after. Reads the files of the
 * run folder, writes nothing, and holds one line at most, whatever the agent prints.
 */
export interface LiveView {
  /** Reads what was added since, at most `bytesMax` bytes; `more` if there is more to read. */
  read(bytesMax: number): { events: AgentEvent[]; more: boolean }
  /** What the last line tells, once the agent has ended: nothing need follow it. */
  end(): AgentEvent[]
  /** Tokens used as far as it was read; null while the agent has not told of any. */
  usage(): TokenUsage | null
  /** When the agent was started, ISO time; null if it was not yet. */
  startedAt(): string | null
  /** When it last wrote anything, in milliseconds since the epoch; null if it never did. */
  lastOutputMs(): number | null
}

/** What is left of a stage whose runtime died (design §6, the cases of resume). */
export type Remains =
  | { state: 'finished' } // exit record on disk: `follow` gives the result at once
  | { state: 'alive'; handle: Handle }
  | { state: 'gone'; begun: boolean } // no process, no exit record; `begun`: an agent had been started

export interface RunnerProbe {
  runner: string
  ok: boolean
  /** The program it was asked to look for. */
  program?: string
  /** Resolved path of the binary, if found. */
  binary: string | null
  version: string | null
  /** What it has to log in with; absent for a program that needs none, or was not found. */
  login?: Login
  /** One sentence, when not ok. */
  problem: string | null
  remedy: string | null
}

export interface Runner {
  readonly name: string
  /** True if an agent survives the death of the runtime and can be followed again. */
  readonly adoptable: boolean
  /**
   * Writes prompt and invocation artifacts, then starts the agent. Resolves to a raw result if it could not be started;
   * rejects with the error of a disk that refused, which is no fault of the agent.
   */
  start(request: StageRequest): Promise<Handle | RawResult>
  /** Follows a started agent to its end; writes the completion artifacts. May be called by another process than `start`. */
  follow(request: StageRequest, handle: Handle, watch?: UsageWatch): Following
  /** Looks on, from the beginning of what the agent printed. */
  view(request: StageRequest): LiveView
  /** Looks for what an earlier runtime left of this request. */
  remains(request: StageRequest): Promise<Remains>
  /** Result of a stage whose exit record is on disk though nobody followed it. */
  collect(request: StageRequest): Promise<RawResult>
  /** Ends every process that still carries the request's marker; gives how many it ended. */
  sweep(requestId: string): Promise<number>
  /** Whether its program is there and starts. `lookOnly`: starts nothing, so that no version is told. */
  probe(lookOnly?: boolean): Promise<RunnerProbe>
  /**
   * Asks what is used of the subscription it is logged in with; absent where that cannot be asked. Bounded in time, never
   * rejects; `signal` ends it early.
   */
  quota?(signal: AbortSignal): Promise<QuotaAnswer>
}

export function isHandle(started: Handle | RawResult): started is Handle {
  return 'pid' in started
}
