// Imitates an agent of the Agent Client Protocol: JSON-RPC 2.0 lines on stdio. FAKE_ACP says what happens to the prompt,
// FAKE_TURNS gives turns to play instead. FAKE_ACP_STAYS makes it stay when its stdin ends, as codex-acp does.
import { spawn } from 'node:child_process'
import { play, turnsGiven } from './turns.mjs'

const mode = process.env.FAKE_ACP ?? 'ok'
const SESSION = 'session-7'
const line = (fields) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...fields })}\n`)
const update = (members) => line({ method: 'session/update', params: { sessionId: SESSION, update: members } })
const content = (text) => ({ type: 'text', text })
const speak = (text) => update({ sessionUpdate: 'agent_message_chunk', content: content(text) })
const usage = { inputTokens: 60, outputTokens: 20, cachedReadTokens: 30, cachedWriteTokens: 10, totalTokens: 120 }
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

const waiting = new Map()
let questions = 0
let calls = 0
let tool = null
let promptId = null

/** Asks the client; gives its whole answer. */
function ask(method, params) {
  const id = questions++
  line({ id, method, params: { sessionId: SESSION, ...params } })
  return new Promise((resolve) => waiting.set(id, resolve))
}

const end = (stopReason) => line({ id: promptId, result: { stopReason, usage } })
const fail = (error) => line({ id: promptId, error })

/** Text in pieces that end anywhere, in the middle of a marker as well. */
function say(text) {
  for (let at = 0; at < text.length; at += 7) speak(text.slice(at, at + 7))
}

function toolCall(title, kind, more = {}) {
  const toolCallId = `call-${++calls}`
  update({ sessionUpdate: 'tool_call', toolCallId, title, kind, status: 'pending', ...more })
  return {
    end: (status, output = '') =>
      update({ sessionUpdate: 'tool_call_update', toolCallId, status, content: [{ content: content(output) }] }),
    /** Whether the client allows it, and by which kind of option. */
    async allowed() {
      const options = ['reject_once', 'allow_always', 'allow_once'].map((kind) => ({ optionId: `to-${kind}`, kind }))
      const { result } = await ask('session/request_permission', {
        toolCall: { toolCallId, kind, title, ...more },
        options,
      })
      return result.outcome.optionId ?? result.outcome.outcome
    },
  }
}

const PROMPTS = {
  async ok(prompt) {
    update({ sessionUpdate: 'agent_thought_chunk', content: content('Let me see.') })
    say('Looking around.\n### BLOCKED')
    const make = toolCall('make', 'execute')
    make.end('completed', 'made')
    update({ sessionUpdate: 'usage_update', used: 110, size: 1000, cost: { amount: 0.25, currency: 'USD' } })
    say(`Read ${prompt.length} characters.\u2028Done.\n\n### BUILDER_COMPLETE`)
    end('end_turn')
  },
  /** Asks for four things one after the other and says what it was told. */
  async asks() {
    const answers = []
    for (const [title, kind, file] of [
      ['ls', 'read'],
      ['inside', 'edit', `${process.cwd()}/inside.txt`],
      ['outside', 'edit', '/outside.txt'],
      ['rm', 'execute'],
    ]) {
      answers.push(await toolCall(title, kind, file ? { locations: [{ path: file }] } : {}).allowed())
    }
    say(`${answers.join(' ')}\n\n### BUILDER_COMPLETE`)
    end('end_turn')
  },
  async 'asks-other'() {
    const answer = await ask('fs/read_text_file', { path: '/etc/hostname' })
    say(`${answer.error.code}\n\n### BUILDER_COMPLETE`)
    end('end_turn')
  },
  'no-marker'() {
    say('Built it, I think.')
    end('end_turn')
  },
  refusal: () => end('refusal'),
  'max-tokens'() {
    say('Part of it.\n\n### BUILDER_COMPLETE')
    end('max_tokens')
  },
  unauthorized: () => fail({ code: -32603, message: 'Internal error', data: { message: '401 Unauthorized: bad key' } }),
  works() {
    toolCall('sleep 300', 'execute')
    tool = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' })
  },
  deaf() {
    PROMPTS.works()
  },
  hangs() {},
  async flood() {
    const speck = 'x'.repeat(1000)
    for (let count = 0; count < 20_000; count++) {
      update({ sessionUpdate: 'agent_thought_chunk', content: content(speck) })
      if (count % 100 === 0) await sleep(0)
    }
    end('end_turn')
  },
  'long-line'() {
    const call = toolCall('cat', 'read')
    call.end('completed', 'y'.repeat(3_000_000))
    say('Read it all.\n\n### BUILDER_COMPLETE')
    end('end_turn')
  },
  dies() {
    say('Almost.\n\n### BUILDER_COMPLETE')
    process.stderr.write('Out of memory, sorry\n')
    setTimeout(() => process.exit(3), 50)
  },
}

/** How the turns of FAKE_TURNS look in the protocol. */
function harness() {
  let call = null
  return {
    said: say,
    toolStarted(command) {
      call = toolCall(command, 'execute')
    },
    allows: async () => (await call.allowed()).startsWith('to-allow'),
    toolEnded: (_command, { code, output }) => call.end(code === 0 ? 'completed' : 'failed', output),
    final(text) {
      say(text)
      end('end_turn')
    },
    retrying() {},
    refused: ({ status, body }) => fail({ code: status, message: JSON.stringify(body ?? { error: { code: status } }) }),
    broken: () => fail({ code: -32603, message: 'Internal error: stream disconnected before completion' }),
  }
}

const REQUESTS = {
  initialize: () => ({
    protocolVersion: mode === 'version-2' ? 2 : 1,
    agentInfo: { name: 'fake', version: '0' },
    agentCapabilities: { loadSession: true },
  }),
  'session/new': () => ({
    sessionId: SESSION,
    models: {
      currentModelId: 'small',
      availableModels: [
        { modelId: 'small', name: 'Small' },
        { modelId: 'large', name: 'Large' },
      ],
    },
  }),
  'session/load'({ sessionId }) {
    if (sessionId !== SESSION) return null
    say('What was said before.\n\n### BLOCKED')
    return {}
  },
  'session/set_model'({ modelId }) {
    process.stderr.write(`model ${modelId}\n`)
    return {}
  },
}

function receive(fields) {
  if (fields.method === undefined) return waiting.get(fields.id)?.(fields)
  if (fields.method === 'session/prompt') {
    promptId = fields.id
    const turns = turnsGiven()
    return turns === null ? PROMPTS[mode](fields.params.prompt[0].text) : play(turns, harness())
  }
  if (fields.method === 'session/cancel') {
    if (mode === 'deaf') return
    tool?.kill('SIGKILL')
    return end('cancelled')
  }
  if (mode === 'auth-required' && fields.method === 'session/new') {
    return line({ id: fields.id, error: { code: -32000, message: 'Authentication required' } })
  }
  const result = REQUESTS[fields.method](fields.params)
  if (result === null) return line({ id: fields.id, error: { code: -32002, message: 'Resource not found' } })
  line({ id: fields.id, result })
}

if (mode === 'mute') setInterval(() => {}, 60_000)
else if (mode === 'refuses') {
  process.stderr.write('Please set an Auth method\n')
  process.exitCode = 41
} else {
  let rest = ''
  process.stdin.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    for (const own of lines) receive(JSON.parse(own))
  })
  process.stdin.on('end', () => process.env.FAKE_ACP_STAYS === undefined && process.exit(0))
  if (process.env.FAKE_ACP_STAYS !== undefined) setInterval(() => {}, 60_000)
}
