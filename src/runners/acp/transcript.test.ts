import { describe, expect, it } from 'vitest'
import type { AgentEvent } from '../agent-event.ts'
import type { Fields } from '../fields.ts'
import { OWN, REQUESTS } from './protocol.ts'
import { acpTranscript } from './transcript.ts'

const at = new Date(2026, 2, 10, 14, 0)
const opened = { id: REQUESTS.newSession, result: { sessionId: 's-1' } }
const update = (members: Fields) => ({ method: 'session/update', params: { sessionId: 's-1', update: members } })
const chunk = (text: string, messageId?: string) =>
  update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text }, ...(messageId ? { messageId } : {}) })
const thought = (text: string) => update({ sessionUpdate: 'agent_thought_chunk', content: { type: 'text', text } })
const used = (tokens: number, more: Fields = {}) =>
  update({ sessionUpdate: 'usage_update', used: tokens, size: 9, ...more })
const tool = (id: string, status: string, more: Fields = {}) =>
  update({ sessionUpdate: 'tool_call', toolCallId: id, status, kind: 'execute', title: `run ${id}`, ...more })
const toolUpdate = (id: string, status: string) =>
  update({ sessionUpdate: 'tool_call_update', toolCallId: id, status, title: `run ${id}`, kind: 'execute' })
const ended = (result: Fields = { stopReason: 'end_turn' }) => ({ id: REQUESTS.prompt, result })
const failed = (error: Fields) => ({ id: REQUESTS.prompt, error })

function read(messages: readonly (Fields | string)[], end: { exitCode?: number; stderr?: string } = {}) {
  const transcript = acpTranscript()
  const events: AgentEvent[] = messages.flatMap((message) => {
    const text = typeof message === 'string' ? message : JSON.stringify({ jsonrpc: '2.0', ...message })
    return transcript.line({ text, truncated: false })
  })
  const exitCode = end.exitCode ?? 0
  const findings = transcript.findings({ exitCode, at, stdout: null, stderr: end.stderr ?? null, lastMessage: null })
  return { ...findings, events, transcript }
}

/** Turns of the four agents as they were recorded, with a tool call between two messages. */
const CODEX_WARNING = 'Model metadata for `stub-model` not found. Defaulting to fallback metadata; this can degrade it.'
const TURNS: Record<string, Fields[]> = {
  codex: [
    opened,
    chunk(CODEX_WARNING),
    update({ sessionUpdate: 'available_commands_update', availableCommands: [] }),
    chunk('Looking '),
    chunk('around.'),
    tool('c', 'in_progress'),
    update({ sessionUpdate: 'tool_call_update', toolCallId: 'c', status: 'completed', rawOutput: { exit_code: 0 } }),
    used(110),
    chunk('Built it.\n\n### B'),
    chunk('UILDER_COMPLETE'),
    used(110),
    ended(),
  ],
  claude: [
    opened,
    used(101),
    chunk('', 'm1'),
    chunk('Looking ', 'm1'),
    chunk('around.', 'm1'),
    tool('c', 'pending', { title: 'Terminal', rawInput: {} }),
    update({ sessionUpdate: 'tool_call_update', toolCallId: 'c', title: 'run c', kind: 'execute' }),
    used(110),
    toolUpdate('c', 'completed'),
    used(101),
    chunk('', 'm2'),
    chunk('Built it.\n\n### B', 'm2'),
    chunk('UILDER_COMPLETE', 'm2'),
    used(110, { cost: { amount: 0.0008, currency: 'USD' } }),
    ended({
      stopReason: 'end_turn',
      usage: { inputTokens: 160, outputTokens: 20, cachedReadTokens: 40, cachedWriteTokens: 0, totalTokens: 220 },
    }),
  ],
  gemini: [
    opened,
    chunk('Looking '),
    chunk('around.'),
    {
      id: 0,
      method: 'session/request_permission',
      params: { sessionId: 's-1', toolCall: { toolCallId: 'c', status: 'pending', title: 'run c', kind: 'execute' } },
    },
    { method: OWN.answered, params: { level: 'maximum', answer: 'allow_always', kind: 'execute', title: 'run c' } },
    toolUpdate('c', 'completed'),
    chunk('Built it.\n\n### B'),
    chunk('UILDER_COMPLETE'),
    ended({ stopReason: 'end_turn', _meta: { quota: { token_count: { input_tokens: 200, output_tokens: 12 } } } }),
  ],
  opencode: [
    opened,
    chunk('Looking ', 'm1'),
    chunk('around.', 'm1'),
    tool('c', 'pending', { title: 'bash' }),
    toolUpdate('c', 'in_progress'),
    toolUpdate('c', 'completed'),
    chunk('Built it.\n\n### B', 'm2'),
    chunk('UILDER_COMPLETE', 'm2'),
    used(100, { cost: { amount: 0.0002, currency: 'USD' } }),
    ended({
      stopReason: 'end_turn',
      usage: { inputTokens: 80, outputTokens: 6, totalTokens: 110, thoughtTokens: 4, cachedReadTokens: 20 },
    }),
  ],
}

