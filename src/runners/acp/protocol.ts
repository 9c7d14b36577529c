/**
 * The Agent Client Protocol from the client's side, as a machine: newline-delimited JSON-RPC 2.0. One session, one prompt,
 * and every question of the agent answered at once. The log keeps the agent's lines, and after them, as notifications of
 * our own, what only we know: how a question was answered, a choice that could not be made.
 */
import { clip } from '../../core/clip.ts'
import { objectInLine } from '../../core/json-line.ts'
import type { PermissionLevel } from '../../core/stage.ts'
import { type Fields, fieldsOf, textOf } from '../fields.ts'
import type { Protocol, Step } from '../two-way/protocol.ts'
import { type Category, idOffered, modeFor, offerOf } from './offers.ts'
import { answerTo, CANCELLED, isAllowed } from './permission.ts'
import { toolCalls } from './tool-calls.ts'

export interface AcpSettings {
  workspaceRoot: string
  level: PermissionLevel
  model: string | null
  effort: string | null
  /** Session to go on with; null begins a new one. */
  sessionId: string | null
}

const VERSION = 1
/** Our requests by their ids, which are all a line with an answer tells. */
export const REQUESTS = {
  initialize: 1,
  newSession: 2,
  loadSession: 3,
  mode: 4,
  model: 5,
  effort: 6,
  prompt: 7,
} as const
/** Methods of our own notifications in the log. */
export const OWN = { answered: '_millrace/answered', refused: '_millrace/refused', noted: '_millrace/noted' } as const

const METHOD_NOT_FOUND = -32601
const INVALID_REQUEST = -32600
/** A longer line is logged with its long texts cut: tools print megabytes, and readers of the log stop at one. */
const LOGGED_CHARS_MAX = 256 * 1024
const LOGGED_TEXT_CHARS_MAX = 8 * 1024
const OFFERED_NAMED_MAX = 20
const REASON_CHARS_MAX = 300

const message = (fields: Fields): string => JSON.stringify({ jsonrpc: '2.0', ...fields })
const notification = (method: string, params: Fields): string => message({ method, params })

/** What to do next, with notifications of our own for the log. */
type Move = Pick<Step, 'send' | 'over'> & { own?: string[] }

const refuse = (sentence: string): Move => ({ over: 1, own: [notification(OWN.refused, { message: sentence })] })

/** Choices in the order they are made: a mode or model may change what comes after it. */
const CHOICES = [
  ['mode', 'mode'],
  ['model', 'model'],
  ['effort', 'thought_level'],
] as const satisfies readonly (readonly [keyof typeof REQUESTS, Category])[]

