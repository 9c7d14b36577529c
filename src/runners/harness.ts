/**
 * What is particular about one one-shot harness: its command line, and how to read what it printed. Starting,
 * following, stopping and recording are the same for all and live in one-shot.ts.
 */
import type { StageRequest } from '../core/request.ts'
import type { FailureCause, TokenUsage } from '../core/result.ts'
import type { QuotaAnswer } from '../core/subscription.ts'
import type { AgentEvent } from './agent-event.ts'
import type { RunFiles } from './artifacts.ts'
import type { Line } from './lines.ts'
import type { RunnerProbe } from './runner.ts'

export interface Command {
  /** Program and arguments. The prompt comes on stdin and is not among them. */
  argv: string[]
  /** Program that must be there as well, where `argv` starts one of ours that starts it. */
  needs?: string
  /** Variables the configuration sets. */
  env: Record<string, string>
  /** Names passed on beyond the allow-list. */
  envPass: string[]
  /** Prefixes of variables that are the harness's own. */
  envPrefixes: string[]
}

export interface Harness {
  readonly name: string
  /** What the program prints: an event stream (kept as `runner_events`) or text (kept as `runner_stdout`). */
  readonly output: 'events' | 'text'
  /** The command line, or one sentence on why there is none; the cause is a missing program unless it says otherwise. */
  command(request: StageRequest, run: RunFiles): Command | { refused: string; cause?: FailureCause }
  /** A fresh reading of one stage's output; `continued`: the session it goes on with, of which some count all that was used. */
  transcript(continued?: StageRequest['resume_session']): Transcript
  /** As `Runner.probe`. */
  probe(lookOnly?: boolean): Promise<RunnerProbe>
  /** As `Runner.quota`. */
  quota?(signal: AbortSignal): Promise<QuotaAnswer>
}

/** Fold over what one agent printed. */
export interface Transcript {
  /** Takes one line of the event stream; gives what the agent did, as far as the line tells. Not called for text. */
  line(line: Line): AgentEvent[]
  /** Tokens used so far; null while the stream has not told of any. */
  usage(): TokenUsage | null
  /**
   * True while the stream says that the work is over, so that nothing is left to stop: a harness that tells of its use
   * only then has spent it. Without it, the work goes on until the process ends.
   */
  isOver?(): boolean
  findings(end: Ended): Findings
}

/** What is known once the process has ended. Texts are the last part of the file only, if it is long. */
export interface Ended {
  exitCode: number | null
  at: Date
  stdout: string | null
  stderr: string | null
  lastMessage: string | null
}

export interface Findings {
  finalMessage: string | null
  usage: TokenUsage | null
  sessionId: string | null
  /** Set if the harness itself reported failure; `cause` only if it is one of the surroundings. */
  failure: { cause: FailureCause | null; message: string; resetsAt: string | null } | null
  notes: string[]
}

/** For programs whose stdout simply is the final message. */
export const textTranscript = (): Transcript => ({
  line: () => [],
  usage: () => null,
  findings: (end) => ({
    finalMessage: end.stdout?.trim() ? end.stdout : null,
    usage: null,
    sessionId: null,
    failure: null,
    notes: [],
  }),
})
