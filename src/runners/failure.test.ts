import { describe, expect, it } from 'vitest'
import { causeOf, failureOf, isContextOverflow, isSessionGone } from './failure.ts'

describe('the cause of a failure', () => {
  it.each([
    ['unexpected status 401 Unauthorized: bad key, url: http://127.0.0.1/v1/responses', 'auth'],
    ['Missing environment variable: `STUB_API_KEY`.', 'auth'],
    ['exceeded retry limit, last status: 429 Too Many Requests', 'rate_limit'],
    ["You've hit your usage limit. Upgrade to Pro or try again at 3:05 PM.", 'quota'],
    ['unexpected status 429 Too Many Requests: {"error":{"type":"insufficient_quota"}}', 'quota'],
    ['Quota exceeded. Check your plan and billing details.', 'quota'],
    ['unexpected status 402 Payment Required: no credit, url: http://127.0.0.1/v1/responses', 'quota'],
    ['To use Codex with your ChatGPT plan, upgrade to Plus: https://chatgpt.com/explore/plus.', 'quota'],
    ["We're currently experiencing high demand, which may cause temporary errors.", 'overloaded'],
    ['Selected model is at capacity. Please try a different model.', 'overloaded'],
    ['unexpected status 503 Service Unavailable', 'overloaded'],
    ['stream disconnected before completion: idle timeout waiting for SSE', 'network'],
    ['stream disconnected before completion: error sending request for url (http://127.0.0.1:1/v1)', 'network'],
    ['Reconnecting... waiting for network (Connection failed: error sending request)', 'network'],
    ['unexpected status 408 Request Timeout: late, url: http://127.0.0.1/v1/responses', 'network'],
    ['Claude AI usage limit reached|1762952400', 'quota'],
    ['5-hour limit reached ∙ resets 3pm', 'quota'],
    ['Session limit reached ∙ resets 10am', 'quota'],
    ['Limit reached · resets 5pm (Etc/Unknown) · /upgrade to Max or turn on /extra-usage', 'quota'],
    ["You've hit your limit · resets Mar 15 at 12pm (Europe/London)", 'quota'],
    ["You've hit your session limit · resets 5:20am (America/Denver)", 'quota'],
    ['Claude usage limit reached. Your limit will reset at 5pm (Europe/Warsaw).', 'quota'],
    ['Credit balance is too low', 'quota'],
    ['{"type":"error","error":{"type":"usage_limit_reached","resets_in_seconds":13872},"status_code":429}', 'quota'],
    ['You exceeded your current quota, please check your plan. "status": "RESOURCE_EXHAUSTED"', 'quota'],
    ["Quota exceeded for quota metric 'Gemini 2.5 Pro Requests' of service 'cloudcode-pa.googleapis.com'", 'quota'],
    ['You have exhausted your capacity on this model. Your quota will reset after 3h20m5s.', 'quota'],
    ['Resource has been exhausted (e.g. check quota).', 'rate_limit'],
    ['API Error: Server is temporarily limiting requests (not your usage limit) · Rate limited', 'rate_limit'],
    ['Server is temporarily limiting requests (not your usage limit)', 'rate_limit'],
    ['API Error: 429 {"type":"error","error":{"type":"rate_limit_error","message":"later"}}', 'rate_limit'],
    ['API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', 'overloaded'],
    ['Invalid API key · Please run /login', 'auth'],
    ['API Error: 401 {"error":{"type":"authentication_error","message":"invalid x-api-key"}}', 'auth'],
    ['OAuth token has expired. Please run /login', 'auth'],
    ['API key not valid. Please pass a valid API key.', 'auth'],
    ['Please set an Auth method in your settings.json', 'auth'],
    ['API Error: Connection error.', 'network'],
    ['TypeError: fetch failed', 'network'],
    ['500 The server had an error while processing your request', 'overloaded'],
    ['502 status code (no body)', 'overloaded'],
    ['Stream ended without finish_reason', 'network'],
    ['Anthropic stream ended before message_stop', 'network'],
    ['WebSocket stream closed before response.completed', 'network'],
    ['No API key found for anthropic.', 'auth'],
    ['OpenAI API key is required. Set OPENAI_API_KEY environment variable.', 'auth'],
    ['request to http://127.0.0.1:1/v1 failed: socket hang up', 'network'],
    ["error: unexpected argument '--bogus-flag' found\n\nUsage: codex exec [OPTIONS] [PROMPT]", 'wrong_version'],
    ["error: unknown option '--output-format'", 'wrong_version'],
    ['Unknown arguments: skip-trust, skipTrust', 'wrong_version'],
    ["error: option '--permission-mode <mode>' argument 'x' is invalid. error: unknown option '--x'", 'wrong_version'],
    ["The requested module 'node:fs' does not provide an export named 'globSync'", 'wrong_version'],
    [
      "The 'gpt-5.5' model requires a newer version of Codex. Please upgrade to the latest app or CLI.",
      'wrong_version',
    ],
    ['It looks like your version of Claude Code (1.0.17) needs an update.', 'wrong_version'],
    ['--dangerously-skip-permissions cannot be used with root/sudo privileges', 'refused_permission'],
    ['Not inside a trusted directory and --skip-git-repo-check was not specified.', 'refused_permission'],
    ['Gemini CLI is not running in a trusted directory.', 'refused_permission'],
    ["/usr/bin/env: 'node': No such file or directory", 'missing_binary'],
    ['Missing optional dependency @openai/codex-linux-x64. Reinstall Codex: npm install', 'missing_binary'],
    ['claude native binary not installed', 'missing_binary'],
    ["ENOSPC: no space left on device, write '/home/x/.codex/sessions/y.jsonl'", 'disk'],
    ['write failed: Disk quota exceeded (os error 122)', 'disk'],
    ['prompt is too long: 429000 tokens > 200000 maximum', null],
    ['The model `o9` does not exist', null],
    ['read 500 lines of network.ts and 429 of them were blank', 'rate_limit'],
    ['tests fail: expected 500 but got 200', null],
  ])('of %j is %j', (text, cause) => {
    expect(causeOf(text)).toBe(cause)
  })
})

