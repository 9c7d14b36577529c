/**
 * Pi in RPC mode as a machine (spec 04 §9.3, spec 08 §4): one prompt, its events, then the final text and the figures of
 * the session. Pi never ends by itself, and tries failed requests again only after it has said that the agent ended.
 */
import { objectInLine } from '../../core/json-line.ts'
import { type Fields, fieldsOf } from '../fields.ts'
import type { Protocol, Step } from '../two-way/protocol.ts'

/** Pi says at once that it will try again; this is for a busy machine. */
const RETRY_MS = 3000
/** Answers to the questions at the end. */
const ANSWER_MS = 5000

const PROMPT = 'prompt-1'
export const LAST_TEXT = 'last-assistant-1'
export const STATS = 'session-stats-1'
const ABORT = 'abort-1'

/** These repeat all that came before them, with each word a model says; most of what Pi prints. */
const UPDATE = /^\{"type":"(?:message|tool_execution)_update"/
const ALIVE: Step = { log: null, alive: '{"type":"progress"}' }

const command = (id: string, type: string, more: Fields = {}): string => JSON.stringify({ id, type, ...more })

export const isFailure = (stopReason: unknown): boolean => stopReason === 'error' || stopReason === 'aborted'

/** The assistant's message in a record; null if it holds none, or one of somebody else. */
export function assistantMessage(record: Fields): Fields | null {
  const message = fieldsOf(record.message)
  return message?.role === 'assistant' ? message : null
}

export function piProtocol(): Protocol {
  /** `failed`: the agent ended with an error that Pi may yet try again; `over`: only answers are still to come. */
  let phase: 'working' | 'failed' | 'over' | 'aborting' = 'working'
  let stopReason: unknown = null
  const open = new Set<string>()

  const status = () => (stopReason === null || isFailure(stopReason) ? 1 : 0)

  const question = (id: string, type: string): string => {
    open.add(id)
    return command(id, type)
  }

  /** What a line changes, apart from the log. */
  const stepOf = (type: unknown, record: Fields): Step => {
    switch (type) {
      case 'agent_start':
        stopReason = null
        if (phase !== 'aborting') phase = 'working'
        return {}
      case 'message_end': {
        const message = assistantMessage(record)
        if (message !== null) stopReason = message.stopReason ?? 'stop'
        return {}
      }
      case 'agent_end':
        if (phase === 'aborting') return {}
        phase = status() === 0 ? 'over' : 'failed'
        return { send: [question(LAST_TEXT, 'get_last_assistant_text'), question(STATS, 'get_session_stats')] }
      case 'auto_retry_start':
      case 'compaction_start':
        if (phase === 'failed') phase = 'working'
        return {}
      case 'auto_retry_end':
        return stopReason === 'error' && record.success === false ? { over: 1 } : {}
      case 'compaction_end':
        return stopReason === 'error' && record.willRetry !== true ? { over: 1 } : {}
      case 'agent_settled':
        return phase === 'failed' ? { over: 1 } : {}
      case 'response':
        open.delete(String(record.id))
        if (record.id === PROMPT && record.success !== true) return { over: 1 }
        if (record.id === ABORT) return { over: 1 }
        return phase === 'over' && open.size === 0 ? { over: 0 } : {}
      case 'extension_ui_request':
        // Of what asks for no answer Pi takes none, so all are answered: it must never wait for a person.
        return { send: [command(String(record.id), 'extension_ui_response', { cancelled: true })] }
      default:
        return {}
    }
  }

  return {
    begin: (prompt) => ({ send: [command(PROMPT, 'prompt', { message: prompt })] }),
    line(text, truncated) {
      const isUpdate = UPDATE.test(text)
      const record = truncated ? cutRecord(text) : isUpdate ? null : objectInLine(text)
      const step = isUpdate ? ALIVE : record === null ? {} : { ...stepOf(record.type, record), ...kept(record) }
      if (step.over !== undefined) return step
      if (phase === 'failed') return { ...step, overAfter: { ms: RETRY_MS, status: 1 } }
      if (phase === 'over') return { ...step, overAfter: { ms: ANSWER_MS, status: 0 } }
      return step
    },
    abort() {
      phase = 'aborting'
      return { send: [command(ABORT, 'abort')] }
    },
  }
}

/** What is still known of a line that was too long to be read: its type comes first. */
const cutRecord = (text: string): Fields | null => {
  const type = /^\{"type":"(\w+)"/.exec(text)?.[1]
  return type === undefined ? null : { type, truncated: true }
}

/** The log has every message once: records that repeat messages are kept without them. */
function kept(record: Fields): Pick<Step, 'log'> {
  switch (record.type) {
    case 'agent_end': {
      const { messages: _messages, ...rest } = record
      return { log: JSON.stringify(rest) }
    }
    case 'turn_end': {
      const { message: _message, toolResults: _results, ...rest } = record
      return { log: JSON.stringify(rest) }
    }
    case 'message_start':
      return { log: JSON.stringify({ ...record, message: { role: fieldsOf(record.message)?.role } }) }
    default:
      return record.truncated === true ? { log: JSON.stringify(record) } : {}
  }
}
