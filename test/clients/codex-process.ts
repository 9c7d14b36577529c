/**
 * Starts the real Codex CLI against the scripted model server, with an environment built from nothing. For tests of
 * client and server alone; the runtime's own way of starting Codex is not used here.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { endProcessesWith, processesWith } from './process-table.ts'

/** Name of the marker variable by which processes of one run are found again. */
const RUN_TAG = 'RUN_TAG'
export const STUB_KEY_VARIABLE = 'STUB_API_KEY'
export const STUB_KEY = 'sk-test'
const RUN_MS_MAX = 60_000
const GRACE_MS = 2_000

export interface CodexHomeOptions {
  idleTimeoutMs?: number
  /** Retries of a request that failed; streams are never retried. */
  requestRetries?: number
  /** Leaves it to the client when Codex has to ask; by itself the home says never. */
  mayAsk?: true
}

/**
 * Writes a throw-away CODEX_HOME whose only provider is the server at `url`.
 * @returns the variables a Codex process needs to use it
 */
export function writeCodexHome(codexHome: string, url: string, options: CodexHomeOptions = {}): Record<string, string> {
  mkdirSync(codexHome, { recursive: true })
  const config = [
    'model = "stub-model"',
    'model_provider = "stub"',
    ...(options.mayAsk ? [] : ['approval_policy = "never"']),
    '',
    '[model_providers.stub]',
    'name = "stub"',
    `base_url = "${url}/v1"`,
    `env_key = "${STUB_KEY_VARIABLE}"`,
    'wire_api = "responses"',
    `request_max_retries = ${options.requestRetries ?? 0}`,
    'stream_max_retries = 0',
    `stream_idle_timeout_ms = ${options.idleTimeoutMs ?? 15_000}`,
    '',
  ]
  writeFileSync(join(codexHome, 'config.toml'), config.join('\n'))
  return { CODEX_HOME: codexHome, [STUB_KEY_VARIABLE]: STUB_KEY }
}

export interface CodexEvent {
  type: string
  thread_id?: string
  message?: string
  error?: { message: string }
  usage?: Record<string, number>
  item?: {
    id: string
    type: string
    text?: string
    command?: string
    exit_code?: number | null
    status?: string
    aggregated_output?: string
  }
}

export interface CodexRun {
  exitCode: number | null
  signal: NodeJS.Signals | null
  /** Every line of stdout that is JSON; `otherLines` has the rest. */
  events: CodexEvent[]
  otherLines: string[]
  stderr: string
  durationMs: number
  /** True if the run had to be ended because it took longer than its limit. */
  overLimit: boolean
}

export interface RunningCodex {
  readonly pid: number
  /** Value of the marker variable; see `leftovers`. */
  readonly tag: string
  readonly ended: Promise<CodexRun>
  /** Resolves with the first event that satisfies `wanted`; rejects if Codex ends without one. */
  until(wanted: (event: CodexEvent) => boolean): Promise<CodexEvent>
  /** Sends a signal to the process group of the client. */
  signal(name: NodeJS.Signals): void
}

export interface CodexStart {
  command: string
  /** Throw-away HOME; the client's config lies in `.codex` below it. */
  home: string
  codexVariables: Record<string, string>
  cwd: string
  /** Goes to stdin, which is closed after it. */
  prompt: string
  sandbox?: 'read-only' | 'workspace-write' | 'danger-full-access'
  /** Thread to go on with. */
  resume?: string
  limitMs?: number
}

/** Starts `codex exec --json` in a process group of its own. Every run ends: by itself, by a signal, or at its limit. */
export function startCodex(start: CodexStart): RunningCodex {
  const tag = `tag-${randomUUID()}`
  const began = performance.now()
  const sandbox = ['-s', start.sandbox ?? 'danger-full-access', '-C', start.cwd]
  const args = [
    'exec',
    '--json',
    '--skip-git-repo-check',
    ...sandbox,
    ...(start.resume === undefined ? [] : ['resume', start.resume]),
    '-',
  ]
  const child = spawn(start.command, args, {
    cwd: start.cwd,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: start.home, TERM: 'dumb', [RUN_TAG]: tag, ...start.codexVariables },
  })
  const events: CodexEvent[] = []
  const otherLines: string[] = []
  const waiting = new Set<(event: CodexEvent) => void>()
  let stderr = ''
  eachLine(child, (line) => {
    try {
      const event = JSON.parse(line) as CodexEvent
      events.push(event)
      for (const tell of waiting) tell(event)
    } catch {
      otherLines.push(line)
    }
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin.on('error', () => {}) // a client that ends before it has read its prompt
  child.stdin.end(start.prompt)

  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(-child.pid!, name)
    } catch {
      // The group is gone already.
    }
  }
  let overLimit = false
  const limit = setTimeout(() => {
    overLimit = true
    signal('SIGTERM')
    setTimeout(() => signal('SIGKILL'), GRACE_MS).unref()
  }, start.limitMs ?? RUN_MS_MAX)
  const ended = new Promise<CodexRun>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode, endSignal) => {
      clearTimeout(limit)
      resolve({
        exitCode,
        signal: endSignal,
        events,
        otherLines,
        stderr,
        durationMs: performance.now() - began,
        overLimit,
      })
    })
  })
  const until = (wanted: (event: CodexEvent) => boolean) =>
    new Promise<CodexEvent>((resolve, reject) => {
      const tell = (event: CodexEvent) => {
        if (!wanted(event)) return
        waiting.delete(tell)
        resolve(event)
      }
      for (const event of events) tell(event)
      waiting.add(tell)
      ended.then((run) => reject(new Error(`codex ended first, exit ${run.exitCode}: ${run.stderr}`)), reject)
    })
  return { pid: child.pid!, tag, ended, until, signal }
}

/** Processes that still carry the marker of a run, as `pid command`. Linux only. */
export const leftovers = (tag: string): string[] => processesWith(`${RUN_TAG}=${tag}`)

/** Ends whatever still carries the marker of a run, so that a failed test leaves nothing behind. Linux only. */
export const endLeftovers = (tag: string): void => endProcessesWith(`${RUN_TAG}=${tag}`)

/** Splits on LF only: JSON strings may carry U+2028, at which general line readers split too. */
function eachLine(child: ChildProcess, take: (line: string) => void): void {
  let rest = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const line of lines) if (line !== '') take(line)
  })
}