describe('a prompt that has outgrown its model', () => {
  it.each([
    "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying.",
    'Your input exceeds the context window of this model. Please adjust your input and try again.',
    '{"error":{"message":"too long","type":"invalid_request_error","code":"context_length_exceeded"}}',
    "This model's maximum context length is 128000 tokens. However, your messages resulted in 130001 tokens.",
    'API Error: 400 {"error":{"type":"invalid_request_error","message":"prompt is too long: 213462 tokens > 200000 maximum"}}',
    'Prompt is too long',
    'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000. Context window exceeded',
    'The input token count (218152) exceeds the maximum number of tokens allowed (65536).',
    'ContextOverflowError: the conversation does not fit',
  ])('is known by %j', (text) => {
    expect(isContextOverflow(text)).toBe(true)
    expect(failureOf(text, new Date())).toEqual({ cause: null, message: text, resetsAt: null })
  })

  it.each(['the output is too long to show', 'rate limit of 200000 tokens exceeded', 'stream disconnected'])(
    'is not seen in %j',
    (text) => expect(isContextOverflow(text)).toBe(false),
  )
})

describe('a session that is gone', () => {
  it.each([
    ['thread/resume failed: no rollout found for thread id 0199a213-81c0-7800-8aa1-bbab2a035a53', true],
    ['No conversation found with session ID: 550e8400-e29b-41d4-a716-446655440000', true],
    ['session 550e8400 not found', true],
    ['file not found', false],
    ["You've hit your session limit · resets 5:20am (America/Denver)", false],
  ])('is read from %j: %j', (text, gone) => {
    expect(isSessionGone(text)).toBe(gone)
  })
})

it('a failure carries the time its limit ends, and only then', () => {
  const now = new Date('2026-03-10T12:00:00Z')
  expect(failureOf('429 Too Many Requests, Retry-After: 90', now).resetsAt).toBe('2026-03-10T12:01:30.000Z')
  expect(failureOf('stream disconnected, try again in 90s', now)).toMatchObject({ cause: 'network', resetsAt: null })
})
