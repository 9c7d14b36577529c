/** Reads the event log of an agent of the Agent Client Protocol as the driver left it (protocol.ts). */
import type { FailureCause } from '../../core/result.ts'
import { type AgentEvent, told } from '../agent-event.ts'
import { eventLines } from '../event-lines.ts'
import { failureOf } from '../failure.ts'
import { type Fields, fieldsOf, idOf, lastLines, textOf, toldBy } from '../fields.ts'
import type { Ended, Findings, Transcript } from '../harness.ts'
import { OWN, REQUESTS } from './protocol.ts'
import { spokenText } from './text.ts'
import { toolCalls } from './tool-calls.ts'
import { acpUsage } from './usage.ts'

type Failure = NonNullable<Findings['failure']>

const NOTES_MAX = 10
const OURS: ReadonlySet<unknown> = new Set(Object.values(REQUESTS))
/** Codex over ACP says this as if it were the model, before the model says anything. */
const CODEX_WARNING = /^Model metadata for .{1,200} not found\. Defaulting to fallback metadata/

/** Why a turn ended, other than that the work was done. */
const STOPPED: Readonly<Record<string, string>> = {
  max_tokens: 'the answer of the model was longer than it may be',
  max_turn_requests: 'the agent made as many requests in one turn as it may',
  refusal: 'the model refused to go on',
  cancelled: 'the turn was cancelled',
}

export function acpTranscript(): Transcript {
  const usage = acpUsage()
  const tools = toolCalls()
  const speech = spokenText()
  const thoughts = spokenText()
  const notes: string[] = []
  let untold = 0
  let sessionId: string | null = null
  let isOpen = false
  /** Set once the turn is over, one way or the other. */
  let ending: { stopReason: string | null } | null = null
  let error: Fields | null = null
  let refused: string | null = null

  const note = (text: string): void => {
    if (notes.length < NOTES_MAX) notes.push(text)
    else untold++
  }

  const messages = (text: string | null): AgentEvent[] =>
    text === null ? [] : [{ event: 'message', text: told(text) }]
  const reasoning = (text: string | null): AgentEvent[] =>
    text === null ? [] : [{ event: 'reasoning', text: told(text) }]
  const flush = (): AgentEvent[] => [...messages(speech.flush()), ...reasoning(thoughts.flush())]

  /** A call that is heard of for the first time begins, however it is told. */
  const toolCall = (fields: Fields): AgentEvent[] => {
    const { id, call, isNew } = tools.told(fields)
    const events: AgentEvent[] = []
    const about = { id: idOf(id), tool: call.kind, detail: told(call.title) }
    if (isNew) {
      events.push(...flush(), { event: 'tool_started', ...about })
      speech.clear()
    }
    if (fields.status === 'completed' || fields.status === 'failed') {
      events.push({ event: 'tool_ended', ...about, ok: fields.status === 'completed' })
    }
    return events
  }

  const update = (fields: Fields): AgentEvent[] => {
    const text = textOf(fieldsOf(fields.content)?.text) ?? ''
    switch (fields.sessionUpdate) {
      case 'agent_message_chunk':
        if (CODEX_WARNING.test(text) && speech.text() === '') {
          note(`the agent warned: ${told(text)}`)
          return [{ event: 'warning', text: told(text) }]
        }
        return [...reasoning(thoughts.flush()), ...messages(speech.chunk(text, idOf(fields.messageId)))]
      case 'agent_thought_chunk':
        speech.pause()
        return [...messages(speech.flush()), ...reasoning(thoughts.chunk(text, idOf(fields.messageId)))]
      case 'tool_call':
      case 'tool_call_update':
        return toolCall(fields)
      case 'usage_update':
        speech.pause()
        usage.update(fields)
    }
    return []
  }

  /** What came before is the history of a session that is gone on with. */
  const opened = (id: unknown): void => {
    sessionId = idOf(id) ?? sessionId
    isOpen = true
    speech.clear()
    usage.begin()
  }

  const answered = (fields: Fields): AgentEvent[] => {
    if (!OURS.has(fields.id)) return []
    const result = fieldsOf(fields.result)
    if (fields.id === REQUESTS.prompt) ending = { stopReason: textOf(result?.stopReason) }
    if (fieldsOf(fields.error) !== null) error = fieldsOf(fields.error)
    else if (fields.id === REQUESTS.newSession || fields.id === REQUESTS.loadSession) opened(result?.sessionId)
    else if (fields.id === REQUESTS.prompt && result !== null) usage.turn(result)
    return fields.id === REQUESTS.prompt ? flush() : []
  }

  const ownLine = (method: string, params: Fields): AgentEvent[] => {
    if (method === OWN.refused) refused = toldBy(params.message)
    if (method === OWN.noted) note(told(params.message))
    if (method !== OWN.answered || String(params.answer).startsWith('allow')) return []
    const text = told(`refused at level ${String(params.level)}: ${String(params.kind)} ${String(params.title)}`)
    note(text)
    return [{ event: 'warning', text }]
  }

  const stream = eventLines((fields) => {
    const method = textOf(fields.method)
    const params = fieldsOf(fields.params) ?? {}
    if (method === null) return answered(fields)
    if (method === 'session/request_permission') return toolCall(fieldsOf(params.toolCall) ?? {})
    if (method !== 'session/update') return ownLine(method, params)
    sessionId ??= idOf(params.sessionId)
    const events = update(fieldsOf(params.update) ?? {})
    return isOpen ? events : []
  })

  const failure = (end: Ended): Failure | null => {
    if (refused !== null) return failureOf(refused, end.at)
    if (error !== null) return errorFailure(error, end.at)
    if (ending === null) {
      // Before its session is open the reason is on stderr only; later stderr is free text and means nothing.
      const early = isOpen ? null : lastLines(end.stderr)
      return early === null ? plain('The agent ended in the middle of its turn.') : failureOf(early, end.at)
    }
    const { stopReason } = ending
    if (stopReason === 'end_turn') return null
    const reason = Object.hasOwn(STOPPED, stopReason ?? '') ? `: ${STOPPED[stopReason!]}` : ''
    return plain(`The agent ended its turn with ${told(stopReason) || 'no reason'}${reason}.`)
  }

  return {
    line: stream.line,
    usage: usage.total,
    isOver: () => ending !== null,
    findings: (end) => ({
      finalMessage: textOf(speech.text().trim()) === null ? null : speech.text(),
      usage: usage.total(),
      sessionId,
      failure: failure(end),
      notes: [
        ...notes,
        ...(untold > 0 ? [`and ${untold} more`] : []),
        ...(usage.isLowerBound()
          ? ['the agent tells only how full its context is: more tokens than these were used']
          : []),
        ...stream.notes(),
      ],
    }),
  }
}

