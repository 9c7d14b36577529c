/** Running programs: a short one to its end (git, a project's tests), and one that goes on after us. The runners implement both. */

export interface ExecOptions {
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  stdin?: string | Uint8Array
  timeoutMs: number
  /** Of stdout and stderr together; a program that prints more is ended. */
  outputBytesMax: number
  /** Ends the program early, with its group. */
  signal?: AbortSignal
  /** How stdout and stderr become text: `latin1` keeps every byte, as one character each (default: `utf8`). */
  encoding?: 'utf8' | 'latin1'
}

export interface ExecResult {
  /** Null if it was ended by a signal; 127 if there is no such program, 126 if it could not be started otherwise. */
  code: number | null
  stdout: string
  stderr: string
  timedOut: boolean
  /** True if it printed more than allowed and was ended for that. */
  truncated: boolean
}

export type Exec = (file: string, args: readonly string[], options: ExecOptions) => Promise<ExecResult>

export interface DetachOptions {
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  /** Open descriptor that takes stdout and stderr; the caller closes its own copy afterwards. */
  output: number
}

export interface Detached {
  pid: number
  /** How it went on: at work, as it told us itself, or ended before it did. `code` is null if a signal ended it. */
  begun: Promise<{ ready: true } | { ready: false; code: number | null; signal: string | null }>
  /** Lets go of it: it no longer keeps this process waiting. */
  leave(): void
}

/** Starts a program in a session of its own, without terminal or input. Gives the reason if it could not be started. */
export type Detach = (
  file: string,
  args: readonly string[],
  options: DetachOptions,
) => Promise<Detached | { problem: string }>
