/** What an operation gets from the composition root: ports, and which workspace is meant. */
import type { Clock } from '../core/clock.ts'
import { MillraceError } from '../core/errors.ts'
import type { Exec } from '../core/exec.ts'
import type { Files } from '../core/files.ts'
import type { EnginePorts } from '../engine/engine.ts'
import { isInitialised, type Places, placesOf } from '../store/layout.ts'
import type { Processes } from '../store/lock.ts'

export interface Context {
  files: Files
  clock: Clock
  processes: Processes
  /** Root of the packaged assets. */
  packageRoot: string
  version: string
  workspaceRoot: string
  /** `KEY=VALUE` overrides of the config for this command. */
  overrides: readonly string[]
  /** How long a change waits for a running daemon to carry it out; 0 = not at all. */
  waitSeconds: number
  /** Only say what a change would do. */
  dryRun: boolean
  /** Carry a change out that by itself is only previewed. */
  apply: boolean
  /** The state a change is meant for; it is refused in any other. */
  ifState: string | null
  runnerNames: readonly string[]
  validators: readonly string[]
  runners: EnginePorts['runners']
  /** Ends every process that carries a request's marker; gives how many. */
  sweep: (requestId: string) => Promise<number>
  /** Runs a program to its end: git, a project's tests. */
  exec: Exec
  /** Our own environment; whoever starts a program picks what it needs. */
  environment: Readonly<Record<string, string | undefined>>
  /** A line for the operator that is no part of the output (stderr). */
  notice: (line: string) => void
  /** A line of live output of long-running commands (stdout of `run daemon --monitor`, the demo). */
  print: (line: string) => void
  /** Takes one record of an operation that follows something; resolves once there is room for the next. */
  tell: (record: object) => Promise<void>
  /** Called when nobody reads the answer any more. */
  onClosed: (listener: () => void) => void
  /** Called on SIGINT and SIGTERM while a command runs; gives back how to stop listening. */
  onSignal: (listener: (signal: 'SIGINT' | 'SIGTERM') => void) => () => void
  /** Text of a file the user named; throws `file_unreadable`. `-` is stdin. */
  readUserFile: (file: string) => Promise<Uint8Array>
  /** True if the caller looks at a terminal and wants live output. */
  live: boolean
}

export const placesIn = (context: Context): Places => placesOf(context.workspaceRoot)

/** Refuses where no runtime root is; readers never create one. */
export function requireWorkspace(context: Context): void {
  if (isInitialised(context.files, placesIn(context))) return
  throw new MillraceError('workspace_missing', `There is no Millrace workspace in ${context.workspaceRoot}.`, {
    hint: `create one with: millrace init --workspace ${context.workspaceRoot}`,
  })
}
