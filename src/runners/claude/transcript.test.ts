import { describe, expect, it } from 'vitest'
import type { AgentEvent } from '../agent-event.ts'
import { claudeTranscript } from './transcript.ts'

const at = new Date('2026-11-21T16:46:00Z')
const SESSION = '6593008f-2b0a-49dc-989f-e6b17bd54453'

// Lines as Claude Code 2.1.197 prints them, less the members nobody reads.
const INIT = `{"type":"system","subtype":"init","cwd":"/w","session_id":"${SESSION}","tools":["Bash"],"permissionMode":"acceptEdits"}`
const SAYS =
  '{"type":"assistant","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Let me."}],"stop_reason":null,"usage":{"input_tokens":80,"cache_read_input_tokens":20,"cache_creation_input_tokens":7,"output_tokens":1}},"parent_tool_use_id":null}'
const CALLS =
  '{"type":"assistant","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"toolu_1","name":"Bash","input":{"command":"npm test","description":"Run"}}],"stop_reason":null,"usage":{"input_tokens":80,"cache_read_input_tokens":20,"cache_creation_input_tokens":7,"output_tokens":1}},"parent_tool_use_id":null}'
const DENIED =
  '{"type":"user","message":{"role":"user","content":[{"type":"tool_result","content":"This command requires approval","is_error":true,"tool_use_id":"toolu_1"}]},"parent_tool_use_id":null,"tool_use_result":"Error: This command requires approval"}'
const RETRIES =
  '{"type":"system","subtype":"api_retry","attempt":1,"max_retries":2,"retry_delay_ms":571.07,"error_status":429,"error":"rate_limit"}'
const LIMIT =
  '{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":1795459615,"rateLimitType":"seven_day","overageStatus":"rejected","isUsingOverage":false}}'

const reports = (kind: string, text: string) =>
  JSON.stringify({
    type: 'assistant',
    message: { id: 'x', model: '<synthetic>', content: [{ type: 'text', text }], usage: { input_tokens: 0 } },
    parent_tool_use_id: null,
    error: kind,
  })
const result = (fields: object) =>
  JSON.stringify({ type: 'result', subtype: 'success', is_error: false, permission_denials: [], ...fields })

function read(lines: string[], exitCode: number | null = 0, stderr: string | null = null) {
  const transcript = claudeTranscript()
  const events = lines.flatMap((text): AgentEvent[] => transcript.line({ text, truncated: false }))
  const findings = transcript.findings({ exitCode, at, stdout: null, stderr, lastMessage: null })
  expect(transcript.usage()).toEqual(findings.usage)
  return { events, ...findings }
}
/** What a request that failed leads to: the client's own message, and a result that says `success`. */
const failedBy = (kind: string, status: number | null, text: string, before: string[] = []) =>
  read([INIT, ...before, reports(kind, text), result({ is_error: true, api_error_status: status, result: text })], 1)

