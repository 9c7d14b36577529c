import { describe, expect, it } from 'vitest'
import { resetTime } from './reset-time.ts'

const afterMs = (ms: number) => (now: Date) => new Date(now.getTime() + ms)
const HOUR_MS = 3_600_000

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
    ['or try again at Aug 20, 2026, 7:38 AM', new Date(2026, 7, 20, 7, 39)],
    ['or try again at January 1, 2027 12:00 PM.', new Date(2027, 0, 1, 12, 1)],
    ['resets Jan 5 at 9am, which is one of the next year', new Date(2027, 0, 5, 9, 1)],
    ['resets Mar 9 at 9am, which has gone by', new Date(2026, 2, 9, 9, 1)],
    ['5-hour limit reached ∙ resets 3pm', new Date(2026, 2, 10, 15, 1)],
    ['5-hour limit reached ∙ resets 12am', new Date(2026, 2, 11, 0, 1)],
    ['Your limit will reset at 5pm.', new Date(2026, 2, 10, 17, 1)],
    ['Limit reached · resets 5pm (Etc/Unknown) · /upgrade', new Date(2026, 2, 10, 17, 1)],
    ['resets at 2026-03-10T20:00:00Z', new Date('2026-03-10T20:00:00Z')],
    ['try again later', null],
    ['try again at 25:99', null],
    ['try again in a while', null],
    ['resets 7', null],
    ['this resets Foo 7 at 1pm', null],
  ])('from %j', (text, expected) => {
    expect(resetTime(text, now)).toEqual(expected)
  })

  it.each([
    ['Please try again in 1.5s', afterMs(1500)],
    ['try again in 250ms', afterMs(250)],
    ['Rate limit reached. Please try again in 6m0s.', afterMs(360_000)],
    ['Please try again in 1h12m3.5s.', afterMs(HOUR_MS + 723_500)],
    ['try again in 2 days 3 hours and 5 minutes.', afterMs(51 * HOUR_MS + 300_000)],
    ['Your quota will reset after 18h54m21s.', afterMs(18 * HOUR_MS + 54 * 60_000 + 21_000)],
    ['Please retry in 34.074824224s.', afterMs(34_074.824224)],
    ['"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"', afterMs(34_000)],
    ['{\\"retryDelay\\": \\"34.5s\\"}', afterMs(34_500)],
    ['429 Too Many Requests, Retry-After: 90', afterMs(90_000)],
    ['{"headers":{"retry-after":"7"}}', afterMs(7000)],
    ['"plan_type":"plus","resets_in_seconds":13872}', afterMs(13_872_000)],
  ])('from the duration %j', (text, expected) => {
    expect(resetTime(text, now)?.getTime()).toBe(Math.trunc(expected(now).getTime()))
  })

  it.each([
    ['Claude AI usage limit reached|1762952400', 1_762_952_400_000],
    ['"usage_limit_reached","resets_at":1777936568,"eligible_promo":null', 1_777_936_568_000],
    ['x-ratelimit-reset: 1777936568000', 1_777_936_568_000],
    ['Retry-After: Wed, 21 Oct 2026 07:28:00 GMT', Date.UTC(2026, 9, 21, 7, 28)],
  ])('from the moment in %j', (text, expected) => {
    expect(resetTime(text, now)?.getTime()).toBe(expected)
  })

  it.each([
    ['resets 5:20am (America/Denver)', '2026-03-10T14:30:00Z', '2026-03-11T11:21:00Z'],
    ['resets Mar 15 at 12pm (Europe/London)', '2026-03-10T14:30:00Z', '2026-03-15T12:01:00Z'],
    ['Your limit will reset at 5pm (Europe/Warsaw).', '2026-03-10T14:30:00Z', '2026-03-10T16:01:00Z'],
    ['Your limit will reset at 1pm (Etc/GMT+5).', '2026-03-10T17:57:00Z', '2026-03-10T18:01:00Z'],
    ['resets 1am (Asia/Tokyo), where it is the next day already', '2026-03-10T15:30:00Z', '2026-03-10T16:01:00Z'],
    ['resets 10am (Europe/London), after the clocks went forward', '2026-03-28T23:30:00Z', '2026-03-29T09:01:00Z'],
  ])('in the zone of %j', (text, at, expected) => {
    expect(resetTime(text, new Date(at))).toEqual(new Date(expected))
  })

  it('is still last night when it is told just after midnight', () => {
    const midnight = new Date(2026, 2, 11, 0, 0, 4)
    expect(resetTime('try again at 11:59 PM.', midnight)).toEqual(new Date(2026, 2, 11, 0, 0))
  })
})
