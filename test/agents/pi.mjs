// Imitates `pi --mode rpc`: commands on stdin, records on stdout, and it leaves when its stdin ends. FAKE_PI says what
// happens to the prompt, FAKE_TURNS gives turns to play instead.
import { spawn } from 'node:child_process'
import { play, turnsGiven } from './turns.mjs'

const mode = process.env.FAKE_PI ?? 'ok'
const record = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
const respond = ({ id, type }, more = {}) => record({ id, type: 'response', command: type, success: true, ...more })
const usage = {
  input: 60,
  output: 20,
  cacheRead: 30,
  cacheWrite: 10,
  totalTokens: 120,
  cost: { input: 0.1, output: 0.2, cacheRead: 0, cacheWrite: 0, total: 0.3 },
}
const messages = []
let tool = null
let answered = () => {}

function say(text, stopReason = 'stop', more = {}) {
  const message = { role: 'assistant', content: [{ type: 'text', text }], usage, stopReason, ...more }
  record({ type: 'message_start', message: { ...message, content: [] } })
  record({
    type: 'message_update',
    message,
    assistantMessageEvent: { type: 'text_delta', delta: text, partial: message },
  })
  record({ type: 'message_end', message })
  messages.push(message)
  record({ type: 'turn_end', message, toolResults: [] })
}
const fail = (errorMessage) => say('Part of it.\n\n### BUILDER_COMPLETE', 'error', { errorMessage })
const end = () => record({ type: 'agent_end', messages })
const begin = () => record({ type: 'agent_start' })

const TURNS = {
  ok(prompt) {
    record({ type: 'tool_execution_start', toolCallId: 'call-1', toolName: 'bash', args: { command: 'make' } })
    const result = { content: [{ type: 'text', text: 'made' }] }
    record({ type: 'tool_execution_update', toolCallId: 'call-1', toolName: 'bash', partialResult: result })
    record({ type: 'tool_execution_end', toolCallId: 'call-1', toolName: 'bash', result, isError: false })
    say('Looking around.', 'toolUse')
    say(`Read ${prompt.length} characters.\u2028Done.\n\n### BUILDER_COMPLETE`)
    end()
  },
  async asks() {
    record({ type: 'extension_ui_request', id: 'ui-1', method: 'select', title: 'Allow?', options: ['Yes', 'No'] })
    const answer = await new Promise((resolve) => {
      answered = resolve
    })
    say(`Answered ${JSON.stringify(answer)}.\n\n### BUILDER_COMPLETE`)
    end()
  },
  async retries() {
    fail('429 slow down')
    end()
    record({ type: 'auto_retry_start', attempt: 1, maxAttempts: 3, delayMs: 50, errorMessage: '429 slow down' })
    // Longer than a driver waits for the news that there is a retry.
    await new Promise((resolve) => setTimeout(resolve, 3500))
    begin()
    record({ type: 'auto_retry_end', success: true, attempt: 1 })
    say('Done.\n\n### BUILDER_COMPLETE')
    end()
  },
  'gives-up'() {
    fail('500 internal server error')
    end()
    record({ type: 'auto_retry_end', success: false, attempt: 3, finalError: '500 internal server error' })
  },
  unauthorized() {
    fail('401 bad key')
    end()
  },
  settles() {
    fail('something new')
    end()
    record({ type: 'agent_settled' })
  },
  works() {
    record({ type: 'tool_execution_start', toolCallId: 'call-1', toolName: 'bash', args: { command: 'sleep 300' } })
    tool = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' })
  },
  dies() {
    process.stderr.write('Out of memory, sorry\n')
    process.exit(3)
  },
}

/** How the turns of FAKE_TURNS look in the protocol. */
function harness() {
  let calls = 0
  const call = (type, command, more = {}) =>
    record({ type, toolCallId: `call-${calls}`, toolName: 'bash', args: { command }, ...more })
  return {
    said: (text) => say(text, 'toolUse'),
    toolStarted(command) {
      calls++
      call('tool_execution_start', command)
    },
    toolEnded(command, { code, output }) {
      call('tool_execution_end', command, {
        result: { content: [{ type: 'text', text: output }] },
        isError: code !== 0,
      })
    },
    final(text) {
      say(text)
      end()
    },
    retrying(status) {
      fail(`${status} slow down`)
      end()
      record({ type: 'auto_retry_start', attempt: 1, maxAttempts: 3, delayMs: 50, errorMessage: `${status} slow down` })
      begin()
      record({ type: 'auto_retry_end', success: true, attempt: 1 })
    },
    refused({ status, body }) {
      fail(typeof body === 'string' ? body : `${status} ${status === 401 ? 'bad key' : 'slow down'}`)
      end()
      if (status !== 401) record({ type: 'auto_retry_end', success: false, attempt: 3, finalError: String(status) })
    },
    broken() {
      fail('stream ended: connection reset')
      end()
      record({ type: 'auto_retry_end', success: false, attempt: 3, finalError: 'connection reset' })
    },
  }
}

const COMMANDS = {
  async prompt(command) {
    if (mode === 'rejects') return respond(command, { success: false, error: 'No API key found' })
    respond(command)
    begin()
    record({ type: 'message_end', message: { role: 'user', content: [{ type: 'text', text: command.message }] } })
    const turns = turnsGiven()
    if (turns !== null) await play(turns, harness())
    else await TURNS[mode](command.message)
  },
  extension_ui_response: (answer) => answered(answer),
  abort(command) {
    tool?.kill('SIGKILL')
    say('', 'aborted', { errorMessage: 'Operation aborted' })
    end()
    respond(command)
  },
  get_last_assistant_text: (command) => respond(command, { data: { text: messages.at(-1)?.content[0].text.trim() } }),
  get_session_stats(command) {
    const tokens = { input: 60, output: 20, cacheRead: 30, cacheWrite: 10, total: 120 }
    respond(command, { data: { sessionId: 'session-7', tokens, cost: 0.3 } })
  },
}

if (process.argv.includes('--version')) {
  process.stderr.write('0.0.0-fake\n')
} else if (mode === 'refuses') {
  process.stderr.write('Error: Unknown option: --no-such-thing\n')
  process.exitCode = 1
} else {
  let rest = ''
  process.stdin.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    for (const line of lines) {
      const command = JSON.parse(line)
      COMMANDS[command.type](command)
    }
  })
  process.stdin.on('end', () => process.exit(0))
}
