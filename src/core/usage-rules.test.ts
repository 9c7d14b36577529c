import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { tokens as usage } from '../../test/rig/ledger.ts'
import { parseConfig } from './config.ts'
import type { MillraceError } from './errors.ts'
import { periodAt } from './period.ts'
import { type UsageRule, windowOf } from './usage-config.ts'
import { breachSentence, neededSince, type Spending, usageSums } from './usage-rules.ts'

const HOUR = 3_600_000
const NOW = Date.parse('2026-03-04T12:00:00Z') // a Wednesday
const spent = (total: number, owner: Partial<Spending> = {}): Spending => ({
  runId: 'run-1',
  item: 'task a',
  usage: usage(total),
  ...owner,
})
const rule = (window: string, threshold: number, more: Partial<UsageRule> = {}): UsageRule => ({
  rule_id: window,
  window,
  metric: 'total_tokens',
  threshold,
  enforcement: 'soft',
  ...more,
})
const sums = (...rules: UsageRule[]) => usageSums(rules, { timeZone: 'UTC', sessionStartMs: NOW })
const told = (found: { rule: UsageRule; observed: number; clearsAtMs: number | null }[]) =>
  found.map(({ rule, observed, clearsAtMs }) => [
    rule.rule_id,
    observed,
    clearsAtMs && new Date(clearsAtMs).toISOString(),
  ])

describe('a rolling window', () => {
  test('is over from its threshold on, and says when it is below again', () => {
    const five = sums(rule('rolling_5h', 100))
    five.add(spent(60), NOW - 4 * HOUR, NOW)
    expect(five.everywhere(NOW, [])).toEqual([])
    five.add(spent(40), NOW, NOW)
    expect(told(five.everywhere(NOW, []))).toEqual([['rolling_5h', 100, '2026-03-04T13:00:00.000Z']])
    expect(five.everywhere(NOW + HOUR - 1, [])).toHaveLength(1)
    expect(five.everywhere(NOW + HOUR, [])).toEqual([])
  })

  test('waits for as many stages to leave it as it takes', () => {
    const five = sums(rule('rolling_5h', 100))
    for (const [hours, total] of [
      [4, 10],
      [3, 60],
      [2, 70],
    ] as const)
      five.add(spent(total), NOW - hours * HOUR, NOW)
    // 140: without the oldest 130, without the next 70.
    expect(told(five.everywhere(NOW, []))).toEqual([['rolling_5h', 140, '2026-03-04T14:00:00.000Z']])
  })

  test('counts what is at work, which leaves a whole window later', () => {
    const five = sums(rule('rolling_5h', 100))
    five.add(spent(50), NOW - HOUR, NOW)
    expect(told(five.everywhere(NOW, [spent(60)]))).toEqual([['rolling_5h', 110, '2026-03-04T16:00:00.000Z']])
    expect(told(five.everywhere(NOW, [spent(120)]))).toEqual([['rolling_5h', 170, '2026-03-04T17:00:00.000Z']])
  })

  test('takes a time ahead of the clock for now: it cannot stay for ever', () => {
    const five = sums(rule('rolling_5h', 100))
    five.add(spent(100), NOW + 1000 * HOUR, NOW)
    expect(five.everywhere(NOW + 5 * HOUR, [])).toEqual([])
  })

  test('agrees with adding up what lies in it, whatever the order', () => {
    const event = fc.record({ ago: fc.integer({ min: 0, max: 40 * HOUR }), total: fc.integer({ min: 0, max: 50 }) })
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.integer({ min: 0, max: 30 * HOUR }), (events, later) => {
        const one = sums(rule('rolling_24h', 1))
        for (const { ago, total } of events) one.add(spent(total), NOW - ago, NOW)
        const at = NOW + later
        const inside = events.filter(({ ago }) => NOW - ago > at - 24 * HOUR)
        const expected = inside.reduce((sum, { total }) => sum + total, 0)
        const [found] = one.everywhere(at, [])
        expect(found?.observed ?? 0).toBe(expected)
        if (found) {
          expect(one.everywhere(found.clearsAtMs! - 1, [])).toHaveLength(1)
          expect(one.everywhere(found.clearsAtMs!, [])).toEqual([])
        }
      }),
    )
  })

  test('never counts too little when more stages lie in it than it has pieces for', () => {
    const month = sums(rule('rolling_30d', 1))
    const stages = 50_000
    for (let number = stages; number > 0; number--) month.add(spent(1), NOW - number * 1000, NOW)
    expect(month.everywhere(NOW, [])[0]!.observed).toBe(stages)
    const half = NOW + 30 * 24 * HOUR - (stages / 2) * 1000
    const left = month.everywhere(half, [])[0]!.observed
    expect(left).toBeGreaterThanOrEqual(stages / 2 - 1)
    expect(left).toBeLessThan(stages / 2 + 100)
  })

  test('of money comes back to nothing', () => {
    const money = sums(rule('rolling_1h', 0.6, { metric: 'cost_usd' }))
    for (const cost of [0.1, 0.2, 0.3]) money.add({ ...spent(0), usage: usage(0, cost) }, NOW, NOW)
    expect(money.everywhere(NOW, [])).toHaveLength(1)
    money.add({ ...spent(0), usage: usage(0, 0.6) }, NOW + HOUR, NOW + HOUR)
    expect(money.everywhere(NOW + HOUR, [])[0]!.observed).toBe(0.6)
  })
})

