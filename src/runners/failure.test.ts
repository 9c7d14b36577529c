import { describe, expect, it } from 'vitest'
import { causeOf, resetTime } from './failure.ts'

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
    ['The model `o9` does not exist', null],
    ['read 500 lines of network.ts and 429 of them were blank', 'rate_limit'],
    ['tests fail: expected 500 but got 200', null],
  ])('of %j is %j', (text, cause) => {
    expect(causeOf(text)).toBe(cause)
  })
})

describe('the time a limit ends', () => {
  const now = new Date(2026, 2, 10, 14, 30, 20) // local, as the prose is
  it.each([
    ['try again at 3:05 PM.', new Date(2026, 2, 10, 15, 6)],
    ['Try again at 9:00 AM', new Date(2026, 2, 11, 9, 1)],
    ['try again at 12:10 AM', new Date(2026, 2, 11, 0, 11)],
    ['try again at 18:45', new Date(2026, 2, 10, 18, 46)],
    ['try again at 2:30 PM, which is this very minute', new Date(2026, 2, 10, 14, 31)],
    ['try again at 2:25 PM, which has just gone by', new Date(2026, 2, 10, 14, 26)],
    ['try again at 2:15 PM, which is long gone by', new Date(2026, 2, 11, 14, 16)],
    ['or try again at Mar 14th, 2026 1:02 PM.', new Date(2026, 2, 14, 13, 3)],
    ['or try again at Mar 14th, 2026 11:59 PM.', new Date(2026, 2, 15, 0, 0)],
    ['or try again at January 1, 2027 12:00 PM.', new Date(2027, 0, 1, 12, 1)],
    ['Please try again in 1.5s', new Date(now.getTime() + 1500)],
    [
      'try again in 2 days 3 hours and 5 minutes.',
      new Date(now.getTime() + 2 * 86_400_000 + 3 * 3_600_000 + 5 * 60_000),
    ],
    ['try again in 250ms', new Date(now.getTime() + 250)],
    ['resets at 2026-03-10T20:00:00Z', new Date('2026-03-10T20:00:00Z')],
    ['try again later', null],
    ['try again at 25:99', null],
    ['try again in a while', null],
  ])('from %j', (text, expected) => {
    expect(resetTime(text, now)).toEqual(expected)
  })

  it('is still last night when it is told just after midnight', () => {
    const midnight = new Date(2026, 2, 11, 0, 0, 4)
    expect(resetTime('try again at 11:59 PM.', midnight)).toEqual(new Date(2026, 2, 11, 0, 0))
  })
})
