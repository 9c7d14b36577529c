// Speaks as `pi --mode rpc` does: commands on stdin, records on stdout, and it leaves when its stdin ends.
import { failure, note, think } from './mind.mjs'

const record = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
const respond = ({ id, type }, more = {}) => record({ id, type: 'response', command: type, success: true, ...more })
const cost = { input: 0.1, output: 0.2, cacheRead: 0, cacheWrite: 0, total: 0.3 }
const usage = { input: 60, output: 20, cacheRead: 30, cacheWrite: 10, totalTokens: 120, cost }
let last = ''

function say(text, more = { stopReason: 'stop' }) {
  const message = { role: 'assistant', content: [{ type: 'text', text }], usage, ...more }
  record({ type: 'message_start', message: { ...message, content: [] } })
  record({ type: 'message_end', message })
  record({ type: 'turn_end', message, toolResults: [] })
  record({ type: 'agent_end', messages: [message] })
  last = text
}

const COMMANDS = {
  prompt(command) {
    note(command.message)
    respond(command)
    record({ type: 'agent_start' })
    const errorMessage = failure()
    if (errorMessage === null) return say(think(command.message))
    say('', { stopReason: 'error', errorMessage })
    record({ type: 'auto_retry_end', success: false, attempt: 3, finalError: errorMessage })
  },
  abort: (command) => respond(command),
  get_last_assistant_text: (command) => respond(command, { data: { text: last.trim() } }),
  get_session_stats(command) {
    const tokens = { input: 60, output: 20, cacheRead: 30, cacheWrite: 10, total: 120 }
    respond(command, { data: { sessionId: 'session-of-the-fake', tokens, cost: 0.3 } })
  },
}

if (process.argv.includes('--version')) {
  process.stderr.write('0.0.0-fake\n')
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
