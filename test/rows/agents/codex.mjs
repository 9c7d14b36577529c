// Speaks as `codex exec --json` does: prompt on stdin, event lines on stdout, the last message in a file.
import { readFileSync, writeFileSync } from 'node:fs'
import { failure, note, think } from './mind.mjs'

const argv = process.argv.slice(2)
const event = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)

if (argv.includes('--version')) {
  process.stdout.write('codex-cli 0.0.0-fake\n')
} else {
  const prompt = argv.at(-1) === '-' ? readFileSync(0, 'utf8') : ''
  note(prompt)
  process.stderr.write(`working on ${process.env.MILLRACE_REQUEST_ID}\n`)
  event({ type: 'thread.started', thread_id: 'thread-of-the-fake' })
  event({ type: 'turn.started' })
  const message = failure()
  if (message !== null) {
    event({ type: 'error', message })
    event({ type: 'turn.failed', error: { message } })
    process.exitCode = 1
  } else {
    event({ type: 'item.completed', item: { id: 'item_0', type: 'agent_message', text: 'Looking around.' } })
    const text = think(prompt)
    event({ type: 'item.completed', item: { id: 'item_1', type: 'agent_message', text } })
    event({ type: 'turn.completed', usage: { input_tokens: 100, cached_input_tokens: 40, output_tokens: 20 } })
    writeFileSync(argv[argv.indexOf('--output-last-message') + 1], text)
  }
}
