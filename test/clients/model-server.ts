/**
 * A scripted model on the loopback interface: real clients talk to it instead of a provider, at no cost and with no
 * account. It chooses a turn per request, sends it and keeps a log. What the wire looks like is a ModelApi's matter.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  chooseTurn,
  contextLine,
  DEFAULT_USAGE,
  type FunctionCall,
  type Script,
  type SingleTurn,
  type Turn,
  type Usage,
} from './script.ts'

const REQUEST_BYTES_MAX = 16 * 1024 * 1024
const LOG_ENTRIES_MAX = 10_000
/** A hanging answer ends at last by itself, so that a forgotten client cannot keep a test run alive. */
const HANG_MS_MAX = 300_000

/** What the server needs to know of a model request, whatever the API. */
export interface ModelRequest {
  model: string
  /** The prompt of the run: the last user message with a stage line, or else the last user message. */
  promptText: string
  /** Output of every tool call since that prompt, oldest first. Their number is the step of the script. */
  toolOutputs: string[]
  /** Tools the client offers. None means a side request, for a title or a summary. */
  toolNames: string[]
}

export interface Answer {
  text?: string
  call?: FunctionCall
  usage: Usage
}

/** One model API: how requests read and how answers look. Strings are bytes of the event stream. */
export interface ModelApi {
  readonly name: string
  readonly path: string | RegExp
  read(body: unknown, path: string): ModelRequest
  /** The call that runs a shell command with a tool the client offers; null if it offers none that is known. */
  shellCall(command: string, toolNames: readonly string[]): FunctionCall | null
  /** `usage` is for APIs that count the input before they answer. */
  opening(answerId: string, usage: Usage): string
  partialText(answerId: string, text: string): string
  answer(answerId: string, answer: Answer): string
  errorBody(status: number, message: string): unknown
}

export interface LoggedRequest {
  api: string
  /** From the prompt's context lines; null where the prompt has none. */
  stage: string | null
  requestId: string | null
  step: number
  /** The turn that was sent, `side` for a side request, or `refused` if the script had no answer. */
  sent: SingleTurn['turn'] | 'side' | 'refused'
  /** Why it was refused. */
  problem: string | null
  authorization: string | null
  request: ModelRequest
}

export interface ModelServer {
  readonly port: number
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** Model requests in order of arrival. */
  readonly log: readonly LoggedRequest[]
  /** Cuts every open connection and ends. Idempotent. */
  close(): Promise<void>
}

/** Starts a server on a free port of 127.0.0.1. Anything but a known API path is answered with 404. */
export async function startModelServer(script: Script, apis: readonly ModelApi[]): Promise<ModelServer> {
  const log: LoggedRequest[] = []
  const asked = new Map<string, number>()
  const closing = new AbortController()
  let answers = 0

  /** The turn to send; a sequence is advanced here and nowhere else. */
  function single(turn: Turn, key: string): SingleTurn {
    if (turn.turn !== 'in_sequence') return turn
    const count = asked.get(key) ?? 0
    asked.set(key, count + 1)
    return turn.turns[Math.min(count, turn.turns.length - 1)]!
  }

  async function reply(api: ModelApi, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = api.read(JSON.parse(await bodyText(incoming)), pathOf(incoming))
    const stage = contextLine(request.promptText, 'Stage Kind ID')
    const requestId = contextLine(request.promptText, 'Request ID')
    const step = request.toolOutputs.length
    const entry: LoggedRequest = {
      api: api.name,
      stage,
      requestId,
      step,
      sent: 'side',
      problem: null,
      authorization:
        incoming.headers.authorization ?? headerText(incoming, 'x-api-key') ?? headerText(incoming, 'x-goog-api-key'),
      request,
    }
    if (log.length < LOG_ENTRIES_MAX) log.push(entry)
    const answerId = `answer_${++answers}`
    const send = (answer: Answer) =>
      stream(response, api.opening(answerId, answer.usage) + api.answer(answerId, answer))
    if (request.toolNames.length === 0) return send({ text: 'Done.', usage: DEFAULT_USAGE })

    const chosen = chooseTurn(script, request.promptText, step)
    if (typeof chosen === 'string') {
      entry.sent = 'refused'
      entry.problem = chosen
      return json(response, 400, api.errorBody(400, chosen))
    }
    const turn = single(chosen, `${stage} ${requestId} ${step}`)
    entry.sent = turn.turn
    if (turn.delayMs !== undefined) await sleep(turn.delayMs, undefined, { signal: closing.signal, ref: false })
    switch (turn.turn) {
      case 'http_error':
        return json(
          response,
          turn.status,
          turn.body ?? api.errorBody(turn.status, `scripted status ${turn.status}`),
          turn.headers,
        )
      case 'drop':
        response.destroy()
        return
      case 'hang':
        open(response).write(api.opening(answerId, DEFAULT_USAGE))
        await sleep(HANG_MS_MAX, undefined, { signal: closing.signal, ref: false })
        response.destroy()
        return
      case 'truncate':
        return stream(response, api.opening(answerId, DEFAULT_USAGE) + api.partialText(answerId, turn.text))
      case 'text': {
        const text = typeof turn.text === 'string' ? turn.text : turn.text(request.toolOutputs)
        return send({ text, usage: turn.usage ?? DEFAULT_USAGE })
      }
      case 'shell':
      case 'call': {
        const call = turn.turn === 'call' ? turn.call : api.shellCall(turn.command, request.toolNames)
        if (!call) {
          entry.problem = `the client offers no known shell tool, only: ${request.toolNames.join(', ')}`
          return json(response, 400, api.errorBody(400, entry.problem))
        }
        const answer: Answer = {
          call,
          usage: turn.usage ?? DEFAULT_USAGE,
          ...(turn.say === undefined ? {} : { text: turn.say }),
        }
        return send(answer)
      }
    }
  }

  const server = createServer((incoming, response) => {
    const path = pathOf(incoming)
    const api = incoming.method === 'POST' ? apis.find((candidate) => isAt(candidate, path)) : undefined
    if (!api) return json(response, 404, { error: { message: `no such route: ${incoming.method} ${path}` } })
    reply(api, incoming, response).catch((error: unknown) => {
      if (closing.signal.aborted || response.headersSent) response.destroy()
      else json(response, 400, api.errorBody(400, String(error)))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo

  return {
    port,
    url: `http://127.0.0.1:${port}`,
    log,
    async close() {
      closing.abort()
      if (!server.listening) return
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

const pathOf = (incoming: IncomingMessage): string => (incoming.url ?? '').split('?')[0]!

const isAt = ({ path: own }: ModelApi, path: string): boolean =>
  typeof own === 'string' ? own === path : own.test(path)

async function bodyText(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > REQUEST_BYTES_MAX) throw new Error(`request larger than ${REQUEST_BYTES_MAX} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function open(response: ServerResponse): ServerResponse {
  return response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
}

function stream(response: ServerResponse, frames: string): void {
  open(response).end(frames)
}

function headerText(incoming: IncomingMessage, name: string): string | null {
  const value = incoming.headers[name]
  return typeof value === 'string' ? value : null
}

function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}
