/** The `codex_cli` runner: Codex in its one-shot form, `codex exec --json`, with the prompt on stdin. */
import type { Config } from '../../core/config.ts'
import { permissionLevel } from '../../core/permission.ts'
import type { StageRequest } from '../../core/request.ts'
import type { TokenUsage } from '../../core/result.ts'
import type { PermissionLevel } from '../../core/stage.ts'
import { lessUsage } from '../../core/usage.ts'
import { type AgentEvent, told } from '../agent-event.ts'
import type { RunFiles } from '../artifacts.ts'
import { eventLines } from '../event-lines.ts'
import { failureOf } from '../failure.ts'
import { fieldsOf, idOf, lastLines, textOf, toldBy } from '../fields.ts'
import type { Ended, Findings, Harness, Transcript } from '../harness.ts'
import { codexUsage } from './usage.ts'

export type CodexConfig = Config['runners']['codex']

const PERMISSION_FLAGS: Readonly<Record<PermissionLevel, readonly string[]>> = {
  // `--full-auto` of older releases, which current ones refuse, stood for exactly this.
  basic: ['-c', 'approval_policy="never"', '--sandbox', 'workspace-write'],
  elevated: ['-c', 'approval_policy="never"', '--sandbox', 'danger-full-access'],
  maximum: ['--dangerously-bypass-approvals-and-sandbox'],
}

export const CODEX_PREFIXES = ['CODEX_', 'OPENAI_']
const WARNINGS_MAX = 10

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
    // What `resume` has no flags for, it takes from those before it.
    ...(request.resume_session === null ? [] : ['resume', request.resume_session.session_id]),
    '-',
  ]
}

/** `probe` looks for the binary, `quota` asks for the account: parameters, because they need the processes of the machine. */
export function codexHarness(config: CodexConfig, probe: Harness['probe'], quota?: Harness['quota']): Harness {
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
    ...(quota === undefined ? {} : { quota }),
  }
}

/** Reads the event stream. Unknown events and fields are ignored: two versions of the client already differ. */
export function codexTranscript(continued: StageRequest['resume_session'] = null): Transcript {
  const counted = codexUsage()
  const warnings: string[] = []
  let sessionId: string | null = null
  let lastMessage: string | null = null
  let lastError: string | null = null
  let turnFailure: string | null = null
  let turnStarted = false
  let turnOver = false

  const stream = eventLines((fields) => {
    counted.event(fields)
    switch (fields.type) {
      case 'thread.started':
        sessionId = idOf(fields.thread_id)
        break
      case 'turn.started':
        turnStarted = true
        turnOver = false
        break
      case 'turn.completed':
        turnFailure = null
        turnOver = true
        break
      case 'turn.failed':
        turnFailure = toldBy(fieldsOf(fields.error)?.message) ?? 'the turn failed'
        turnOver = true
        break
      case 'error': // also printed for a retry that then succeeds, and again and again while there is no network
        lastError = toldBy(fields.message)
        return [{ event: 'retry', text: told(fields.message) }]
      case 'item.started':
      case 'item.completed': {
        const item = fieldsOf(fields.item)
        if (item?.type === 'agent_message') lastMessage = textOf(item.text) ?? lastMessage
        // An item of this type is a warning, not a failure: unknown model metadata gives one on every run.
        if (item?.type !== 'error')
          lastError = null // the work goes on, so the retry has succeeded
        else if (warnings.length < WARNINGS_MAX) warnings.push(toldBy(item.message) ?? 'unknown')
        return item === null ? [] : itemEvents(item, fields.type === 'item.completed')
      }
    }
    return []
  })

  /** After a resume Codex tells of the whole thread, what earlier stages used in it included. */
  const usage = (): TokenUsage | null => {
    const total = counted.total()
    const before = sessionId === continued?.session_id ? continued?.used_before : null
    return total !== null && before ? lessUsage(total, before) : total
  }

  return {
    line: stream.line,
    usage,
    isOver: () => turnOver,
    findings(end: Ended): Findings {
      const reported = turnFailure ?? (end.exitCode === 0 ? null : lastError)
      // Before the first turn the reason is on stderr only; later stderr is free text and means nothing.
      const early = end.exitCode !== 0 && !turnStarted ? lastLines(end.stderr) : null
      const message = reported ?? early
      return {
        finalMessage: end.lastMessage?.trim() ? end.lastMessage : lastMessage,
        usage: usage(),
        sessionId,
        failure: message === null ? null : failureOf(message, end.at),
        notes: [...warnings.map((warning) => `codex warned: ${warning}`), ...stream.notes()],
      }
    },
  }
}

/** Items that stand for the work of a tool, with the member that says which work. */
const TOOL_ITEMS: Readonly<Record<string, string>> = {
  command_execution: 'command',
  file_change: 'changes',
  mcp_tool_call: 'tool',
  web_search: 'query',
}

function itemEvents(item: Record<string, unknown>, isOver: boolean): AgentEvent[] {
  const type = String(item.type)
  if (type === 'agent_message') return isOver ? [{ event: 'message', text: told(item.text) }] : []
  if (type === 'reasoning') return isOver ? [{ event: 'reasoning', text: told(item.text) }] : []
  if (type === 'error') return [{ event: 'warning', text: told(item.message) }]
  if (!Object.hasOwn(TOOL_ITEMS, type)) return []
  const work = item[TOOL_ITEMS[type]!]
  const detail = told(typeof work === 'string' ? work : JSON.stringify(work))
  const id = idOf(item.id)
  if (!isOver) return [{ event: 'tool_started', id, tool: type, detail }]
  return [{ event: 'tool_ended', id, tool: type, ok: item.status !== 'failed', detail }]
}
