/** The `codex_cli` runner: Codex in its one-shot form, `codex exec --json`, with the prompt on stdin. */
import { clip } from '../core/clip.ts'
import type { Config } from '../core/config.ts'
import { objectInLine } from '../core/json-line.ts'
import type { StageRequest } from '../core/request.ts'
import type { PermissionLevel } from '../core/stage.ts'
import type { RunFiles } from './artifacts.ts'
import { causeOf, resetTime } from './failure.ts'
import type { Ended, Findings, Harness, Transcript } from './harness.ts'
import type { Line } from './lines.ts'
import type { RunnerProbe } from './runner.ts'
import { codexUsage, fieldsOf } from './usage.ts'

export type CodexConfig = Config['runners']['codex']

const PERMISSION_FLAGS: Readonly<Record<PermissionLevel, readonly string[]>> = {
  // `--full-auto` of older releases, which current ones refuse, stood for exactly this.
  basic: ['-c', 'approval_policy="never"', '--sandbox', 'workspace-write'],
  elevated: ['-c', 'approval_policy="never"', '--sandbox', 'danger-full-access'],
  maximum: ['--dangerously-bypass-approvals-and-sandbox'],
}

export const CODEX_PREFIXES = ['CODEX_', 'OPENAI_']
const WARNINGS_MAX = 10

/** By stage kind, then by model, then what node or mode say, then the default. */
export function permissionLevel(config: CodexConfig, request: StageRequest): PermissionLevel {
  return (
    own(config.permission_by_stage, request.stage_kind_id) ??
    own(config.permission_by_model, request.model_name) ??
    request.permission_level ??
    config.permission_default
  )
}

const own = <T>(table: Readonly<Record<string, T>>, key: string | null): T | undefined =>
  key !== null && Object.hasOwn(table, key) ? table[key] : undefined

/** The command line in its documented order (spec 04 §8.2); the last argument says that the prompt comes on stdin. */
export function codexArguments(config: CodexConfig, request: StageRequest, run: RunFiles): string[] {
  const effort = request.model_reasoning_effort ?? config.model_reasoning_effort
  return [
    config.command,
    ...config.args,
    ...(config.profile ? ['--profile', config.profile] : []),
    ...(config.skip_git_repo_check ? ['--skip-git-repo-check'] : []),
    ...(request.model_name ? ['--model', request.model_name] : []),
    ...PERMISSION_FLAGS[permissionLevel(config, request)],
    ...config.extra_config.flatMap((item) => ['-c', item]),
    ...(effort ? ['-c', `model_reasoning_effort="${effort}"`] : []),
    '--cd',
    request.workspace_root,
    '--json',
    '--output-last-message',
    run.lastMessage,
    '-',
  ]
}

/** `probe` looks for the binary; it is a parameter because it needs the processes of the machine. */
export function codexHarness(config: CodexConfig, probe: () => Promise<RunnerProbe>): Harness {
  return {
    name: 'codex_cli',
    output: 'events',
    command: (request, run) => ({
      argv: codexArguments(config, request, run),
      env: config.env,
      envPass: config.env_pass,
      envPrefixes: CODEX_PREFIXES,
    }),
    transcript: codexTranscript,
    probe,
  }
}

/** Reads the event stream. Unknown events and fields are ignored: two versions of the client already differ. */
export function codexTranscript(): Transcript {
  const usage = codexUsage()
  const warnings: string[] = []
  let sessionId: string | null = null
  let lastMessage: string | null = null
  let lastError: string | null = null
  let turnFailure: string | null = null
  let turnStarted = false
  let unreadableLines = 0

  const event = (fields: Record<string, unknown>): void => {
    usage.event(fields)
    switch (fields.type) {
      case 'thread.started':
        sessionId = idOf(fields.thread_id)
        break
      case 'turn.started':
        turnStarted = true
        break
      case 'turn.completed':
        turnFailure = null
        break
      case 'turn.failed':
        turnFailure = toldBy(fieldsOf(fields.error)?.message) ?? 'the turn failed'
        break
      case 'error': // also printed for a retry that then succeeds, and again and again while there is no network
        lastError = toldBy(fields.message)
        break
      case 'item.started':
      case 'item.completed': {
        const item = fieldsOf(fields.item)
        if (item?.type === 'agent_message') lastMessage = textOf(item.text) ?? lastMessage
        // An item of this type is a warning, not a failure: unknown model metadata gives one on every run.
        if (item?.type !== 'error')
          lastError = null // the work goes on, so the retry has succeeded
        else if (warnings.length < WARNINGS_MAX) warnings.push(toldBy(item.message) ?? 'unknown')
        break
      }
    }
  }

  return {
    line({ text, truncated }: Line) {
      if (text.trim() === '') return
      const fields = truncated ? null : objectInLine(text)
      if (fields === null) unreadableLines++
      else event(fields)
    },
    findings(end: Ended): Findings {
      const told = turnFailure ?? (end.exitCode === 0 ? null : lastError)
      // Before the first turn the reason is on stderr only; later stderr is free text and means nothing.
      const early = end.exitCode !== 0 && !turnStarted ? lastLines(end.stderr) : null
      const message = told ?? early
      const cause = message === null ? null : causeOf(message)
      const resets =
        message !== null && (cause === 'quota' || cause === 'rate_limit') ? resetTime(message, end.at) : null
      return {
        finalMessage: end.lastMessage?.trim() ? end.lastMessage : lastMessage,
        usage: usage.total(),
        sessionId,
        failure: message === null ? null : { cause, message, resetsAt: resets?.toISOString() ?? null },
        notes: [
          ...warnings.map((warning) => `codex warned: ${warning}`),
          ...(unreadableLines > 0 ? [`${unreadableLines} lines of the event log are not events or are too long`] : []),
        ],
      }
    },
  }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** Of errors and warnings, which are kept in records, a line may hold a megabyte. */
const TOLD_CHARS_MAX = 1000
const SESSION_ID_CHARS_MAX = 200

function toldBy(value: unknown): string | null {
  const text = textOf(value)
  return text === null ? null : clip(text, TOLD_CHARS_MAX)
}

function idOf(value: unknown): string | null {
  const id = textOf(value)
  return id !== null && id.length <= SESSION_ID_CHARS_MAX ? id : null
}

function lastLines(stderr: string | null): string | null {
  const text = stderr?.trim().slice(-500)
  return text ? text : null
}
