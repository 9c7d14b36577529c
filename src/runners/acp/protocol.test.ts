import { describe, expect, it } from 'vitest'
import type { PermissionLevel } from '../../core/stage.ts'
import type { Fields } from '../fields.ts'
import { type AcpSettings, acpProtocol, OWN, REQUESTS } from './protocol.ts'

const ROOT = '/home/ada/project'
const plain: AcpSettings = { workspaceRoot: ROOT, level: 'maximum', model: null, effort: null, sessionId: null }

/** An agent that answers each request of ours with what `answers` has for its method; all that was sent is kept. */
function talk(answers: Record<string, Fields>, settings: Partial<AcpSettings> = {}) {
  const protocol = acpProtocol({ ...plain, ...settings })
  const sent: Fields[] = []
  const logged: Fields[] = []
  let over: number | undefined
  const take = (step: ReturnType<typeof protocol.line>): void => {
    over ??= step.over
    for (const line of step.log?.split('\n') ?? []) logged.push(JSON.parse(line) as Fields)
    for (const text of step.send ?? []) {
      const message = JSON.parse(text) as Fields
      sent.push(message)
      const answer = answers[String(message.method)]
      if (answer !== undefined) say({ id: message.id, ...answer })
    }
  }
  const say = (message: Fields): void => take(protocol.line(JSON.stringify({ jsonrpc: '2.0', ...message }), false))
  take(protocol.begin('the prompt'))
  return {
    say,
    raw: (text: string, truncated = false) => protocol.line(text, truncated),
    abort: () => take(protocol.abort()),
    sent,
    logged,
    methods: () => sent.map(({ method }) => method ?? 'answer'),
    own: () => logged.filter(({ method }) => String(method).startsWith('_millrace/')),
    over: () => over,
  }
}

const initialised = (agentName: string) => ({
  result: { protocolVersion: 1, agentInfo: { name: agentName }, agentCapabilities: { loadSession: true } },
})
const select = (id: string, category: string, current: string, values: string[]) => ({
  id,
  category,
  type: 'select',
  currentValue: current,
  options: values.map((value) => ({ value, name: value.toUpperCase() })),
})

/** What the four agents answered to the first two requests, shortened. */
const AGENTS = {
  codex: {
    initialize: initialised('codex-acp'),
    'session/new': {
      result: {
        sessionId: 'c',
        modes: { currentModeId: 'read-only', availableModes: [{ id: 'auto' }] },
        configOptions: [
          select('mode', 'mode', 'read-only', ['read-only', 'auto', 'full-access']),
          select('model', 'model', 'stub-model', ['stub-model', 'gpt-5.5']),
          select('reasoning_effort', 'thought_level', 'medium', ['low', 'medium', 'high']),
        ],
      },
    },
    'session/set_config_option': { result: { configOptions: [] } },
  },
  claude: {
    initialize: initialised('@agentclientprotocol/claude-agent-acp'),
    'session/new': {
      result: {
        sessionId: 'a',
        configOptions: [
          select('mode', 'mode', 'bypassPermissions', ['default', 'plan', 'bypassPermissions']),
          select('model', 'model', 'default', ['default', 'sonnet']),
        ],
      },
    },
    'session/set_config_option': { result: {} },
  },
  gemini: {
    initialize: initialised('gemini-cli'),
    'session/new': {
      result: {
        sessionId: 'g',
        modes: { currentModeId: 'default', availableModes: [{ id: 'default' }, { id: 'yolo' }] },
        models: {
          currentModelId: 'gemini-2.5-flash',
          availableModels: [{ modelId: 'auto' }, { modelId: 'gemini-2.5-pro', name: 'Pro' }],
        },
      },
    },
    'session/set_model': { result: {} },
  },
  opencode: {
    initialize: initialised('OpenCode'),
    'session/new': {
      result: {
        sessionId: 'o',
        configOptions: [
          select('model', 'model', 'stub/stub-model', ['stub/stub-model', 'stub/other']),
          select('mode', 'mode', 'build', ['build', 'plan']),
        ],
      },
    },
    'session/set_config_option': { result: {} },
  },
} satisfies Record<string, Record<string, Fields>>

