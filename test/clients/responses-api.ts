/**
 * The Responses API (`POST /v1/responses`, server-sent events), as Codex speaks it and Pi can. Reads a request and
 * writes the frames of an answer; choosing the answer and sending it is the server's work.
 */
import type { Answer, ModelApi, ModelRequest } from './model-server.ts'
import type { FunctionCall, Usage } from './script.ts'

/** The longest wait Codex allows a command before it hands back a session instead of the output. */
const COMMAND_WAIT_MS = 30_000
const STAGE_LINE = 'Stage Kind ID:'

interface InputItem {
  type?: string
  role?: string
  content?: string | { text?: string }[]
  output?: unknown
}

interface Body {
  model?: string
  input?: InputItem[]
  tools?: { type?: string; name?: string }[]
}

export const responsesApi: ModelApi = {
  name: 'responses',
  path: '/v1/responses',

  read(body: unknown): ModelRequest {
    const { model = '', input = [], tools = [] } = body as Body
    let promptText = ''
    let toolOutputs: string[] = []
    for (const item of input) {
      const text = item.role === 'user' ? textOf(item) : ''
      // A resumed thread carries earlier prompts and their tool results: the last prompt begins the count again.
      // Messages the client adds by itself (its environment, AGENTS.md) come before the prompt and have no stage line.
      if (text.includes(STAGE_LINE) || (text !== '' && !promptText.includes(STAGE_LINE))) {
        promptText = text
        toolOutputs = []
      } else if (item.type?.endsWith('_call_output')) {
        toolOutputs.push(typeof item.output === 'string' ? item.output : JSON.stringify(item.output))
      }
    }
    return { model, promptText, toolOutputs, toolNames: tools.map((tool) => tool.name ?? tool.type ?? '') }
  },

  shellCall(command: string, toolNames: readonly string[]): FunctionCall | null {
    // No login shell: it would read the machine's profile files, which may change PATH.
    if (toolNames.includes('exec_command')) {
      return { name: 'exec_command', arguments: { cmd: command, login: false, yield_time_ms: COMMAND_WAIT_MS } }
    }
    if (toolNames.includes('bash')) return { name: 'bash', arguments: { command } }
    return null
  },

  opening(answerId: string): string {
    return frame('response.created', {
      response: { id: answerId, object: 'response', status: 'in_progress', output: [] },
    })
  },

  partialText(answerId: string, text: string): string {
    const item = { type: 'message', id: `msg_${answerId}`, role: 'assistant', status: 'in_progress', content: [] }
    return [
      frame('response.output_item.added', { output_index: 0, item }),
      frame('response.output_text.delta', { item_id: item.id, output_index: 0, content_index: 0, delta: text }),
    ].join('')
  },

  answer(answerId: string, answer: Answer): string {
    const items: object[] = []
    const frames: string[] = []
    if (answer.text !== undefined) frames.push(...textFrames(answerId, answer.text, items))
    if (answer.call !== undefined) frames.push(...callFrames(answerId, answer.call, items))
    const response = {
      id: answerId,
      object: 'response',
      status: 'completed',
      output: items,
      usage: usageOf(answer.usage),
    }
    return [...frames, frame('response.completed', { response })].join('')
  },

  errorBody(status: number, message: string): unknown {
    return { error: { message, type: status === 401 ? 'invalid_request_error' : 'server_error', code: null } }
  },
}

function textOf(item: InputItem): string {
  if (typeof item.content === 'string') return item.content
  return (item.content ?? []).map((part) => part.text ?? '').join('')
}

function textFrames(answerId: string, text: string, items: object[]): string[] {
  const at = { item_id: `msg_${answerId}`, output_index: items.length, content_index: 0 }
  const item = {
    type: 'message',
    id: at.item_id,
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text, annotations: [] }],
  }
  items.push(item)
  // Two deltas, so that a marker line can arrive in two pieces.
  const middle = Math.ceil(text.length / 2)
  const deltas = [text.slice(0, middle), text.slice(middle)].filter((delta) => delta !== '')
  return [
    frame('response.output_item.added', {
      output_index: at.output_index,
      item: { ...item, status: 'in_progress', content: [] },
    }),
    frame('response.content_part.added', { ...at, part: { type: 'output_text', text: '', annotations: [] } }),
    ...deltas.map((delta) => frame('response.output_text.delta', { ...at, delta })),
    frame('response.output_text.done', { ...at, text }),
    frame('response.content_part.done', { ...at, part: { type: 'output_text', text, annotations: [] } }),
    frame('response.output_item.done', { output_index: at.output_index, item }),
  ]
}

function callFrames(answerId: string, call: FunctionCall, items: object[]): string[] {
  const argumentsText = JSON.stringify(call.arguments)
  const item = {
    type: 'function_call',
    id: `fc_${answerId}`,
    call_id: `call_${answerId}`,
    name: call.name,
    ...(call.namespace === undefined ? {} : { namespace: call.namespace }),
    arguments: argumentsText,
    status: 'completed',
  }
  const at = { item_id: item.id, output_index: items.length }
  items.push(item)
  return [
    frame('response.output_item.added', {
      output_index: at.output_index,
      item: { ...item, arguments: '', status: 'in_progress' },
    }),
    frame('response.function_call_arguments.delta', { ...at, delta: argumentsText }),
    frame('response.function_call_arguments.done', { ...at, arguments: argumentsText }),
    frame('response.output_item.done', { output_index: at.output_index, item }),
  ]
}

function usageOf(usage: Usage): object {
  return {
    input_tokens: usage.inputTokens,
    input_tokens_details: { cached_tokens: usage.cachedInputTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  }
}

/** Every event names its type twice: in the `event:` line and in its JSON. */
function frame(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
}