describe('a turn', () => {
  it.each(Object.keys(TURNS))('of %s gives the message after its last tool call, and what it did', (name) => {
    const found = read(TURNS[name]!)
    expect(found).toMatchObject({ finalMessage: 'Built it.\n\n### BUILDER_COMPLETE', sessionId: 's-1', failure: null })
    const events = found.events.filter(({ event }) => event !== 'warning')
    expect(events.map(({ event }) => event)).toEqual([
      ...['message', 'tool_started', 'tool_ended', 'message', 'message'],
    ])
    expect(events[0]).toEqual({ event: 'message', text: 'Looking around.' })
    expect(events[2]).toEqual({ event: 'tool_ended', id: 'c', tool: 'execute', ok: true, detail: 'run c' })
    expect(events.slice(3)).toMatchObject([{ text: 'Built it.' }, { text: '### BUILDER_COMPLETE' }])
  })

  it.each([
    ['codex', { input_tokens: 110, output_tokens: 0, total_tokens: 110 }],
    ['claude', { input_tokens: 200, cached_input_tokens: 40, output_tokens: 20, total_tokens: 220, cost_usd: 0.0008 }],
    ['gemini', { input_tokens: 200, output_tokens: 12, total_tokens: 212 }],
    [
      'opencode',
      {
        input_tokens: 100,
        cached_input_tokens: 20,
        output_tokens: 10,
        thinking_tokens: 4,
        total_tokens: 110,
        cost_usd: 0.0002,
      },
    ],
  ])('of %s gives its tokens in the one normal form', (name, usage) => {
    const found = read(TURNS[name]!)
    expect(found.usage).toMatchObject(usage)
    expect(found.notes.some((note) => note.includes('more tokens than these'))).toBe(name === 'codex')
  })

  it('shows the warning that Codex puts among its messages, and does not take it for one', () => {
    const found = read([opened, chunk(CODEX_WARNING), chunk('### BUILDER_COMPLETE'), ended()])
    expect(found.finalMessage).toBe('### BUILDER_COMPLETE')
    expect(found.notes).toEqual([`the agent warned: ${CODEX_WARNING}`])
    expect(found.events[0]).toEqual({ event: 'warning', text: CODEX_WARNING })
  })
})