describe('opening a session', () => {
  it('takes the four agents from the first message to the prompt', () => {
    for (const name of ['claude', 'gemini', 'opencode'] as const) {
      const { methods, sent, own } = talk(AGENTS[name], name === 'claude' ? { level: 'basic' } : {})
      const mode = name === 'claude' ? ['session/set_config_option'] : []
      expect(methods(), name).toEqual(['initialize', 'session/new', ...mode, 'session/prompt'])
      expect(sent.at(-1)).toMatchObject({
        id: REQUESTS.prompt,
        params: { sessionId: name === 'claude' ? 'a' : name[0], prompt: [{ type: 'text', text: 'the prompt' }] },
      })
      expect(own()).toEqual([])
    }
    expect(talk(AGENTS.gemini).sent.slice(0, 2)).toMatchObject([
      { params: { protocolVersion: 1, clientCapabilities: { fs: { readTextFile: false }, terminal: false } } },
      { params: { cwd: ROOT, mcpServers: [] } },
    ])
  })

  it.each<[PermissionLevel, string]>([
    ['basic', 'auto'],
    ['elevated', 'full-access'],
    ['maximum', 'full-access'],
  ])('at level %s gives Codex, which is read-only by itself, the mode %s', (level, mode) => {
    const { sent } = talk(AGENTS.codex, { level })
    expect(sent[2]).toMatchObject({ id: REQUESTS.mode, params: { sessionId: 'c', configId: 'mode', value: mode } })
    expect(sent[3]).toMatchObject({ method: 'session/prompt' })
  })

  it.each([
    ['claude', 'sonnet', 'session/set_config_option', { configId: 'model', value: 'sonnet' }],
    ['opencode', 'STUB/OTHER', 'session/set_config_option', { configId: 'model', value: 'stub/other' }],
    ['gemini', 'gemini-2.5-pro', 'session/set_model', { modelId: 'gemini-2.5-pro' }],
    ['gemini', 'Pro', 'session/set_model', { modelId: 'gemini-2.5-pro' }],
  ] as const)('asks %s for the model %s', (name, model, method, params) => {
    const { sent } = talk(AGENTS[name], { model })
    expect(sent.find(({ id }) => id === REQUESTS.model)).toMatchObject({ method, params })
    expect(sent.at(-1)).toMatchObject({ method: 'session/prompt' })
  })

  it('does not ask for what is in use already, though the agent does not list it', () => {
    expect(talk(AGENTS.gemini, { model: 'gemini-2.5-flash' }).methods()).toEqual([
      'initialize',
      'session/new',
      'session/prompt',
    ])
  })

  it('asks for the effort after the model', () => {
    const { sent } = talk(
      { ...AGENTS.codex, 'session/set_config_option': { result: {} } },
      { model: 'gpt-5.5', effort: 'high' },
    )
    expect(sent.slice(2).map(({ id }) => id)).toEqual([REQUESTS.mode, REQUESTS.model, REQUESTS.effort, REQUESTS.prompt])
  })

  it('does not work with another model than the one that was asked for', () => {
    const { own, over, methods } = talk(AGENTS.opencode, { model: 'gpt-9' })
    expect(over()).toBe(1)
    expect(methods()).not.toContain('session/prompt')
    expect(own()).toMatchObject([
      { method: OWN.refused, params: { message: expect.stringMatching(/gpt-9, only: stub\/stub-model, stub\/other/) } },
    ])
  })

  it('goes on with a note where the agent leaves no choice', () => {
    const answers = { initialize: initialised('x'), 'session/new': { result: { sessionId: 'x' } } }
    const { own, methods } = talk(answers, { model: 'm', effort: 'high' })
    expect(methods().at(-1)).toBe('session/prompt')
    expect(own().map(({ method }) => method)).toEqual([OWN.noted, OWN.noted])
  })

  it('tells of a mode that the level asks for and that is not there', () => {
    const answers = { initialize: initialised('codex-acp'), 'session/new': { result: { sessionId: 'x' } } }
    const { own, methods } = talk(answers, { level: 'basic' })
    expect(methods().at(-1)).toBe('session/prompt')
    expect(own()).toMatchObject([{ method: OWN.noted, params: { message: expect.stringContaining('no mode auto') } }])
  })

  it('goes on with a session that is named', () => {
    const { sent } = talk({ ...AGENTS.gemini, 'session/load': { result: {} } }, { sessionId: 'old' })
    expect(sent[1]).toMatchObject({ method: 'session/load', params: { sessionId: 'old', cwd: ROOT } })
    expect(sent[2]).toMatchObject({ method: 'session/prompt', params: { sessionId: 'old' } })
  })

  it.each([
    ['is gone', { ...AGENTS.gemini, 'session/load': { error: { code: -32002, message: 'Resource not found' } } }],
    ['cannot be loaded', { initialize: { result: { protocolVersion: 1, agentCapabilities: {} } } }],
  ])('says so when the session %s, and begins no other', (_how, answers) => {
    const { own, over, methods } = talk(answers, { sessionId: 'old' })
    expect(over()).toBe(1)
    expect(methods()).not.toContain('session/new')
    expect(own()).toMatchObject([{ params: { message: expect.stringContaining('session old does not exist') } }])
  })

  it.each([
    ['another version', { initialize: { result: { protocolVersion: 2 } } }, 'unsupported protocol version'],
    ['no session id', { initialize: initialised('x'), 'session/new': { result: {} } }, 'without an id'],
  ])('ends with a sentence when the agent gives %s', (_what, answers, sentence) => {
    const { own, over } = talk(answers)
    expect(over()).toBe(1)
    expect(own()).toMatchObject([{ method: OWN.refused, params: { message: expect.stringContaining(sentence) } }])
  })

  it('sends the prompt once, whatever an agent answers twice', () => {
    const { say, methods } = talk(AGENTS.gemini)
    say({ id: REQUESTS.newSession, result: { sessionId: 'again' } })
    say({ id: 99, result: {} })
    expect(methods().filter((method) => method === 'session/prompt')).toHaveLength(1)
  })
})