describe('a calendar window', () => {
  test('begins anew with each period, in its time zone', () => {
    const days = usageSums([rule('calendar_day', 100)], { timeZone: 'Asia/Tokyo', sessionStartMs: NOW })
    const midnight = Date.parse('2026-03-04T15:00:00Z')
    days.add(spent(100), Date.parse('2026-03-03T14:59:59Z'), NOW) // the day before in Tokyo
    expect(days.everywhere(NOW, [])).toEqual([])
    days.add(spent(100), NOW, NOW)
    expect(told(days.everywhere(NOW, []))).toEqual([['calendar_day', 100, '2026-03-04T15:00:00.000Z']])
    expect(days.everywhere(midnight - 1, [])).toHaveLength(1)
    expect(days.everywhere(midnight, [])).toEqual([])
    expect(days.everywhere(midnight, [spent(100)])).toHaveLength(1)
  })

  test('counts each stage in exactly one period', () => {
    const ends = fc.array(fc.integer({ min: 0, max: 60 * 24 }), { maxLength: 40 })
    fc.assert(
      fc.property(ends, fc.constantFrom('day', 'week', 'month'), (hours, unit) => {
        const zone = 'America/New_York' // clocks are put forward on 8 March
        const one = usageSums([rule(`calendar_${unit}`, 1)], { timeZone: zone, sessionStartMs: NOW })
        const begun = Date.parse('2026-02-10T00:00:00Z')
        const inOrder = hours.toSorted((a, b) => a - b).map((hour) => begun + hour * HOUR)
        for (const [index, at] of inOrder.entries()) {
          one.add(spent(1), at, at)
          const { startMs } = periodAt(unit as 'day', zone, at)
          const expected = inOrder.slice(0, index + 1).filter((other) => other >= startMs).length
          expect(one.everywhere(at, [])[0]!.observed).toBe(expected)
        }
      }),
    )
  })
})

describe('other windows', () => {
  test('the session of the runtime counts what ended since it began, and no time clears it', () => {
    const session = sums(rule('daemon_session', 100))
    session.add(spent(100), NOW - 1, NOW)
    expect(session.everywhere(NOW, [])).toEqual([])
    session.add(spent(100), NOW + 1, NOW + 1)
    expect(told(session.everywhere(NOW + HOUR, []))).toEqual([['daemon_session', 100, null]])
  })

  test('per run and per item count only what is theirs, and are nobody else’s', () => {
    const own = sums(rule('per_run', 100), rule('per_item', 150))
    own.add(spent(90), NOW, NOW)
    own.add(spent(70, { runId: 'run-2' }), NOW, NOW)
    own.add(spent(500, { runId: 'run-3', item: 'task b' }), NOW, NOW)
    expect(told(own.own({ runId: 'run-2', item: 'task a' }, NOW, []))).toEqual([['per_item', 160, null]])
    expect(told(own.own({ runId: 'run-1', item: 'task a' }, NOW, [spent(10)]))).toEqual([
      ['per_run', 100, null],
      ['per_item', 170, null],
    ])
    expect(own.own({ runId: 'run-4', item: 'task c' }, NOW, [spent(10)])).toEqual([])
    expect(own.everywhere(NOW, [])).toEqual([])
  })

  test('soft rules stop no agent at work, hard ones do', () => {
    const both = sums(rule('rolling_5h', 10), rule('per_run', 50, { enforcement: 'hard' }))
    const owner = { runId: 'run-1', item: 'task a' }
    expect(both.hard(owner, NOW, [spent(49)])).toBeNull()
    expect(both.hard(owner, NOW, [spent(50)])?.rule.rule_id).toBe('per_run')
    expect(both.hard(owner, NOW, [spent(1), spent(500, { runId: 'run-2' })])).toBeNull()
  })

  test('what rules need to know begins with the longest window', () => {
    const since = (...windows: string[]) =>
      neededSince(
        windows.map((window) => rule(window, 1)),
        { timeZone: 'UTC', sessionStartMs: NOW - 1 },
        NOW,
      )
    expect(since('rolling_5h', 'rolling_30m')).toBe(NOW - 5 * HOUR)
    expect(since('rolling_5h', 'calendar_month')).toBe(Date.parse('2026-03-01T00:00:00Z'))
    expect(since('daemon_session')).toBe(NOW - 1)
    expect(since('per_item', 'rolling_5h')).toBe(0)
    expect(since()).toBe(NOW)
  })

  test('a rule that is over is told in a sentence', () => {
    const money = { rule: rule('calendar_day', 5, { metric: 'cost_usd', rule_id: 'day' }), observed: 5.1 + 0.2 }
    expect(breachSentence({ ...money, clearsAtMs: null })).toBe('rule "day" allows 5 USD in calendar_day; 5.3 are used')
  })
})

