/**
 * The Gemini API (`POST /v1beta/models/<model>:streamGenerateContent`, server-sent events), as Gemini CLI speaks it.
 * Reads a request and writes the frames of an answer; choosing the answer and sending it is the server's work.
 */
import type { Answer, ModelApi, ModelRequest } from './model-server.ts'
import type { FunctionCall, Usage } from './script.ts'

const STAGE_LINE = 'Stage Kind ID:'

interface Part {
  text?: string
  functionResponse?: { response?: unknown }
}

interface Body {
  contents?: { role?: string; parts?: Part[] }[]
  tools?: { functionDeclarations?: { name: string }[] }[]
}

export const geminiApi: ModelApi = {
  name: 'gemini',
  path: /^\/v1beta\/models\/[^/]+:streamGenerateContent$/,

  read(body: unknown, path: string): ModelRequest {
    const { contents = [], tools = [] } = body as Body
    let promptText = ''
    let toolOutputs: string[] = []
    for (const part of contents.filter(({ role }) => role === 'user').flatMap(({ parts = [] }) => parts)) {
      const text = part.text ?? ''
      // Texts the client adds by itself (its environment, the folder's files) have no stage line.
      if (text.includes(STAGE_LINE) || (text !== '' && !promptText.includes(STAGE_LINE))) {
        promptText = text
        toolOutputs = []
      } else if (part.functionResponse !== undefined) {
        toolOutputs.push(JSON.stringify(part.functionResponse.response))
      }
    }
    return {
      model: path.replace(/^.*\/|:.*$/g, ''),
      promptText,
      toolOutputs,
      toolNames: tools.flatMap(({ functionDeclarations = [] }) => functionDeclarations.map(({ name }) => name)),
    }
  },

  shellCall(command: string, toolNames: readonly string[]): FunctionCall | null {
    if (!toolNames.includes('run_shell_command')) return null
    return { name: 'run_shell_command', arguments: { command, description: 'Step of the script' } }
  },

  // Every chunk is complete in itself, and the client takes nothing else, not even a comment.
  opening: () => '',

  partialText: (_answerId, text) => frame({ candidates: [candidate([{ text }])] }),

  answer(answerId: string, answer: Answer): string {
    const text = answer.text ?? ''
    const middle = Math.ceil(text.length / 2)
    // Two chunks, so that a marker line can arrive in two pieces.
    const pieces = [text.slice(0, middle), text.slice(middle)].filter((piece) => piece !== '')
    const parts: object[] = pieces.map((piece) => ({ text: piece }))
    if (answer.call !== undefined) {
      parts.push({ functionCall: { name: answer.call.name, args: answer.call.arguments } })
    }
    const last = parts.length - 1
    return parts
      .map((part, index) =>
        index < last
          ? frame({ candidates: [candidate([part])] })
          : frame({
              candidates: [{ ...candidate([part]), finishReason: 'STOP' }],
              usageMetadata: usageOf(answer.usage),
              modelVersion: 'stub-model',
              responseId: answerId,
            }),
      )
      .join('')
  },

  errorBody(status: number, message: string): unknown {
    return { error: { code: status, message, status: status === 401 ? 'UNAUTHENTICATED' : 'INTERNAL' } }
  },
}

const candidate = (parts: object[]): object => ({ index: 0, content: { role: 'model', parts } })

function usageOf(usage: Usage): object {
  return {
    promptTokenCount: usage.inputTokens,
    cachedContentTokenCount: usage.cachedInputTokens,
    candidatesTokenCount: usage.outputTokens - usage.reasoningTokens,
    thoughtsTokenCount: usage.reasoningTokens,
    totalTokenCount: usage.inputTokens + usage.outputTokens,
  }
}

const frame = (chunk: object): string => `data: ${JSON.stringify(chunk)}\n\n`