describe('the end of the turn', () => {
  it.each([
    ['end_turn', 0],
    ['max_tokens', 1],
    ['refusal', 1],
    ['something new', 1],
  ])('by %s ends the work with status %i', (stopReason, status) => {
    const { say, over } = talk(AGENTS.gemini)
    expect(over()).toBeUndefined()
    say({ id: REQUESTS.prompt, result: { stopReason } })
    expect(over()).toBe(status)
  })

  it('is reached by an error of any request of ours', () => {
    const refused = { error: { code: -32000, message: 'Authentication required' } }
    expect(talk({ ...AGENTS.gemini, 'session/new': refused }).over()).toBe(1)
    const { say, over } = talk(AGENTS.gemini)
    say({ id: REQUESTS.prompt, error: { code: 401, message: 'no' } })
    expect(over()).toBe(1)
  })
})

describe('a question of the agent', () => {
  /** Options in the order and with the ids of the four agents. */
  const OPTIONS = {
    codex: [
      { optionId: 'approved', kind: 'allow_once' },
      { optionId: 'abort', kind: 'reject_once' },
    ],
    claude: [
      { optionId: 'allow_always', kind: 'allow_always' },
      { optionId: 'allow', kind: 'allow_once' },
      { optionId: 'reject', kind: 'reject_once' },
    ],
    gemini: [
      { optionId: 'proceed_always', kind: 'allow_always' },
      { optionId: 'proceed_once', kind: 'allow_once' },
      { optionId: 'cancel', kind: 'reject_once' },
    ],
    opencode: [
      { optionId: 'once', kind: 'allow_once' },
      { optionId: 'always', kind: 'allow_always' },
      { optionId: 'reject', kind: 'reject_once' },
    ],
  }

  function answerTo(level: PermissionLevel, toolCall: Fields, options: unknown = OPTIONS.gemini): unknown {
    const { say, sent } = talk(AGENTS.gemini, { level })
    say({ id: 0, method: 'session/request_permission', params: { sessionId: 'g', toolCall, options } })
    const { id, result } = sent.at(-1)!
    expect(id).toBe(0)
    const { outcome } = result as { outcome: Fields }
    return outcome.optionId ?? outcome.outcome
  }

  it.each([
    ['codex', 'abort', 'approved', 'approved'],
    ['claude', 'reject', 'allow', 'allow_always'],
    ['gemini', 'cancel', 'proceed_once', 'proceed_always'],
    ['opencode', 'reject', 'once', 'always'],
  ] as const)('of %s to run a command is answered by the level', (name, basic, elevated, maximum) => {
    const call = { toolCallId: 't', kind: 'execute', title: 'rm -rf /' }
    expect(answerTo('basic', call, OPTIONS[name])).toBe(basic)
    expect(answerTo('elevated', call, OPTIONS[name])).toBe(elevated)
    expect(answerTo('maximum', call, OPTIONS[name])).toBe(maximum)
  })

  it.each([
    ['read', 'proceed_once'],
    ['search', 'proceed_once'],
    ['think', 'proceed_once'],
    ['execute', 'cancel'],
    ['delete', 'cancel'],
    ['move', 'cancel'],
    ['fetch', 'cancel'],
    ['switch_mode', 'cancel'],
    ['other', 'cancel'],
    [undefined, 'cancel'],
  ])('for a tool of kind %s is answered at level basic with %s', (kind, answer) => {
    expect(answerTo('basic', { toolCallId: 't', kind })).toBe(answer)
  })

  it.each<[string, Fields, string]>([
    ['in the workspace', { locations: [{ path: `${ROOT}/src/a.ts` }] }, 'proceed_once'],
    ['in the workspace, told relatively', { rawInput: { file_path: 'src/a.ts' } }, 'proceed_once'],
    ['with two dots in its name', { locations: [{ path: `${ROOT}/..a` }] }, 'proceed_once'],
    ['of another project', { locations: [{ path: `${ROOT}-two/a.ts` }] }, 'cancel'],
    ['above', { locations: [{ path: `${ROOT}/../a.ts` }] }, 'cancel'],
    ['above, told relatively', { content: [{ type: 'diff', path: '../a.ts' }] }, 'cancel'],
    ['here and elsewhere', { locations: [{ path: `${ROOT}/a` }, { path: '/etc/passwd' }] }, 'cancel'],
    ['that is not named', {}, 'cancel'],
  ])('to change a file %s is answered at level basic', (_where, more, answer) => {
    expect(answerTo('basic', { toolCallId: 't', kind: 'edit', ...more })).toBe(answer)
  })

  it('is judged by what was told of the call before', () => {
    const { say, sent } = talk(AGENTS.claude, { level: 'basic' })
    const update = (fields: Fields) => say({ method: 'session/update', params: { update: fields } })
    update({ sessionUpdate: 'tool_call', toolCallId: 't', kind: 'edit', title: 'Write' })
    update({ sessionUpdate: 'tool_call_update', toolCallId: 't', locations: [{ path: `${ROOT}/a` }] })
    say({
      id: 4,
      method: 'session/request_permission',
      params: { toolCall: { toolCallId: 't' }, options: OPTIONS.claude },
    })
    expect(sent.at(-1)).toMatchObject({ id: 4, result: { outcome: { optionId: 'allow' } } })
  })

  it.each<[PermissionLevel, unknown, string]>([
    [
      'basic',
      [
        { optionId: 'a', kind: 'allow_always' },
        { optionId: 'r', kind: 'reject_always' },
      ],
      'r',
    ],
    ['elevated', [{ optionId: 'a', kind: 'allow_always' }], 'a'],
    ['maximum', [{ optionId: 'x', kind: 'something new' }], 'cancelled'],
    ['maximum', null, 'cancelled'],
  ])('with few options is answered at level %s from %j with %s', (level, options, answer) => {
    expect(answerTo(level, { toolCallId: 't', kind: 'read' }, options)).toBe(answer)
  })

  it('is kept in the log with its answer', () => {
    const { say, logged } = talk(AGENTS.gemini, { level: 'basic' })
    const toolCall = { toolCallId: 't', kind: 'fetch', title: 'example.org' }
    say({ id: 0, method: 'session/request_permission', params: { toolCall, options: OPTIONS.gemini } })
    expect(logged.slice(-2)).toMatchObject([
      { method: 'session/request_permission' },
      { method: OWN.answered, params: { level: 'basic', answer: 'reject_once', kind: 'fetch', title: 'example.org' } },
    ])
  })

  it('for anything else gets an error, never silence', () => {
    const { say, sent } = talk(AGENTS.opencode)
    for (const method of ['fs/write_text_file', 'terminal/create', '_vendor/thing'])
      say({ id: 'q', method, params: {} })
    expect(sent.slice(-3)).toMatchObject(Array(3).fill({ id: 'q', error: { code: -32601 } }))
  })

  it('that is too long to be read gets an error too', () => {
    const { raw } = talk(AGENTS.gemini)
    const step = raw('{"jsonrpc":"2.0","id":7,"method":"session/request_permission","params":{"x":"yyy', true)
    expect(JSON.parse(step.send?.[0] ?? '')).toMatchObject({ id: 7, error: { code: -32600 } })
    expect(raw('{"jsonrpc":"2.0","method":"session/update","params":{"x":"yyy', true).send).toBeUndefined()
  })
})