describe('the config', () => {
  const governance = (section: object) => parseConfig({ usage_governance: section }, 'millrace.toml').usage_governance
  const refused = (section: object): string => {
    try {
      governance(section)
      return ''
    } catch (error) {
      return (error as MillraceError).message
    }
  }

  test('has the rules of the seed by default, and judges nothing', () => {
    expect(governance({})).toMatchObject({
      enabled: false,
      auto_resume: true,
      evaluation_boundary: 'between_stages',
      calendar_timezone: 'UTC',
      runtime_token_rules: {
        enabled: true,
        rules: [
          { rule_id: 'rolling-5h-default', window: 'rolling_5h', threshold: 750_000, enforcement: 'soft' },
          { rule_id: 'calendar-week-default', window: 'calendar_week', threshold: 5_000_000 },
        ],
      },
      subscription_quota_rules: { enabled: false },
    })
  })

  test('takes a rule as the seed wrote it', () => {
    const rules = [{ rule_id: 'r', window: 'per_run', metric: 'total_tokens', threshold: 1 }]
    expect(governance({ runtime_token_rules: { rules } }).runtime_token_rules.rules).toEqual([
      { ...rules[0], enforcement: 'soft' },
    ])
  })

  test.each([
    [
      'a window nobody knows',
      { runtime_token_rules: { rules: [{ rule_id: 'r', window: 'weekly', threshold: 1 }] } },
      /rolling_5h.*calendar_week/,
    ],
    [
      'a span too long',
      { runtime_token_rules: { rules: [{ rule_id: 'r', window: 'rolling_400d', threshold: 1 }] } },
      /is no window/,
    ],
    [
      'a threshold of nothing',
      { runtime_token_rules: { rules: [{ rule_id: 'r', window: 'per_run', threshold: 0 }] } },
      /threshold/,
    ],
    [
      'one id for two rules',
      { runtime_token_rules: { rules: [1, 2].map(() => ({ rule_id: 'r', window: 'per_run', threshold: 1 })) } },
      /twice/,
    ],
    ['a zone nobody knows', { calendar_timezone: 'Europe/Berlim' }, /is no time zone/],
    ['a provider that cannot be asked', { subscription_quota_rules: { enabled: true, provider: 'x' } }, /provider/],
    [
      'one id for two rules over a subscription',
      {
        subscription_quota_rules: {
          rules: [1, 2].map(() => ({ rule_id: 'r', window: 'weekly', pause_at_percent_used: 1 })),
        },
      },
      /twice/,
    ],
  ])('refuses %s', (_what, section, sentence) => {
    expect(refused(section)).toMatch(sentence)
  })

  test('takes the subscription section of an old config', () => {
    expect(refused({ subscription_quota_rules: { enabled: true, provider: 'codex_chatgpt_oauth', rules: [] } })).toBe(
      '',
    )
  })

  test('reads rolling windows of minutes, hours and days', () => {
    expect(windowOf('rolling_90m')).toEqual({ over: 'rolling', lengthMs: 90 * 60_000 })
    expect(windowOf('rolling_7d')).toEqual({ over: 'rolling', lengthMs: 7 * 24 * HOUR })
    for (const name of ['rolling_0h', 'rolling_5', 'rolling_h', 'rolling_5s', 'constructor', ''])
      expect(windowOf(name)).toBeNull()
  })
})
