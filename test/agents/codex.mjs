// Imitates `codex exec --json`: event lines on stdout, the last message in a file. FAKE_CODEX says what happens.
import { readFileSync, writeFileSync } from 'node:fs'
import { serve } from './app-server.mjs'
import { play, turnsGiven } from './turns.mjs'

const argv = process.argv.slice(2)
const after = (flag) => argv[argv.indexOf(flag) + 1]
const event = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
const mode = process.env.FAKE_CODEX ?? 'ok'

if (argv.includes('--version')) {
  process.stdout.write('codex-cli 0.0.0-fake\n')
} else if (argv.includes('app-server')) {
  serve()
} else if (mode === 'no-repository') {
  process.stderr.write('Not inside a trusted directory and --skip-git-repo-check was not specified.\n')
  process.exitCode = 1
} else {
  const prompt = argv.at(-1) === '-' ? readFileSync(0, 'utf8') : ''
  event({ type: 'thread.started', thread_id: 'thread-7' })
  event({ type: 'item.completed', item: { id: 'item_0', type: 'error', message: 'unknown model metadata' } })
  event({ type: 'turn.started' })
  const turns = turnsGiven()
  if (turns !== null) await play(turns, harness())
  else if (mode === 'no-network') {
    event({ type: 'error', message: 'Reconnecting... waiting for network (Connection failed: error sending request)' })
    setTimeout(() => {}, 60_000)
  } else if (mode !== 'ok') {
    event({ type: 'error', message: mode })
    event({ type: 'turn.failed', error: { message: mode } })
    process.exitCode = 1
  } else {
    const text = `Read ${prompt.length} characters.\u2028Done.\n\n### BUILDER_COMPLETE`
    event({ type: 'item.completed', item: { id: 'item_1', type: 'agent_message', text: 'Looking around.' } })
    event({ type: 'item.completed', item: { id: 'item_2', type: 'agent_message', text } })
    event({
      type: 'turn.completed',
      usage: { input_tokens: 100, cached_input_tokens: 40, output_tokens: 20, reasoning_output_tokens: 5 },
    })
    writeFileSync(after('--output-last-message'), text)
  }
}

/** What codex prints for each turn; FAKE_TURNS gives the turns. */
function harness() {
  let items = 1
  const failed = (message) => {
    event({ type: 'error', message })
    event({ type: 'turn.failed', error: { message } })
    process.exitCode = 1
  }
  const item = (type, members) => event({ type, item: { id: `item_${items}`, ...members } })
  const command = (members) => ({ type: 'command_execution', ...members })
  return {
    said(text) {
      item('item.completed', { type: 'agent_message', text })
      items++
    },
    // A sandbox of its own keeps commands inside the workspace; here it is enough to know one that leaves it.
    allows: (text) => !argv.includes('workspace-write') || !text.startsWith('touch '),
    toolStarted: (text) => item('item.started', command({ command: text, status: 'in_progress' })),
    toolEnded(text, { code, output }) {
      const status = code === 0 ? 'completed' : 'failed'
      item('item.completed', command({ command: text, aggregated_output: output, exit_code: code, status }))
      items++
    },
    final(text) {
      item('item.completed', { type: 'agent_message', text })
      event({ type: 'turn.completed', usage: { input_tokens: 100, cached_input_tokens: 40, output_tokens: 20 } })
      writeFileSync(after('--output-last-message'), text)
    },
    retrying: (status) => event({ type: 'error', message: `Reconnecting... 1/5 (unexpected status ${status})` }),
    refused({ status, body }) {
      if (status === 401) failed('unexpected status 401 Unauthorized: bad key, url: http://127.0.0.1/v1/responses')
      else if (typeof body === 'string') failed(body)
      else failed(`exceeded retry limit, last status: ${status} Too Many Requests`)
    },
    broken: () => failed('stream disconnected before completion: the stream was closed before response.completed'),
  }
}