describe('an abort', () => {
  it('cancels the turn and every question after it, and is over with its answer', () => {
    const { abort, say, sent, over } = talk(AGENTS.opencode)
    abort()
    expect(sent.at(-1)).toEqual({ jsonrpc: '2.0', method: 'session/cancel', params: { sessionId: 'o' } })
    expect(over()).toBeUndefined()
    const options = [{ optionId: 'once', kind: 'allow_once' }]
    say({ id: 0, method: 'session/request_permission', params: { toolCall: { kind: 'read' }, options } })
    expect(sent.at(-1)).toMatchObject({ id: 0, result: { outcome: { outcome: 'cancelled' } } })
    say({ id: REQUESTS.prompt, result: { stopReason: 'end_turn' } })
    expect(over(), 'though the turn had a good end').toBe(1)
  })

  it('before there is a turn ends the work at once', () => {
    const { abort, over, methods } = talk({ initialize: initialised('x') })
    abort()
    expect(over()).toBe(1)
    expect(methods()).toEqual(['initialize', 'session/new'])
  })
})

describe('the log', () => {
  it('keeps lines as they come, whatever they are', () => {
    const { raw } = talk(AGENTS.gemini)
    for (const text of ['banner', '[]', 'null', '{"jsonrpc":"2.0","method":"session/update"}', '{"id":{}}']) {
      const step = raw(text)
      expect(step.log ?? text).toBe(text)
      expect(step.send).toBeUndefined()
    }
  })

  it('has long texts of tools cut, and never what the agent says', () => {
    const { raw } = talk(AGENTS.gemini)
    const long = 'x'.repeat(500_000)
    const line = (update: Fields) => JSON.stringify({ jsonrpc: '2.0', method: 'session/update', params: { update } })
    const tool = raw(line({ sessionUpdate: 'tool_call_update', toolCallId: 't', rawOutput: { a: long } })).log ?? ''
    expect(tool.length).toBeLessThan(10_000)
    expect(JSON.parse(tool)).toMatchObject({ params: { update: { toolCallId: 't' } } })
    expect(raw(line({ sessionUpdate: 'agent_message_chunk', content: { text: long } })).log).toContain(long)
  })
})