export function acpProtocol(settings: AcpSettings): Protocol {
  const { workspaceRoot, level } = settings
  const tools = toolCalls()
  let prompt = ''
  let agent: string | null = null
  let sessionId: string | null = null
  let session: Fields = {}
  /** The one request of ours that is not answered yet. */
  let awaited: number | null = null
  let isAborting = false

  const ask = (name: keyof typeof REQUESTS, method: string, params: Fields): Move => {
    awaited = REQUESTS[name]
    return { send: [message({ id: awaited, method, params })] }
  }

  const newSession = (): Move => ask('newSession', 'session/new', { cwd: workspaceRoot, mcpServers: [] })

  const initialised = (result: Fields): Move => {
    if (result.protocolVersion !== VERSION) {
      return refuse(
        `The agent speaks version ${String(result.protocolVersion)} of the protocol: unsupported protocol version`,
      )
    }
    agent = textOf(fieldsOf(result.agentInfo)?.name)
    if (settings.sessionId === null) return newSession()
    if (fieldsOf(result.agentCapabilities)?.loadSession !== true) return refuse(sessionGone('it cannot go on with any'))
    return ask('loadSession', 'session/load', { sessionId: settings.sessionId, cwd: workspaceRoot, mcpServers: [] })
  }

  const sessionGone = (reason: string): string =>
    `The session ${settings.sessionId} does not exist for the agent: ${clip(reason, REASON_CHARS_MAX)}.`

  const opened = (id: string | null, result: Fields): Move => {
    if (id === null) return refuse('The agent opened a session without an id.')
    sessionId = id
    session = result
    return choose(0)
  }

  /** Makes the choices from this one on, then sends the prompt. */
  const choose = (from: number): Move => {
    const own: string[] = []
    const wanted = { mode: modeFor(agent, level), model: settings.model, effort: settings.effort }
    for (const [name, category] of CHOICES.slice(from)) {
      const value = wanted[name]
      if (value === null) continue
      const offer = offerOf(session, category)
      const id = offer === null ? null : idOffered(offer, value)
      if (offer !== null && id !== null) {
        if (id === offer.current) continue
        return { ...ask(name, offer.method, { sessionId, ...offer.params(id) }), own }
      }
      if (name === 'model' && offer !== null) {
        const offered = offer.values.slice(0, OFFERED_NAMED_MAX).map((one) => one.id)
        return refuse(`The agent does not offer the model ${value}, only: ${offered.join(', ')}.`)
      }
      const sentence = `the agent offers no ${name} ${value} to choose; what its own settings say applies`
      own.push(notification(OWN.noted, { message: sentence }))
    }
    return { ...ask('prompt', 'session/prompt', { sessionId, prompt: [{ type: 'text', text: prompt }] }), own }
  }

  const answered = (id: number, result: Fields): Move => {
    switch (id) {
      case REQUESTS.initialize:
        return initialised(result)
      case REQUESTS.newSession:
        return opened(textOf(result.sessionId), result)
      case REQUESTS.loadSession:
        return opened(settings.sessionId, result)
      case REQUESTS.prompt:
        return { over: result.stopReason === 'end_turn' ? 0 : 1 }
      default:
        if (Array.isArray(result.configOptions)) session = { ...session, configOptions: result.configOptions }
        return choose(CHOICES.findIndex(([name]) => REQUESTS[name] === id) + 1)
    }
  }

  const failed = (id: number, error: Fields): Move =>
    id === REQUESTS.loadSession ? refuse(sessionGone(textOf(error.message) ?? 'it gives no reason')) : { over: 1 }

  const asked = (id: unknown, method: string, params: Fields): Move => {
    if (method !== 'session/request_permission') {
      return {
        send: [message({ id, error: { code: METHOD_NOT_FOUND, message: `Method not found: ${clip(method, 100)}` } })],
      }
    }
    const { call } = tools.told(fieldsOf(params.toolCall) ?? {})
    const answer = isAborting ? CANCELLED : answerTo(isAllowed(level, call, workspaceRoot), level, params.options)
    return {
      send: [message({ id, result: { outcome: answer.outcome } })],
      own: [notification(OWN.answered, { level, answer: answer.kind, kind: call.kind, title: call.title })],
    }
  }

  const moveOn = (fields: Fields): Move => {
    const method = textOf(fields.method)
    const params = fieldsOf(fields.params) ?? {}
    if (method !== null && Object.hasOwn(fields, 'id')) return asked(fields.id, method, params)
    if (method !== null) {
      const update = fieldsOf(params.update)
      if (update !== null && textOf(update.toolCallId) !== null) tools.told(update)
      return {}
    }
    if (awaited === null || fields.id !== awaited) return {}
    const id = awaited
    awaited = null
    if (isAborting) return { over: 1 }
    return Object.hasOwn(fields, 'error')
      ? failed(id, fieldsOf(fields.error) ?? {})
      : answered(id, fieldsOf(fields.result) ?? {})
  }

  return {
    begin(text) {
      prompt = text
      return ask('initialize', 'initialize', {
        protocolVersion: VERSION,
        clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
        clientInfo: { name: 'millrace', title: 'Millrace', version: '1' },
      })
    },
    line(text, truncated) {
      if (truncated) return refusedLine(text)
      const fields = objectInLine(text)
      if (fields === null) return {}
      const { own = [], ...step } = moveOn(fields)
      const kept = text.length > LOGGED_CHARS_MAX ? shortened(fields) : text
      return { ...step, log: [kept, ...own].join('\n') }
    },
    abort() {
      isAborting = true
      if (awaited !== REQUESTS.prompt) return { over: 1 }
      return { send: [notification('session/cancel', { sessionId })] }
    },
  }
}

/** A line too long to be read: if it is a question, the agent is told so, for it waits for an answer. */
function refusedLine(text: string): Step {
  const log = notification(OWN.noted, { message: 'a line of the agent was too long to be read' })
  const id = /^\{"jsonrpc":"2\.0","id":(\d{1,15}|"[\w-]{1,100}"),"method":/.exec(text)?.[1]
  if (id === undefined) return { log }
  const error = JSON.stringify({ code: INVALID_REQUEST, message: 'The message is too long.' })
  return { log, send: [`{"jsonrpc":"2.0","id":${id},"error":${error}}`] }
}

/** The message with its long texts cut, all but what the agent says. */
function shortened(fields: Fields): string {
  const update = fieldsOf(fieldsOf(fields.params)?.update)
  if (update?.sessionUpdate === 'agent_message_chunk') return JSON.stringify(fields)
  return JSON.stringify(fields, (_name, value: unknown) =>
    typeof value === 'string' ? clip(value, LOGGED_TEXT_CHARS_MAX) : value,
  )
}
