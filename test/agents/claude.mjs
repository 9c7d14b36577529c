// Imitates `claude -p --output-format stream-json --verbose`: event lines on stdout. FAKE_CLAUDE says what happens.
import { readFileSync, writeFileSync } from 'node:fs'
import { play, turnsGiven } from './turns.mjs'

const argv = process.argv.slice(2)
const after = (flag) => (argv.includes(flag) ? argv[argv.indexOf(flag) + 1] : undefined)
const mode = process.env.FAKE_CLAUDE ?? 'ok'
const session = after('--resume') ?? '5d0f0a3e-0000-4000-8000-00000000c1a0'

const event = (value) => process.stdout.write(`${JSON.stringify({ ...value, session_id: session })}\n`)
const START = { input_tokens: 80, cache_read_input_tokens: 15, cache_creation_input_tokens: 5, output_tokens: 1 }
let messages = 0
const assistant = (...content) =>
  event({
    type: 'assistant',
    message: { id: `msg_${messages}`, role: 'assistant', model: 'claude-fake', content, usage: START },
    parent_tool_use_id: null,
  })
const text = (text) => ({ type: 'text', text })
const call = (id, command) => ({ type: 'tool_use', id, name: 'Bash', input: { command, description: 'A step' } })
const answer = (tool_use_id, content, is_error) =>
  event({ type: 'user', message: { role: 'user', content: [{ type: 'tool_result', tool_use_id, content, is_error }] } })
const result = (fields) =>
  event({
    type: 'result',
    subtype: 'success',
    is_error: false,
    api_error_status: null,
    num_turns: messages,
    total_cost_usd: 0.0125 * messages,
    usage: { input_tokens: 80 * messages, output_tokens: 10 * messages },
    modelUsage: {
      'claude-fake': {
        inputTokens: 80 * messages,
        outputTokens: 10 * messages,
        cacheReadInputTokens: 15 * messages,
        cacheCreationInputTokens: 5 * messages,
        costUSD: 0.0125 * messages,
      },
    },
    permission_denials: [],
    ...fields,
  })

/** How a failed request ends: the message comes from the client itself, and the result says `success` all the same. */
function failed(status, kind, message) {
  event({
    type: 'assistant',
    message: { id: 'msg_x', model: '<synthetic>', content: [text(message)], usage: { input_tokens: 0 } },
    parent_tool_use_id: null,
    error: kind,
  })
  result({ is_error: true, api_error_status: status, result: message })
  process.exitCode = 1
}

/** Starts work that does not end, and does `onTerm` if asked to stop. */
function workOn(onTerm) {
  messages++
  assistant(call('toolu_1', 'sleep 300'))
  process.on('SIGTERM', onTerm)
  setTimeout(() => {}, 60_000)
}

const MODES = {
  ok(prompt) {
    messages++
    assistant(text('Let me look.'))
    assistant(call('toolu_1', 'echo done > made-by-claude'))
    writeFileSync('made-by-claude', 'done\n')
    answer('toolu_1', '(Bash completed with no output)', false)
    messages++
    const message = `Read ${prompt.length} characters.\u2028Done.\n\n### BUILDER_COMPLETE`
    assistant(text(message))
    result({ result: message })
  },
  denied() {
    messages++
    assistant(call('toolu_1', 'npm test'))
    answer('toolu_1', 'This command requires approval', true)
    messages++
    assistant(text('Untested.\n\n### BUILDER_COMPLETE'))
    const denial = { tool_name: 'Bash', tool_use_id: 'toolu_1', tool_input: { command: 'npm test' } }
    result({ result: 'Untested.\n\n### BUILDER_COMPLETE', permission_denials: [denial] })
  },
  401: () => failed(401, 'authentication_failed', 'Failed to authenticate. API Error: 401 invalid x-api-key'),
  429() {
    event({ type: 'system', subtype: 'api_retry', attempt: 1, max_retries: 2, error_status: 429, error: 'rate_limit' })
    failed(429, 'rate_limit', 'API Error: Request rejected (429) · This request would exceed your rate limit.')
  },
  quota() {
    const info = { status: 'rejected', resetsAt: 1_795_290_412, rateLimitType: 'five_hour', isUsingOverage: false }
    event({ type: 'rate_limit_event', rate_limit_info: info })
    failed(429, 'rate_limit', "You've hit your limit · resets 7:46pm (UTC)")
  },
  /** The marker was said, but the stream ends before its result. */
  truncated() {
    messages++
    assistant(text('Done.\n\n### BUILDER_COMPLETE'))
    process.stdout.write('{"type":"result","subtype":"succ')
  },
  hang: () => workOn(() => process.exit(143)),
  'term-goes-on'() {
    workOn(() => {
      answer('toolu_1', 'Exit code 137', true)
      messages++
      assistant(text('Done.\n\n### BUILDER_COMPLETE'))
      result({ result: 'Done.\n\n### BUILDER_COMPLETE' })
      process.exit(0)
    })
  },
  'term-interrupted'() {
    workOn(() => {
      result({ subtype: 'error_during_execution', is_error: true, errors: ['[ede_diagnostic] aborted'] })
      process.exit(1)
    })
  },
}

/** What claude prints for each turn; FAKE_TURNS gives the turns. */
function harness() {
  const denials = []
  const id = () => `toolu_${messages}`
  const isAllowed = (command) => after('--permission-mode') !== 'acceptEdits' || !command.startsWith('touch ')
  return {
    said(said) {
      messages++
      assistant(text(said))
    },
    allows: isAllowed,
    toolStarted(command) {
      messages++
      assistant(call(id(), command))
    },
    toolEnded(command, { code, output }) {
      if (!isAllowed(command))
        denials.push({ tool_name: 'Bash', tool_use_id: id(), tool_input: { command, description: 'A step' } })
      answer(id(), output, code !== 0)
    },
    final(said) {
      messages++
      assistant(text(said))
      result({ result: said, permission_denials: denials })
    },
    retrying: (status) =>
      event({
        type: 'system',
        subtype: 'api_retry',
        attempt: 1,
        max_retries: 2,
        error_status: status,
        error: 'rate_limit',
      }),
    refused({ status, body }) {
      if (status === 401) return MODES[401]()
      if (body?.resets_at !== undefined)
        event({ type: 'rate_limit_event', rate_limit_info: { status: 'rejected', resetsAt: body.resets_at } })
      failed(
        status,
        'rate_limit',
        body === undefined ? `API Error: Request rejected (${status})` : "You've hit your limit",
      )
    },
    broken: () => failed(null, 'unknown', 'API Error: Connection error.'),
  }
}

if (argv.includes('--version')) {
  process.stdout.write('0.0.0 (Claude Code, fake)\n')
} else if (!argv.includes('-p') || after('--output-format') !== 'stream-json' || !argv.includes('--verbose')) {
  process.stderr.write('Error: When using --print, --output-format=stream-json requires --verbose\n')
  process.exitCode = 1
} else if (after('--permission-mode') === 'bypassPermissions' && process.env.IS_SANDBOX !== '1') {
  process.stderr.write('--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons\n')
  process.exitCode = 1
} else {
  const prompt = readFileSync(0, 'utf8')
  event({ type: 'system', subtype: 'init', permissionMode: after('--permission-mode'), claude_code_version: '0.0.0' })
  const turns = turnsGiven()
  if (turns !== null) await play(turns, harness())
  else MODES[mode](prompt)
}
