/**
 * Reads the event stream of Claude Code (spec 08 §5). Unknown events and fields are ignored: two versions of the client
 * already differ. Of the result line `is_error` counts and never `subtype`, which says `success` of a refused key too.
 */
import type { FailureCause } from '../../core/result.ts'
import { type AgentEvent, told } from '../agent-event.ts'
import { eventLines } from '../event-lines.ts'
import { causeOf, failureOf } from '../failure.ts'
import { countOf, type Fields, fieldsOf, idOf, lastLines, textOf, toldBy } from '../fields.ts'
import type { Ended, Findings, Transcript } from '../harness.ts'
import { resetTime } from '../reset-time.ts'
import { claudeUsage } from './usage.ts'

type Failure = NonNullable<Findings['failure']>

/** A request to the provider that failed, as far as the stream tells. */
interface ProviderError {
  /** HTTP status; null if there was no answer. */
  status: number | null
  /** The word the stream has for it, such as `rate_limit`. */
  kind: string | null
  message: string
}

const DENIALS_TOLD_MAX = 10
/** Calls whose result is still awaited; an agent has a handful. */
const OPEN_CALLS_MAX = 1000

const REFUSED_AS_ROOT =
  'Claude Code refuses the permission level maximum as root: set IS_SANDBOX = "1" in runners.claude.env if this machine ' +
  'is a sandbox, or set runners.claude.permission_default to elevated.'

export function claudeTranscript(): Transcript {
  const usage = claudeUsage()
  const openCalls = new Map<string, string>()
  let sessionId: string | null = null
  let lastMessage: string | null = null
  let result: Fields | null = null
  /** False again once a task in the background wakes it. */
  let isOver = false
  /** The word for the error that the last message reported; null if that message came from the model. */
  let errorKind: string | null = null
  /** A request that is being tried again. */
  let retried: ProviderError | null = null
  /** A used-up plan: when it comes back, in milliseconds since the epoch; null if that was not told. */
  let usedUp: { resetsMs: number | null } | null = null

  const assistant = (fields: Fields): AgentEvent[] => {
    const blocks = blocksOf(fields.message)
    errorKind = textOf(fields.error)
    if (errorKind !== null) return blocks.map(({ text }) => ({ event: 'warning', text: told(text) }))
    retried = null
    usedUp = null
    isOver = false
    // What a subagent says is no message of the stage.
    const isOwn = idOf(fields.parent_tool_use_id) === null
    return blocks.flatMap((block): AgentEvent[] => {
      switch (block.type) {
        case 'text':
          if (isOwn) lastMessage = textOf(block.text) ?? lastMessage
          return [{ event: 'message', text: told(block.text) }]
        case 'thinking':
          return [{ event: 'reasoning', text: told(block.thinking) }]
        case 'tool_use': {
          const id = idOf(block.id)
          const tool = told(block.name)
          if (id !== null && openCalls.size < OPEN_CALLS_MAX) openCalls.set(id, tool)
          return [{ event: 'tool_started', id, tool, detail: workOf(block.input) }]
        }
      }
      return []
    })
  }

  const toolResult = (block: Fields): AgentEvent => {
    const id = idOf(block.tool_use_id)
    const tool = openCalls.get(id ?? '') ?? ''
    openCalls.delete(id ?? '')
    return { event: 'tool_ended', id, tool, ok: block.is_error !== true, detail: told(contentText(block.content)) }
  }

  const retry = (fields: Fields): AgentEvent[] => {
    const status = countOf(fields, 'error_status')
    const kind = textOf(fields.error)
    const message = told(`API error ${status ?? 'without an answer'} (${kind ?? 'unknown'})`)
    retried = { status, kind, message }
    const attempt = `attempt ${countOf(fields, 'attempt') ?? '?'} of ${countOf(fields, 'max_retries') ?? '?'}`
    return [{ event: 'retry', text: `${message}, tried again: ${attempt}` }]
  }

  const rateLimit = (limit: Fields | null): AgentEvent[] => {
    usedUp = null
    if (limit?.status !== 'rejected') return []
    const seconds = countOf(limit, 'resetsAt')
    usedUp = { resetsMs: seconds === null ? null : seconds * 1000 }
    return [{ event: 'warning', text: told(`usage limit reached: ${textOf(limit.rateLimitType) ?? 'unknown'}`) }]
  }

  const stream = eventLines((fields) => {
    usage.event(fields)
    sessionId = idOf(fields.session_id) ?? sessionId
    switch (fields.type) {
      case 'assistant':
        return assistant(fields)
      case 'user':
        return blocksOf(fields.message)
          .filter((block) => block.type === 'tool_result')
          .map(toolResult)
      case 'system':
        return fields.subtype === 'api_retry' ? retry(fields) : []
      case 'rate_limit_event':
        return rateLimit(fieldsOf(fields.rate_limit_info))
      case 'result':
        result = fields
        isOver = true
        return denialsOf(fields).map((denial) => ({ event: 'warning', text: told(`denied: ${denial}`) }))
    }
    return []
  })

  const providerFailure = (error: ProviderError, at: Date): Failure => {
    const cause = causeOfError(error, usedUp !== null)
    const isLimit = cause === 'quota' || cause === 'rate_limit'
    const resetsAt = isLimit
      ? (isoTimeOf(usedUp?.resetsMs) ?? resetTime(error.message, at)?.toISOString() ?? null)
      : null
    return { cause, message: error.message, resetsAt }
  }

  const failure = (end: Ended): Failure | null => {
    if (result !== null) {
      if (result.is_error === false) return null
      const message =
        toldBy(result.result) ?? toldBy(errorsOf(result)) ?? `Claude Code ended with ${told(result.subtype)}.`
      return providerFailure({ status: countOf(result, 'api_error_status'), kind: errorKind, message }, end.at)
    }
    if (retried !== null) return providerFailure(retried, end.at)
    // Before the session begins the reason is on stderr only; later stderr is free text and means nothing.
    const early = sessionId === null ? lastLines(end.stderr) : null
    if (early !== null && /root\/sudo/.test(early))
      return { cause: 'refused_permission', message: REFUSED_AS_ROOT, resetsAt: null }
    if (early !== null) return failureOf(early, end.at)
    return { cause: null, message: 'Claude Code ended without a result.', resetsAt: null }
  }

  return {
    line: stream.line,
    usage: usage.total,
    isOver: () => isOver,
    findings(end: Ended): Findings {
      const failed = failure(end)
      const denials = result === null ? [] : denialsOf(result)
      return {
        finalMessage: result !== null && failed === null ? textOf(result.result) : lastMessage,
        usage: usage.total(),
        sessionId,
        failure: failed,
        notes: [...denials.map((denial) => `claude was denied ${denial}`), ...stream.notes()],
      }
    },
  }
}

