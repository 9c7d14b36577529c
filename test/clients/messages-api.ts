/**
 * The Messages API (`POST /v1/messages`, server-sent events), as Claude Code speaks it and Pi can. Reads a request and
 * writes the frames of an answer; choosing the answer and sending it is the server's work.
 */
import type { Answer, ModelApi, ModelRequest } from './model-server.ts'
import type { FunctionCall, Usage } from './script.ts'

/** The longest wait Claude Code allows a command. */
const COMMAND_WAIT_MS = 600_000
const STAGE_LINE = 'Stage Kind ID:'

interface Block {
  type: string
  text?: string
  content?: unknown
}

interface Body {
  model?: string
  messages?: { role: string; content: string | Block[] }[]
  tools?: { name: string }[]
}

export const messagesApi: ModelApi = {
  name: 'messages',
  path: '/v1/messages',

  read(body: unknown): ModelRequest {
    const { model = '', messages = [], tools = [] } = body as Body
    let promptText = ''
    let toolOutputs: string[] = []
    for (const block of messages.filter(({ role }) => role === 'user').flatMap(({ content }) => blocksOf(content))) {
      const text = block.type === 'text' ? (block.text ?? '') : ''
      // A resumed session carries earlier prompts and their tool results: the last prompt begins the count again.
      // Blocks the client adds by itself (reminders, memory) have no stage line.
      if (text.includes(STAGE_LINE) || (text !== '' && !promptText.includes(STAGE_LINE))) {
        promptText = text
        toolOutputs = []
      } else if (block.type === 'tool_result') {
        toolOutputs.push(withoutReminders(blocksOf(block.content)))
      }
    }
    return { model, promptText, toolOutputs, toolNames: tools.map(({ name }) => name) }
  },

  shellCall(command: string, toolNames: readonly string[]): FunctionCall | null {
    if (toolNames.includes('Bash')) {
      return { name: 'Bash', arguments: { command, description: 'Step of the script', timeout: COMMAND_WAIT_MS } }
    }
    if (toolNames.includes('bash')) return { name: 'bash', arguments: { command } }
    return null
  },

  opening(answerId: string, usage: Usage): string {
    const message = {
      id: answerId,
      type: 'message',
      role: 'assistant',
      model: 'stub-model',
      content: [],
      stop_reason: null,
      stop_sequence: null,
      // The provider counts the input at the start, of the output only that it has begun.
      usage: { ...inputOf(usage), output_tokens: 1 },
    }
    return frame('message_start', { message })
  },

  partialText(_answerId: string, text: string): string {
    return [
      frame('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
      frame('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
    ].join('')
  },

  answer(answerId: string, answer: Answer): string {
    const frames: string[] = []
    let index = 0
    if (answer.text !== undefined) frames.push(textFrames(index++, answer.text))
    if (answer.call !== undefined) frames.push(callFrames(index++, answerId, answer.call))
    const delta = { stop_reason: answer.call === undefined ? 'end_turn' : 'tool_use', stop_sequence: null }
    const usage = { ...inputOf(answer.usage), output_tokens: answer.usage.outputTokens }
    return [...frames, frame('message_delta', { delta, usage }), frame('message_stop', {})].join('')
  },

  errorBody(status: number, message: string): unknown {
    return { type: 'error', error: { type: ERROR_TYPES[status] ?? 'api_error', message } }
  },
}

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  429: 'rate_limit_error',
  529: 'overloaded_error',
}

function blocksOf(content: unknown): Block[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  return Array.isArray(content) ? (content as Block[]) : []
}

/** The client hangs notes of its own on the output of a tool. */
const withoutReminders = (blocks: readonly Block[]): string =>
  blocks
    .map(({ text = '' }) => text)
    .join('')
    .replaceAll(/\n*<system-reminder>.*?<\/system-reminder>\n*/gs, '')

function textFrames(index: number, text: string): string {
  // Two deltas, so that a marker line can arrive in two pieces.
  const middle = Math.ceil(text.length / 2)
  const deltas = [text.slice(0, middle), text.slice(middle)].filter((delta) => delta !== '')
  return [
    frame('content_block_start', { index, content_block: { type: 'text', text: '' } }),
    ...deltas.map((text) => frame('content_block_delta', { index, delta: { type: 'text_delta', text } })),
    frame('content_block_stop', { index }),
  ].join('')
}

function callFrames(index: number, answerId: string, call: FunctionCall): string {
  const block = { type: 'tool_use', id: `toolu_${answerId}`, name: call.name, input: {} }
  const delta = { type: 'input_json_delta', partial_json: JSON.stringify(call.arguments) }
  return [
    frame('content_block_start', { index, content_block: block }),
    frame('content_block_delta', { index, delta }),
    frame('content_block_stop', { index }),
  ].join('')
}

/** Cached tokens are told apart from the fresh ones, and not counted among them. */
function inputOf(usage: Usage): object {
  return {
    input_tokens: usage.inputTokens - usage.cachedInputTokens,
    cache_read_input_tokens: usage.cachedInputTokens,
    cache_creation_input_tokens: 0,
  }
}

/** Every event names its type twice: in the `event:` line and in its JSON. */
function frame(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
}
