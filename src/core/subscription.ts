/**
 * What is used of a subscription, in percent of windows its provider sets, and the rules over that (spec 02 §10.2). What
 * one window used only grows until the window is reset, so an answer that was over a rule stays true until then, however
 * long the provider is out of reach.
 */
import * as z from 'zod'
import { PROVIDER_NAMES, QUOTA_WINDOW_NAMES, type QuotaWindow, type UsageGovernance } from './usage-config.ts'

/** What a runner was told of the account it works with: the windows the account has, or why nothing was told. */
export type QuotaAnswer = { windows: Partial<Record<QuotaWindow, QuotaUse>> } | { problem: string }

export interface QuotaUse {
  percent_used: number
  /** When the window begins anew, ISO time; null if that was not told. */
  resets_at: string | null
}

export const Subscription = z
  .strictObject({
    provider: z.enum(PROVIDER_NAMES).describe('Who is asked.'),
    state: z
      .enum(['unknown', 'healthy', 'degraded'])
      .describe(
        'How the last asking ended: with an answer, or with none that the rules could be held against; unknown before the first.',
      ),
    detail: z.string().nullable().describe('Why there was no answer.'),
    last_refreshed_at: z.string().nullable().describe('When there last was an answer.'),
    windows: z
      .partialRecord(
        z.enum(QUOTA_WINDOW_NAMES),
        z.strictObject({
          percent_used: z.number().min(0),
          resets_at: z.string().nullable().describe('When it begins anew; null if that was not told.'),
          read_at: z.string().describe('When that was told.'),
        }),
      )
      .describe('What was last told of each window the account has.'),
  })
  .describe('What is used of the subscription that rules are about.')
export type Subscription = z.infer<typeof Subscription>

type QuotaSettings = UsageGovernance['subscription_quota_rules']

/** A rule that pauses. */
export interface QuotaBreach {
  rule_id: string
  window: QuotaWindow | 'degraded'
  percent_used: number
  threshold: number
  /** When it is kept again by itself, ISO time; null if nobody knows. */
  clears_at: string | null
  sentence: string
}

/** The rule that pauses where no answer is to count as none left (`degraded_policy = "fail_closed"`). */
const DEGRADED_RULE = 'subscription-quota-degraded-fail-closed'

/** What is known before anybody was asked. */
export const unasked = ({ provider }: QuotaSettings): Subscription => ({
  provider,
  state: 'unknown',
  detail: null,
  last_refreshed_at: null,
  windows: {},
})

/** What is known after an asking, from what was known before and the answer. */
export function afterAsking(
  before: Subscription,
  answer: QuotaAnswer,
  { rules }: QuotaSettings,
  now: string,
): Subscription {
  const without = (detail: string): Subscription => ({ ...before, state: 'degraded', detail })
  if ('problem' in answer) return without(answer.problem)
  const told = Object.entries(answer.windows)
  if (rules.length > 0 && !rules.some(({ window }) => answer.windows[window] !== undefined))
    return without(
      `the account has none of the windows of the rules${told.length > 0 ? `, only ${told.map(([name]) => name).join(', ')}` : ''}`,
    )
  const windows = Object.fromEntries(told.map(([name, use]) => [name, { ...use, read_at: now }]))
  return { ...before, state: 'healthy', detail: null, last_refreshed_at: now, windows }
}

/** Percent used of a window as far as it is known at `now`; null if it is not, or the window has begun anew since. */
export function percentUsed(subscription: Subscription, window: QuotaWindow, now: string): number | null {
  const use = subscription.windows[window]
  if (use === undefined || (use.resets_at !== null && use.resets_at <= now)) return null
  // Of a window whose end nobody told, nothing is known for longer than the provider answers.
  return use.resets_at === null && subscription.state === 'degraded' ? null : use.percent_used
}

/** The rules that pause, in their order; last the one over answers that fail to come. */
export function quotaBreaches(subscription: Subscription, settings: QuotaSettings, now: string): QuotaBreach[] {
  const breaches = settings.rules.flatMap(({ rule_id, window, pause_at_percent_used: threshold }): QuotaBreach[] => {
    const percent = percentUsed(subscription, window, now)
    if (percent === null || percent < threshold) return []
    const clears_at = subscription.windows[window]!.resets_at
    const sentence = `rule "${rule_id}" allows ${threshold} % of the ${window} window of ${subscription.provider}; ${percent} % are used`
    return [{ rule_id, window, percent_used: percent, threshold, clears_at, sentence }]
  })
  if (subscription.state !== 'degraded' || settings.degraded_policy === 'fail_open') return breaches
  const sentence = `what is left of ${subscription.provider} is not known (${subscription.detail}), and subscription_quota_rules.degraded_policy is fail_closed`
  const degraded = {
    rule_id: DEGRADED_RULE,
    window: 'degraded',
    percent_used: 0,
    threshold: 0,
    clears_at: null,
  } as const
  return [...breaches, { ...degraded, sentence }]
}
