// Imitates a Codex that keeps sessions and whose provider may refuse work. The folder FAKE_SESSIONS holds a file for each
// session, and may hold `refusal.json` ({ message, until_ms }: what the provider says, and until when) and `outcomes.json`
// (the outcome of a stage kind, if it is not its first one). `calls.jsonl` keeps how each call was made.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const argv = process.argv.slice(2)
const folder = process.env.FAKE_SESSIONS
const event = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
const json = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null)

const prompt = readFileSync(0, 'utf8')
const { MILLRACE_RUN_DIR: runDir, MILLRACE_REQUEST_ID: requestId } = process.env
const request = json(join(runDir, 'stage_requests', `${requestId}.json`))
const resumed = argv.includes('resume') ? argv[argv.indexOf('resume') + 1] : null
appendFileSync(join(folder, 'calls.jsonl'), `${JSON.stringify({ stage: request.stage_kind_id, resumed, prompt })}\n`)

const id = resumed ?? `thread-${requestId.slice(-8)}`
const session = join(folder, `${id}.json`)
if (resumed !== null && !existsSync(session)) {
  process.stderr.write(
    `Error: thread/resume: thread/resume failed: no rollout found for thread id ${id} (code -32600)\n`,
  )
  process.exitCode = 1
} else work()

function work() {
  const { turns } = json(session) ?? { turns: 0 }
  writeFileSync(session, JSON.stringify({ turns: turns + 1 }))
  event({ type: 'thread.started', thread_id: id })
  event({ type: 'turn.started' })
  event({ type: 'item.completed', item: { id: 'item_0', type: 'agent_message', text: 'I began with the parser.' } })
  const tool = { id: 'item_1', type: 'command_execution', command: 'npm test', exit_code: 0, status: 'completed' }
  event({ type: 'item.completed', item: tool })
  const refusal = json(join(folder, 'refusal.json'))
  if (refusal !== null && Date.now() < refusal.until_ms) {
    event({ type: 'error', message: refusal.message })
    event({ type: 'turn.failed', error: { message: refusal.message } })
    process.exitCode = 1
    return
  }
  const outcome =
    json(join(folder, 'outcomes.json'))?.[request.stage_kind_id] ??
    request.legal_terminal_markers[0].slice('### '.length)
  for (const owed of request.owed_artifacts_by_outcome[outcome] ?? []) writeFileSync(owed.path, `By ${requestId}.\n`)
  const text = `Done.\n\n### ${outcome}`
  event({ type: 'item.completed', item: { id: 'item_2', type: 'agent_message', text } })
  // Counted for the session as a whole.
  const input_tokens = 100 * (turns + 1)
  event({ type: 'turn.completed', usage: { input_tokens, cached_input_tokens: 0, output_tokens: 10 * (turns + 1) } })
  writeFileSync(argv[argv.indexOf('--output-last-message') + 1], text)
}