describe('what the agent says', () => {
  const said = (...messages: Fields[]) => read([opened, ...messages, ended()]).finalMessage

  it('is put together wherever the chunks end', () => {
    const text = 'Done: “ü” 🎉.\n\n### BUILDER_COMPLETE'
    for (let size = 1; size <= 9; size++) {
      const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
      expect(said(...pieces.map((piece) => chunk(piece)))).toBe(text)
    }
  })

  it('is what came after the last tool call, though that call ends later', () => {
    expect(said(chunk('### BLOCKED'), tool('a', 'pending'), chunk('### DONE'), toolUpdate('a', 'completed'))).toBe(
      '### DONE',
    )
    expect(said(chunk('### BLOCKED'), tool('a', 'pending'), toolUpdate('a', 'completed'))).toBeNull()
  })

  it('keeps messages apart: by their ids, or by what comes between', () => {
    expect(said(chunk('Fine.', 'm1'), chunk('### DONE', 'm2'))).toBe('Fine.\n\n### DONE')
    expect(said(chunk('Fine.'), used(1), chunk('### DONE'))).toBe('Fine.\n\n### DONE')
    expect(said(chunk('Fine.'), thought('hm'), chunk('### DONE'))).toBe('Fine.\n\n### DONE')
    expect(said(chunk('Fine.\n\n### BUILD', 'm1'), used(1), chunk('ER_COMPLETE', 'm1'))).toBe(
      'Fine.\n\n### BUILDER_COMPLETE',
    )
  })

  it('never has a marker torn by what comes between', () => {
    expect(said(chunk('Fine.\n\n### BUILD'), used(1), chunk('ER_COMPLETE'))).toBe('Fine.\n\n### BUILDER_COMPLETE')
  })

  it('keeps its end when it is very long', () => {
    const pieces = Array.from({ length: 40 }, () => chunk('x'.repeat(100_000)))
    const text = said(...pieces, chunk('\n### DONE'))
    expect(text?.length).toBeLessThanOrEqual(1024 * 1024)
    expect(text?.endsWith('x\n### DONE')).toBe(true)
  })

  it('is not the history of a session that is gone on with', () => {
    const history = [chunk('### BLOCKED'), used(5000, { cost: { amount: 2, currency: 'USD' } })]
    const loaded = { id: REQUESTS.loadSession, result: {} }
    const found = read([
      ...history,
      loaded,
      chunk('### DONE'),
      used(60, { cost: { amount: 2.5, currency: 'USD' } }),
      ended(),
    ])
    expect(found).toMatchObject({
      finalMessage: '### DONE',
      sessionId: 's-1',
      usage: { total_tokens: 60, cost_usd: 0.5 },
    })
    expect(found.events.map((event) => 'text' in event && event.text)).toEqual(['### DONE'])
  })

  it('is told line by line, with thoughts apart', () => {
    const found = read([
      opened,
      thought('Let me '),
      thought('see.\nYes'),
      chunk('One'),
      chunk(' line.\nAnother'),
      ended(),
    ])
    expect(found.events).toEqual([
      { event: 'reasoning', text: 'Let me see.' },
      { event: 'reasoning', text: 'Yes' },
      { event: 'message', text: 'One line.' },
      { event: 'message', text: 'Another' },
    ])
  })
})

describe('a tool call', () => {
  it('that fails is told so', () => {
    const { events } = read([opened, tool('a', 'pending'), toolUpdate('a', 'failed')])
    expect(events.at(-1)).toMatchObject({ event: 'tool_ended', id: 'a', ok: false })
  })

  it('that was refused is named, at most a handful of them', () => {
    const refusal = {
      method: OWN.answered,
      params: { level: 'basic', answer: 'reject_once', kind: 'execute', title: 'rm x' },
    }
    const found = read([opened, ...Array.from({ length: 30 }, () => refusal), ended()])
    expect(found.events[0]).toEqual({ event: 'warning', text: 'refused at level basic: execute rm x' })
    expect(found.notes).toHaveLength(11)
    expect(found.notes.at(-1)).toBe('and 20 more')
  })
})

