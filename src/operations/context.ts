/** What an operation gets from the composition root: ports, and which workspace is meant. */
import type { Clock } from '../core/clock.ts'
import { MillraceError } from '../core/errors.ts'
import type { Detach, Exec } from '../core/exec.ts'
import type { Files } from '../core/files.ts'
import type { Post } from '../core/post.ts'
import type { StageRequest } from '../core/request.ts'
import type { Signs } from '../core/signs.ts'
import type { EnginePorts } from '../engine/engine.ts'
import { isInitialised, type Places, placesOf } from '../store/layout.ts'
import type { Processes } from '../store/lock.ts'
import type { Ask } from './ask.ts'

type LiveView = ReturnType<NonNullable<ReturnType<ReturnType<EnginePorts['runners']>['get']>>['view']>

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
  /** Looks for signs of life of an agent. An output younger than `freshMs` makes watching its processes needless. */
  signs: (request: StageRequest, view: LiveView | null, freshMs: number) => Promise<Signs>
  /** True if a process of this machine is stopped by a signal. */
  isStopped: (pid: number) => Promise<boolean>
  /** Runs a program to its end: git, a project's tests. */
  exec: Exec
  /** Sends a notification to a webhook. */
  post: Post
  /** Our own environment; whoever starts a program picks what it needs. */
  environment: Readonly<Record<string, string | undefined>>
  /** A line for the operator that is no part of the output (stderr). */
  notice: (line: string) => void
  /** A line of live output of long-running commands (stdout of `run daemon --monitor`, the demo). */
  print: (line: string) => void
  /** Takes one record of an operation that follows something; resolves once there is room for the next. */
  tell: (record: object) => Promise<void>
  /** Command line of this very program: what runs it, and its file. */
  program: readonly string[]
  /** Starts a program that goes on after us. */
  detach: Detach
  /** Memory and CPU time of a process of this machine; null if it is gone or hidden. */
  usedBy: (pid: number) => { memoryBytes: number; cpuMs: number } | null
  /** Tells whoever started this program that it has the workspace and is at work. */
  ready: () => void
  /** Called when nobody reads the answer any more. */
  onClosed: (listener: () => void) => void
  /** Called on SIGINT and SIGTERM while a command runs; gives back how to stop listening. */
  onSignal: (listener: (signal: 'SIGINT' | 'SIGTERM') => void) => () => void
  /** Text of a file the user named; throws `file_unreadable`. `-` is stdin. */
  readUserFile: (file: string) => Promise<Uint8Array>
  /** For asking a person; null where there is no terminal to ask on. */
  ask: () => Promise<Ask | null>
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