const CAUSES_BY_KIND: Readonly<Record<string, FailureCause>> = {
  authentication_failed: 'auth',
  billing_error: 'quota',
  rate_limit: 'rate_limit',
  overloaded: 'overloaded',
}

function causeOfError({ status, kind, message }: ProviderError, isUsedUp: boolean): FailureCause | null {
  const inWords = causeOf(message)
  const isLimit = status === 429 || kind === 'rate_limit'
  // A server that is busy says so with the words "not your usage limit".
  if (isLimit)
    return isUsedUp || (inWords === 'quota' && !/not your usage limit/i.test(message)) ? 'quota' : 'rate_limit'
  if (kind !== null && Object.hasOwn(CAUSES_BY_KIND, kind)) return CAUSES_BY_KIND[kind]!
  if (status === 401 || status === 403) return 'auth'
  if (status !== null && status >= 500) return 'overloaded'
  if (status === 408 || /unable to connect|malformed response/i.test(message)) return 'network'
  // A request refused for what it says may quote anything; only a limit is told that way too.
  return status === null || inWords === 'quota' ? inWords : null
}

/** The tool calls that were denied, each in a few words; at most a handful, then how many more. */
function denialsOf(result: Fields): string[] {
  const denials = Array.isArray(result.permission_denials) ? result.permission_denials : []
  const shown = denials.slice(0, DENIALS_TOLD_MAX).map((denial) => {
    const fields = fieldsOf(denial)
    return told(`${textOf(fields?.tool_name) ?? 'a tool'}: ${workOf(fields?.tool_input)}`)
  })
  return denials.length > shown.length ? [...shown, `${denials.length - shown.length} more`] : shown
}

/** Members of a tool's input that say best what it is to do. */
const WORK_MEMBERS = ['command', 'file_path', 'notebook_path', 'pattern', 'url', 'query', 'description']

function workOf(input: unknown): string {
  const fields = fieldsOf(input)
  const name = WORK_MEMBERS.find((member) => textOf(fields?.[member]) !== null)
  return told(name === undefined ? JSON.stringify(input) : fields?.[name])
}

const blocksOf = (message: unknown): Fields[] => {
  const content = fieldsOf(message)?.content
  return Array.isArray(content) ? content.map(fieldsOf).filter((block) => block !== null) : []
}

/** A tool's result is a text, or blocks of which some hold text. */
function contentText(content: unknown): string {
  if (!Array.isArray(content)) return textOf(content) ?? ''
  return content.map((block) => textOf(fieldsOf(block)?.text) ?? '').join('\n')
}

const errorsOf = (result: Fields): string =>
  Array.isArray(result.errors) ? result.errors.filter((error) => textOf(error) !== null).join('; ') : ''

function isoTimeOf(ms: number | null | undefined): string | null {
  const date = new Date(ms ?? Number.NaN)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}
