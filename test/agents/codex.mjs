// Imitates `codex exec --json`: event lines on stdout, the last message in a file. FAKE_CODEX says what happens.
import { readFileSync, writeFileSync } from 'node:fs'

const argv = process.argv.slice(2)
const after = (flag) => argv[argv.indexOf(flag) + 1]
const event = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
const mode = process.env.FAKE_CODEX ?? 'ok'

if (argv.includes('--version')) {
  process.stdout.write('codex-cli 0.0.0-fake\n')
} else if (mode === 'no-repository') {
  process.stderr.write('Not inside a trusted directory and --skip-git-repo-check was not specified.\n')
  process.exitCode = 1
} else {
  const prompt = argv.at(-1) === '-' ? readFileSync(0, 'utf8') : ''
  event({ type: 'thread.started', thread_id: 'thread-7' })
  event({ type: 'item.completed', item: { id: 'item_0', type: 'error', message: 'unknown model metadata' } })
  event({ type: 'turn.started' })
  if (mode === 'no-network') {
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
