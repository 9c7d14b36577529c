import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseConfig } from './config.ts'
import {
  afterAsking,
  percentUsed,
  type QuotaAnswer,
  quotaBreaches,
  type Subscription,
  unasked,
} from './subscription.ts'

const NOW = '2026-03-01T12:00:00.000Z'
const LATER = '2026-03-01T14:00:00.000Z'
const MUCH_LATER = '2026-03-04T00:00:00.000Z'

const settingsOf = (section: object = {}) =>
  parseConfig({ usage_governance: { subscription_quota_rules: { enabled: true, ...section } } }, 'test')
    .usage_governance.subscription_quota_rules
const SETTINGS = settingsOf()
const CLOSED = settingsOf({ degraded_policy: 'fail_closed' })

const use = (percent_used: number, resets_at: string | null = LATER) => ({ percent_used, resets_at })
const asked = (answer: QuotaAnswer, before: Subscription = unasked(SETTINGS), now = NOW) =>
  afterAsking(before, answer, SETTINGS, now)
const pausing = (subscription: Subscription, settings = SETTINGS, now = NOW) =>
  quotaBreaches(subscription, settings, now).map(({ rule_id }) => rule_id)

describe('what is known of a subscription', () => {
  test('is what was answered last', () => {
    const once = asked({ windows: { five_hour: use(10), weekly: use(20, MUCH_LATER) } })
    expect(once).toEqual({
      provider: 'codex_chatgpt_oauth',
      state: 'healthy',
      detail: null,
      last_refreshed_at: NOW,
      windows: { five_hour: { ...use(10), read_at: NOW }, weekly: { ...use(20, MUCH_LATER), read_at: NOW } },
    })
    const again = asked({ windows: { weekly: use(21, MUCH_LATER) } }, once, LATER)
    expect(again.windows).toEqual({ weekly: { ...use(21, MUCH_LATER), read_at: LATER } })
  })

  test('stays, with the reason, when there is no answer', () => {
    const once = asked({ windows: { five_hour: use(10) } })
    expect(asked({ problem: 'no network' }, once, LATER)).toEqual({ ...once, state: 'degraded', detail: 'no network' })
  })

  test('is no help if the account has none of the windows of the rules', () => {
    const weekly = settingsOf({ rules: [{ rule_id: 'w', window: 'weekly', pause_at_percent_used: 50 }] })
    expect(afterAsking(unasked(weekly), { windows: { five_hour: use(1) } }, weekly, NOW)).toMatchObject({
      state: 'degraded',
      detail: 'the account has none of the windows of the rules, only five_hour',
    })
    expect(asked({ windows: { weekly: use(1) } }).state, 'one is enough').toBe('healthy')
  })

  test('of a window is good until it begins anew', () => {
    const told = asked({ windows: { five_hour: use(99) } })
    const degraded = asked({ problem: 'no network' }, told)
    for (const subscription of [told, degraded]) {
      expect(percentUsed(subscription, 'five_hour', NOW)).toBe(99)
      expect(percentUsed(subscription, 'five_hour', LATER)).toBeNull()
    }
    expect(percentUsed(told, 'weekly', NOW)).toBeNull()
  })

  test('of a window whose end nobody told is good for as long as there are answers', () => {
    const told = asked({ windows: { five_hour: use(99, null) } })
    expect(percentUsed(told, 'five_hour', MUCH_LATER)).toBe(99)
    expect(percentUsed(asked({ problem: 'no network' }, told), 'five_hour', NOW)).toBeNull()
  })
})

describe('rules over a subscription', () => {
  test('pause from their percentage on, until the window begins anew', () => {
    const told = asked({ windows: { five_hour: use(95), weekly: use(94.9, MUCH_LATER) } })
    expect(quotaBreaches(told, SETTINGS, NOW)).toEqual([
      {
        rule_id: 'codex-five-hour-default',
        window: 'five_hour',
        percent_used: 95,
        threshold: 95,
        clears_at: LATER,
        sentence:
          'rule "codex-five-hour-default" allows 95 % of the five_hour window of codex_chatgpt_oauth; 95 % are used',
      },
    ])
    expect(pausing(told, SETTINGS, LATER)).toEqual([])
  })

  test('do not pause for an answer that is missing, unless that is what is wanted', () => {
    const none = asked({ problem: 'no network' })
    expect(pausing(none)).toEqual([])
    expect(quotaBreaches(none, CLOSED, NOW)).toEqual([
      expect.objectContaining({
        rule_id: 'subscription-quota-degraded-fail-closed',
        window: 'degraded',
        clears_at: null,
        sentence: expect.stringContaining('(no network)'),
      }),
    ])
    expect(pausing(unasked(CLOSED), CLOSED), 'nobody was asked yet').toEqual([])
  })

  test('that were over stay so while the provider is out of reach', () => {
    const none = asked({ problem: 'no network' }, asked({ windows: { weekly: use(100, MUCH_LATER) } }))
    expect(pausing(none, SETTINGS, LATER)).toEqual(['codex-weekly-default'])
    expect(pausing(none, SETTINGS, MUCH_LATER)).toEqual([])
  })

  test('never pause beyond the time they name, and never for a window below its percentage', () => {
    const percents = fc.double({ min: 0, max: 150, noNaN: true })
    const times = fc
      .integer({ min: -10_000, max: 10_000 })
      .map((minutes) => new Date(Date.parse(NOW) + minutes * 60_000).toISOString())
    const uses = fc.record({ percent_used: percents, resets_at: fc.option(times) })
    const answers = fc.oneof(
      fc.record({ windows: fc.record({ five_hour: uses, weekly: uses }, { requiredKeys: [] }) }),
      fc.constant({ problem: 'no network' }),
    )
    fc.assert(
      fc.property(fc.array(answers, { maxLength: 5 }), times, (told, now) => {
        const known = told.reduce<Subscription>(
          (before, answer) => asked(answer as QuotaAnswer, before),
          unasked(SETTINGS),
        )
        for (const breach of quotaBreaches(known, SETTINGS, now)) {
          expect(breach.percent_used).toBeGreaterThanOrEqual(breach.threshold)
          if (breach.clears_at !== null) expect(breach.clears_at > now).toBe(true)
          if (breach.clears_at !== null)
            expect(pausing(known, SETTINGS, breach.clears_at)).not.toContain(breach.rule_id)
        }
      }),
    )
  })
})
