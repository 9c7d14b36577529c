/**
 * What is particular about one one-shot harness: its command line, and how to read what it printed. Starting,
 * following, stopping and recording are the same for all and live in one-shot.ts.
 */
import type { StageRequest } from '../core/request.ts'
import type { FailureCause, TokenUsage } from '../core/result.ts'
import type { RunFiles } from './artifacts.ts'
import type { Line } from './lines.ts'
import type { RunnerProbe } from './runner.ts'

export interface Command {
  /** Program and arguments. The prompt comes on stdin and is not among them. */
  argv: string[]
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
  /** The command line, or one sentence on why there is none. */
  command(request: StageRequest, run: RunFiles): Command | { refused: string }
  /** A fresh reading of one stage's output. */
  transcript(): Transcript
  probe(): Promise<RunnerProbe>
}

/** Fold over what one agent printed. */
export interface Transcript {
  /** One line of the event stream; not called for text. */
  line(line: Line): void
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
  line: () => {},
  findings: (end) => ({
    finalMessage: end.stdout?.trim() ? end.stdout : null,
    usage: null,
    sessionId: null,
    failure: null,
    notes: [],
  }),
})
