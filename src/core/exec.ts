/** The exec port: running a short program to its end (git, a project's tests). The runners implement it. */

export interface ExecOptions {
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  stdin?: string | Uint8Array
  timeoutMs: number
  /** Of stdout and stderr together; a program that prints more is ended. */
  outputBytesMax: number
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