const plain = (message: string): Failure => ({ cause: null, message, resetsAt: null })

const AUTH_REQUIRED = -32000
const CAUSES_BY_KIND: Readonly<Record<string, FailureCause>> = {
  authentication_failed: 'auth',
  billing_error: 'quota',
  rate_limit: 'rate_limit',
  overloaded: 'overloaded',
}

/** An error of JSON-RPC. What the provider said is in its message or its data; Gemini CLI gives the HTTP status as code. */
function errorFailure(error: Fields, at: Date): Failure {
  const data = fieldsOf(error.data)
  const details = toldBy(data?.message) ?? toldBy(data?.details) ?? toldBy(error.data)
  const parts = [toldBy(error.message), details].filter((part) => part !== null)
  const failure = failureOf(parts.length > 0 ? parts.join(': ') : 'The agent gave an error without a message.', at)
  return { ...failure, cause: failure.cause ?? causeByNumber(error.code) ?? causeByKind(data?.errorKind) }
}

function causeByNumber(code: unknown): FailureCause | null {
  if (code === AUTH_REQUIRED || code === 401 || code === 403) return 'auth'
  if (code === 429) return 'rate_limit'
  return typeof code === 'number' && code >= 500 && code < 600 ? 'overloaded' : null
}

const causeByKind = (kind: unknown): FailureCause | null =>
  typeof kind === 'string' && Object.hasOwn(CAUSES_BY_KIND, kind) ? CAUSES_BY_KIND[kind]! : null