describe('a failure', () => {
  it.each<[string, Fields, string | null, string]>([
    ['Gemini', { code: 401, message: '{"error":{"code":401,"status":"UNAUTHENTICATED"}}' }, 'auth', '401'],
    [
      'Codex',
      { code: -32603, message: 'Internal error', data: { message: 'unexpected status 401 Unauthorized: no' } },
      'auth',
      'Internal error: unexpected status 401',
    ],
    [
      'Claude',
      {
        code: -32603,
        message: 'Internal error: Failed to authenticate.',
        data: { errorKind: 'authentication_failed' },
      },
      'auth',
      'Failed to authenticate',
    ],
    [
      'OpenCode',
      { code: -32603, message: 'Internal error: status 401', data: { errorName: 'APIError' } },
      'auth',
      '401',
    ],
    [
      'any agent without login',
      { code: -32000, message: 'Authentication required' },
      'auth',
      'Authentication required',
    ],
    ['Gemini', { code: 429, message: 'slow down' }, 'rate_limit', 'slow down'],
    ['Gemini', { code: 503, message: 'busy' }, 'overloaded', 'busy'],
    [
      'Codex',
      { code: -32603, message: 'Internal error', data: 'stream disconnected' },
      'network',
      'stream disconnected',
    ],
    ['any agent', { code: -32603, message: 'Internal error' }, null, 'Internal error'],
    ['any agent', {}, null, 'without a message'],
  ])('that %s reports as %j has the cause %j', (_agent, error, cause, said) => {
    const { failure } = read([opened, failed(error)], { exitCode: 1 })
    expect(failure).toMatchObject({ cause })
    expect(failure?.message).toContain(said)
  })

  it.each([
    ['max_tokens', 'longer than it may be'],
    ['max_turn_requests', 'as many requests'],
    ['refusal', 'refused to go on'],
    ['cancelled', 'was cancelled'],
    ['constructor', 'ended its turn with constructor.'],
    [7, 'no reason'],
  ])('is a turn that ends with %s', (stopReason, said) => {
    const { failure } = read([opened, chunk('### DONE'), ended({ stopReason })], { exitCode: 1 })
    expect(failure).toMatchObject({ cause: null, message: expect.stringContaining(said) })
  })

  it('is what we could not agree with the agent on', () => {
    const refused = { method: OWN.refused, params: { message: 'The agent does not offer the model x, only: y.' } }
    expect(read([opened, refused], { exitCode: 1 }).failure?.message).toBe(
      'The agent does not offer the model x, only: y.',
    )
  })

  it('is not an error that answers nothing of ours', () => {
    const odd = { id: null, error: { code: -32700, message: '401' } }
    expect(read([opened, odd, chunk('### DONE'), ended()])).toMatchObject({ failure: null, finalMessage: '### DONE' })
  })

  it('is on stderr as long as there is no session, and not after', () => {
    const stderr = 'Please set an Auth method'
    expect(read([], { exitCode: 41, stderr }).failure).toMatchObject({ cause: 'auth', message: stderr })
    expect(read([opened], { exitCode: 1, stderr }).failure).toMatchObject({
      cause: null,
      message: 'The agent ended in the middle of its turn.',
    })
  })
})

describe('reading what no agent prints', () => {
  it('survives it, and counts the lines that are no events', () => {
    const odd = ['banner', '{}', '{"id":2}', '{"id":7,"result":7}', '{"method":"session/update","params":7}', '']
    const { notes, finalMessage, usage } = read([
      ...odd,
      update({ sessionUpdate: 'agent_message_chunk', content: 7 }),
      update({ sessionUpdate: 'tool_call', toolCallId: {}, locations: 7, content: [7, null], rawInput: [] }),
      update({ sessionUpdate: 'usage_update', used: -1, cost: { amount: 'x', currency: 'USD' } }),
      ended({ stopReason: 'end_turn', usage: { inputTokens: 1e300, outputTokens: 1 }, _meta: { quota: 7 } }),
    ])
    expect(notes).toEqual(['1 lines of the event log are not events or are too long'])
    expect([finalMessage, usage]).toEqual([null, null])
  })
})
