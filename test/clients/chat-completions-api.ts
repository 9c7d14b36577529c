/**
 * The Chat Completions API (`POST /v1/chat/completions`, server-sent events), as Pi and OpenCode speak it. Reads a
 * request and writes the frames of an answer; choosing the answer and sending it is the server's work.
 */
import type { Answer, ModelApi, ModelRequest } from './model-server.ts'
import type { FunctionCall, Usage } from './script.ts'

const STAGE_LINE = 'Stage Kind ID:'

type Content = string | { text?: string }[] | null

interface Body {
  model?: string
  messages?: { role?: string; content?: Content }[]
  tools?: { function?: { name?: string } }[]
}

export const chatCompletionsApi: ModelApi = {
  name: 'chat-completions',
  path: '/v1/chat/completions',

  read(body: unknown): ModelRequest {
    const { model = '', messages = [], tools = [] } = body as Body
    let promptText = ''
    let toolOutputs: string[] = []
    for (const { role, content } of messages) {
      const text = textOf(content ?? null)
      // A continued session carries earlier prompts and their tool results: the last prompt begins the count again.
      if (role === 'user' && (text.includes(STAGE_LINE) || !promptText.includes(STAGE_LINE))) {
        promptText = text
        toolOutputs = []
      } else if (role === 'tool') toolOutputs.push(text)
    }
    return { model, promptText, toolOutputs, toolNames: tools.map((tool) => tool.function?.name ?? '') }
  },

  shellCall(command: string, toolNames: readonly string[]): FunctionCall | null {
    return toolNames.includes('bash')
      ? { name: 'bash', arguments: { command, description: 'a step of the script' } }
      : null
  },

  opening: (answerId) => chunk(answerId, { role: 'assistant', content: '' }),

  partialText: (answerId, text) => chunk(answerId, { content: text }),

  answer(answerId: string, { text, call, usage }: Answer): string {
    const frames: string[] = []
    if (text !== undefined) {
      // Two deltas, so that a marker line can arrive in two pieces.
      const middle = Math.ceil(text.length / 2)
      frames.push(chunk(answerId, { content: text.slice(0, middle) }), chunk(answerId, { content: text.slice(middle) }))
    }
    if (call !== undefined) {
      const made = { name: call.name, arguments: JSON.stringify(call.arguments) }
      frames.push(
        chunk(answerId, { tool_calls: [{ index: 0, id: `call_${answerId}`, type: 'function', function: made }] }),
      )
    }
    return [
      ...frames,
      chunk(answerId, {}, call === undefined ? 'stop' : 'tool_calls'),
      frame({ id: answerId, object: 'chat.completion.chunk', choices: [], usage: usageOf(usage) }),
      'data: [DONE]\n\n',
    ].join('')
  },

  errorBody: (status, message) => ({
    error: { message, type: status === 401 ? 'invalid_request_error' : 'server_error', code: null },
  }),
}

function textOf(content: Content): string {
  if (typeof content === 'string') return content
  return (content ?? []).map((part) => part.text ?? '').join('')
}

const chunk = (answerId: string, delta: object, finishReason: string | null = null): string =>
  frame({
    id: answerId,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  })

function usageOf(usage: Usage): object {
  return {
    prompt_tokens: usage.inputTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedInputTokens },
    completion_tokens: usage.outputTokens,
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.inputTokens + usage.outputTokens,
  }
}

const frame = (fields: object): string => `data: ${JSON.stringify(fields)}\n\n`
