/** Reads the event log of Pi as the driver left it (protocol.ts). Unknown records and members are ignored. */
import type { TokenUsage } from '../../core/result.ts'
import { addUsage } from '../../core/usage.ts'
import { type AgentEvent, told } from '../agent-event.ts'
import { eventLines } from '../event-lines.ts'
import { failureOf } from '../failure.ts'
import { countOf, type Fields, fieldsOf, idOf, lastLines, textOf, toldBy } from '../fields.ts'
import type { Ended, Findings, Transcript } from '../harness.ts'
import { assistantMessage, isFailure, LAST_TEXT, STATS } from './protocol.ts'

/** Questions of an extension: there is nobody to answer them. */
const DIALOGS: readonly unknown[] = ['select', 'confirm', 'input', 'editor']

export function piTranscript(): Transcript {
  let messages: TokenUsage | null = null
  let session: TokenUsage | null = null
  let sessionId: string | null = null
  let lastText: string | null = null
  let answeredText: string | null = null
  let rejected: string | null = null
  /** What the last attempt failed with, until one does not. */
  let failed: string | null = null
  let isCutOff = false
  let hasBegun = false
  let hasEnded = false

  const message = (record: Fields): AgentEvent[] => {
    const own = assistantMessage(record)
    if (own === null) return []
    const usage = piUsage(own.usage, fieldsOf(fieldsOf(own.usage)?.cost)?.total)
    if (usage !== null) messages = messages === null ? usage : addUsage(messages, usage)
    if (isFailure(own.stopReason)) {
      // An abort in the middle of trying again is not what it failed of.
      if (own.stopReason === 'error' || failed === null) failed = toldBy(own.errorMessage) ?? 'Pi names no reason'
      return own.stopReason === 'error' ? [{ event: 'warning', text: told(own.errorMessage) }] : []
    }
    failed = null
    isCutOff = own.stopReason === 'length'
    const parts = contentOf(own)
    lastText = textOf(parts.map((part) => textOf(part.text) ?? '').join('')) ?? lastText
    return parts.flatMap((part): AgentEvent[] => {
      if (part.type === 'text') return [{ event: 'message', text: told(part.text) }]
      return part.type === 'thinking' ? [{ event: 'reasoning', text: told(part.thinking) }] : []
    })
  }

  const answer = (record: Fields): void => {
    if (record.command === 'prompt' && record.success === false)
      rejected = toldBy(record.error) ?? 'Pi refused the prompt'
    const members = fieldsOf(record.data)
    if (record.id === LAST_TEXT) answeredText = textOf(members?.text)
    if (record.id === STATS) {
      sessionId = idOf(members?.sessionId)
      session = piUsage(members?.tokens, members?.cost)
    }
  }

  const event = (record: Fields): AgentEvent[] => {
    switch (record.type) {
      case 'agent_start':
        hasBegun = true
        hasEnded = false
        return []
      case 'agent_end':
        hasEnded = true
        return []
      case 'message_end':
        return message(record)
      case 'response':
        answer(record)
        return []
      case 'tool_execution_start':
        return [{ event: 'tool_started', ...toolOf(record), detail: detailOf(record.args) }]
      case 'tool_execution_end':
        return [
          {
            event: 'tool_ended',
            ...toolOf(record),
            ok: record.isError !== true,
            detail: told(
              contentOf(fieldsOf(record.result) ?? {})
                .map((part) => part.text)
                .find(textOf),
            ),
          },
        ]
      case 'auto_retry_start':
        return [{ event: 'retry', text: told(record.errorMessage) }]
      case 'compaction_start':
        return [{ event: 'warning', text: told(`the context is made smaller (${record.reason})`) }]
      case 'extension_error':
        return [{ event: 'warning', text: told(`extension ${record.extensionPath}: ${record.error}`) }]
      case 'extension_ui_request':
        return DIALOGS.includes(record.method)
          ? [{ event: 'warning', text: told(`answered with a cancel, as nobody is there: ${record.title}`) }]
          : []
    }
    return []
  }

  /** After a compaction the session has forgotten its first messages, and a message may be too long for its line. */
  const usage = (): TokenUsage | null =>
    (session?.total_tokens ?? 0) > (messages?.total_tokens ?? 0) ? session : (messages ?? session)

  const stream = eventLines(event)
  return {
    line: stream.line,
    usage,
    isOver: () => hasEnded && failed === null,
    findings(end: Ended): Findings {
      const isCut = end.exitCode !== 0 && !hasEnded
      // Before the agent has begun, and where Pi went away in the middle, the reason is on stderr only.
      const reported = rejected ?? failed ?? (isCut ? lastLines(end.stderr) : null)
      return {
        finalMessage: reported === null ? (answeredText ?? lastText) : null,
        usage: usage(),
        sessionId,
        failure: reported === null ? null : failureOf(reported, end.at),
        notes: [
          ...stream.notes(),
          ...(isCutOff ? ['the model cut the last message off at its greatest length'] : []),
          ...(hasBegun && isCut ? ['pi ended before its agent did'] : []),
        ],
      }
    },
  }
}

/** Pi counts cached tokens apart from the input; its sums have the same members as one message. */
function piUsage(value: unknown, cost: unknown): TokenUsage | null {
  const fields = fieldsOf(value)
  if (fields === null) return null
  const fresh = countOf(fields, 'input')
  const output = countOf(fields, 'output')
  if (fresh === null || output === null) return null
  const cached = countOf(fields, 'cacheRead') ?? 0
  const written = countOf(fields, 'cacheWrite') ?? 0
  const input = Math.min(fresh + cached + written, Number.MAX_SAFE_INTEGER)
  return {
    input_tokens: input,
    cached_input_tokens: cached,
    output_tokens: output,
    thinking_tokens: 0,
    total_tokens: Math.min(input + output, Number.MAX_SAFE_INTEGER),
    cache_write_tokens: written,
    // Nothing is what Pi says of a model whose price it does not know.
    ...(typeof cost === 'number' && Number.isFinite(cost) && cost > 0 ? { cost_usd: cost } : {}),
  }
}

const contentOf = (holder: Fields): Fields[] =>
  Array.isArray(holder.content) ? holder.content.map(fieldsOf).filter((part) => part !== null) : []

const toolOf = (record: Fields): { id: string | null; tool: string } => ({
  id: idOf(record.toolCallId),
  tool: told(record.toolName),
})

/** The command of a shell, the path of a file, else all arguments. */
function detailOf(value: unknown): string {
  const args = fieldsOf(value) ?? {}
  return told(textOf(args.command) ?? textOf(args.path) ?? JSON.stringify(args))
}