describe('reading the events of Claude Code', () => {
  it('tells messages, calls and their results, retries and denials', () => {
    const denial = { tool_name: 'Bash', tool_use_id: 'toolu_1', tool_input: { command: 'npm test' } }
    const { events } = read([INIT, RETRIES, SAYS, CALLS, DENIED, result({ result: 'x', permission_denials: [denial] })])
    expect(events).toEqual([
      { event: 'retry', text: 'API error 429 (rate_limit), tried again: attempt 1 of 2' },
      { event: 'message', text: 'Let me.' },
      { event: 'tool_started', id: 'toolu_1', tool: 'Bash', detail: 'npm test' },
      { event: 'tool_ended', id: 'toolu_1', tool: 'Bash', ok: false, detail: 'This command requires approval' },
      { event: 'warning', text: 'denied: Bash: npm test' },
    ])
  })

  it('counts the input of a message once while it streams, and of the output nothing', () => {
    expect(read([INIT, SAYS, CALLS]).usage).toEqual({
      input_tokens: 107,
      cached_input_tokens: 20,
      cache_write_tokens: 7,
      output_tokens: 0,
      thinking_tokens: 0,
      total_tokens: 107,
    })
  })

  it('takes the tokens of all models in the end, those of subagents too, with what they cost', () => {
    const counts = (inputTokens: number) => ({ inputTokens, outputTokens: 3, cacheReadInputTokens: 20, costUSD: 0.5 })
    const ended = result({
      result: 'Done.',
      total_cost_usd: 1.5,
      usage: { input_tokens: 10, output_tokens: 3 },
      modelUsage: { large: counts(100), small: counts(7) },
    })
    expect(read([SAYS, ended]).usage).toEqual({
      input_tokens: 147,
      cached_input_tokens: 40,
      cache_write_tokens: 0,
      output_tokens: 6,
      thinking_tokens: 0,
      total_tokens: 153,
      cost_usd: 1.5,
    })
    const older = result({ result: 'Done.', usage: { input_tokens: 10, cache_read_input_tokens: 5, output_tokens: 3 } })
    expect(read([older]).usage).toMatchObject({ input_tokens: 15, total_tokens: 18 })
  })

  it('is over with its result, until something in the background wakes it', () => {
    const transcript = claudeTranscript()
    const isOverAfter = (text: string) => {
      transcript.line({ text, truncated: false })
      return transcript.isOver?.()
    }
    expect([INIT, SAYS, result({ result: 'Done.' }), SAYS].map(isOverAfter)).toEqual([false, false, true, false])
  })

  it('goes by is_error and not by the subtype, which says success of a refused key too', () => {
    expect(read([INIT, SAYS, result({ result: 'Done.' })])).toMatchObject({ failure: null, finalMessage: 'Done.' })
    const { failure, finalMessage } = failedBy('authentication_failed', 401, 'Failed to authenticate. API Error: 401')
    expect([failure?.cause, finalMessage]).toEqual(['auth', null])
  })

  it.each<[string, number | null, string, string | null]>([
    ['authentication_failed', 403, 'Failed to authenticate. API Error: 403 Your account does not have access', 'auth'],
    ['authentication_failed', null, 'Not logged in · Please run /login', 'auth'],
    ['rate_limit', 429, 'API Error: Request rejected (429) · This request would exceed your rate limit.', 'rate_limit'],
    ['rate_limit', 429, 'API Error: Server is temporarily limiting requests (not your usage limit)', 'rate_limit'],
    ['billing_error', 400, 'Credit balance is too low', 'quota'],
    ['unknown', 400, 'API Error: 400 You have reached your specified API usage limits.', 'quota'],
    [
      'server_error',
      500,
      'API Error: 500 scripted status 500. This is a server-side issue, usually temporary',
      'overloaded',
    ],
    ['server_error', 529, 'API Error: 529 scripted status 529. This is a server-side issue', 'overloaded'],
    ['server_error', null, 'API Error: Unable to connect to API (ConnectionRefused)', 'network'],
    ['server_error', null, 'API Error: Unable to connect to API (ECONNRESET)', 'network'],
    [
      'unknown',
      null,
      'API Error: API returned an empty or malformed response (HTTP 200) — check for a proxy',
      'network',
    ],
    ['invalid_request', 400, 'Prompt is too long · the request is ~215000 tokens (limit 200000)', null],
    ['invalid_request', 400, 'API Error: 400 the text 429 too many requests may not be sent', null],
    ['model_not_found', 404, "There's an issue with the selected model (claude-x).", null],
  ])('knows the cause of %s with status %s: %s', (kind, status, text, cause) => {
    expect(failedBy(kind, status, text).failure).toMatchObject({ cause, message: text })
  })

  it('takes the time a used-up plan comes back from the stream, else from the words', () => {
    const text = "You've hit your limit · resets 7:46pm (UTC)"
    expect(failedBy('rate_limit', 429, text, [LIMIT]).failure).toEqual({
      cause: 'quota',
      message: text,
      resetsAt: new Date(1795459615 * 1000).toISOString(),
    })
    const { failure } = failedBy('rate_limit', 429, text)
    expect(failure?.cause).toBe('quota')
    expect(Math.abs(Date.parse(failure?.resetsAt ?? '') - Date.parse('2026-11-21T19:46:00Z'))).toBeLessThanOrEqual(
      60_000,
    )
  })

  it('knows what it waited for when it was stopped, and forgets it once the work went on', () => {
    expect(read([INIT, RETRIES], 143).failure).toMatchObject({ cause: 'rate_limit' })
    expect(read([INIT, RETRIES, SAYS], 143).failure).toMatchObject({ cause: null })
  })

  it('has no result of a program that ended without the line, but knows what was said last', () => {
    expect(read([INIT, SAYS], 143)).toMatchObject({
      finalMessage: 'Let me.',
      sessionId: SESSION,
      failure: { cause: null, message: 'Claude Code ended without a result.' },
    })
  })

  it('tells why an interrupted or a limited session ended', () => {
    const ended = result({
      subtype: 'error_max_turns',
      is_error: true,
      errors: ['Reached maximum number of turns (1)'],
    })
    expect(read([INIT, ended], 1).failure?.message).toBe('Reached maximum number of turns (1)')
    expect(read([INIT, result({ subtype: 'error_during_execution', is_error: true })], 1).failure?.message).toBe(
      'Claude Code ended with error_during_execution.',
    )
  })

  it('trusts stderr only for a start that failed', () => {
    expect(read([], 1, "error: unknown option '--nope'\n").failure?.message).toContain('--nope')
    expect(read([INIT], 1, "error: unknown option '--nope'\n").failure?.message).not.toContain('--nope')
  })

  it('takes nothing a subagent says for the message of the stage', () => {
    const subagent = SAYS.replace('"parent_tool_use_id":null', '"parent_tool_use_id":"toolu_9"')
    expect(read([INIT, SAYS, subagent.replace('Let me.', '### BLOCKED')], 143).finalMessage).toBe('Let me.')
  })

  it('tells of a thousand denials the first few', () => {
    const denials = Array.from({ length: 1000 }, () => ({ tool_name: 'Write', tool_input: { file_path: '/etc/x' } }))
    const { notes } = read([result({ result: 'x', permission_denials: denials })])
    expect(notes).toHaveLength(11)
    expect([notes[0], notes.at(-1)]).toEqual(['claude was denied Write: /etc/x', 'claude was denied 990 more'])
  })

  it('survives lines that are no events, or of unknown types', () => {
    const odd = ['not json', '[]', '{"type":"new.thing"}', '{"type":"assistant"}', '{"type":"user","message":3}', '']
    const { failure, notes } = read([...odd, '{"type":"rate_limit_event"}', result({ result: 'Done.' })])
    expect(failure).toBeNull()
    expect(notes).toEqual(['2 lines of the event log are not events or are too long'])
  })
})
