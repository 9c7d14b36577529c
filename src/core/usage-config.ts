/**
 * Rules over what may be used, as `[usage_governance]` of millrace.toml says them: over tokens and money, a metric, the
 * window it is counted in, and a threshold (judged in usage-rules.ts); over a subscription, percent of its provider's
 * windows (subscription.ts). What they do when it is reached is in engine/governance.ts.
 */
import * as z from 'zod'
import { tick } from './boundary.ts'
import { type CalendarUnit, isTimeZone } from './period.ts'

/** What a rule counts in: a span of time in which everything counts, or all that one run or item ever used. */
export type Window =
  | { over: 'rolling'; lengthMs: number }
  | { over: 'calendar'; unit: CalendarUnit }
  | { over: 'session' }
  | { over: 'run' }
  | { over: 'item' }

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const ROLLING_MS_MAX = 366 * UNIT_MS.d
const OTHER_WINDOWS: Readonly<Record<string, Window>> = {
  calendar_day: { over: 'calendar', unit: 'day' },
  calendar_week: { over: 'calendar', unit: 'week' },
  calendar_month: { over: 'calendar', unit: 'month' },
  daemon_session: { over: 'session' },
  per_run: { over: 'run' },
  per_item: { over: 'item' },
}

/** The window of that name; null if there is none. */
export function windowOf(name: string): Window | null {
  if (Object.hasOwn(OTHER_WINDOWS, name)) return OTHER_WINDOWS[name]!
  const [, count, unit] = /^rolling_([1-9]\d{0,5})([mhd])$/.exec(name) ?? []
  const lengthMs = Number(count) * (UNIT_MS[unit as keyof typeof UNIT_MS] ?? Number.NaN)
  return lengthMs <= ROLLING_MS_MAX ? { over: 'rolling', lengthMs } : null
}

const WINDOWS_HINT = `use rolling_<number>m, h or d (such as rolling_5h, at most 366 days), or one of ${Object.keys(OTHER_WINDOWS).join(', ')}`

export const METRICS = ['total_tokens', 'input_tokens', 'output_tokens', 'cost_usd'] as const

const RuleId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'must be letters, digits, dots, dashes or underscores')

const UsageRule = z.strictObject({
  rule_id: RuleId,
  window: z.string().refine((name) => windowOf(name) !== null, `is no window; ${WINDOWS_HINT}`),
  metric: z.enum(METRICS).default('total_tokens'),
  threshold: z.number().positive(),
  enforcement: z.enum(['soft', 'hard']).default('soft'),
})
export type UsageRule = z.infer<typeof UsageRule>

/** Every one is looked at after every event of every agent. */
const RULES_MAX = 100

const rulesOf = <T extends { rule_id: string }>(rule: z.ZodType<T>) =>
  z
    .array(rule)
    .max(RULES_MAX)
    .refine(
      (rules) => new Set(rules.map(({ rule_id }) => rule_id)).size === rules.length,
      'the same rule_id stands there twice',
    )

/** Windows of a subscription that rules may name, with their length in minutes. */
export const QUOTA_WINDOWS = { five_hour: 5 * 60, weekly: 7 * 24 * 60 } as const
export type QuotaWindow = keyof typeof QUOTA_WINDOWS
export const QUOTA_WINDOW_NAMES = Object.keys(QUOTA_WINDOWS) as [QuotaWindow, ...QuotaWindow[]]

/** Providers that can be asked, with the runner that asks them with its own login. */
export const PROVIDERS = { codex_chatgpt_oauth: 'codex_cli' } as const
export const PROVIDER_NAMES = Object.keys(PROVIDERS) as [keyof typeof PROVIDERS]

const QuotaRule = z.strictObject({
  rule_id: RuleId,
  window: z.enum(QUOTA_WINDOW_NAMES),
  pause_at_percent_used: z.number().positive().max(100),
})

export const UsageGovernanceConfig = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .meta(tick('Judge what stages use by the rules below. What they use is recorded in any case.')),
  auto_resume: z
    .boolean()
    .default(true)
    .meta(tick('Go on by itself once no rule is over its threshold any more; false waits for a resume.')),
  evaluation_boundary: z
    .enum(['between_stages'])
    .default('between_stages')
    .meta(
      tick(
        'When soft rules are judged; it takes only one value. Hard ones are judged while a stage is at work as well.',
      ),
    ),
  calendar_timezone: z
    .string()
    .refine(isTimeZone, 'is no time zone; use a name such as UTC or Europe/Berlin')
    .default('UTC')
    .meta(tick('Time zone in which calendar windows begin; weeks begin on Monday.')),
  runtime_token_rules: z
    .strictObject({
      enabled: z.boolean().default(true).meta(tick('Whether the rules count.')),
      rules: rulesOf(UsageRule)
        .default([
          {
            rule_id: 'rolling-5h-default',
            window: 'rolling_5h',
            metric: 'total_tokens',
            threshold: 750_000,
            enforcement: 'soft',
          },
          {
            rule_id: 'calendar-week-default',
            window: 'calendar_week',
            metric: 'total_tokens',
            threshold: 5_000_000,
            enforcement: 'soft',
          },
        ])
        .meta(
          tick(
            `Each with rule_id, window (rolling_<n>m|h|d, ${Object.keys(OTHER_WINDOWS).join(', ')}), metric (${METRICS.join(', ')}), threshold and enforcement (soft or hard).`,
          ),
        ),
    })
    .prefault({}),
  subscription_quota_rules: z
    .strictObject({
      enabled: z
        .boolean()
        .default(false)
        .meta(tick('Ask the provider of a subscription what is used of it, and pause by the rules below.')),
      provider: z
        .enum(PROVIDER_NAMES)
        .default('codex_chatgpt_oauth')
        .meta(
          tick(
            'Who is asked: `codex_chatgpt_oauth` through Codex, as runners.codex starts it, logged in with ChatGPT.',
          ),
        ),
      degraded_policy: z
        .enum(['fail_open', 'fail_closed'])
        .default('fail_open')
        .meta(tick('While the provider does not answer: `fail_open` goes on, `fail_closed` pauses.')),
      refresh_interval_seconds: z
        .int()
        .min(1)
        .default(60)
        .meta(tick('How old an answer may be when a stage is started, in seconds; without work nobody is asked.')),
      rules: rulesOf(QuotaRule)
        .default([
          { rule_id: 'codex-five-hour-default', window: 'five_hour', pause_at_percent_used: 95 },
          { rule_id: 'codex-weekly-default', window: 'weekly', pause_at_percent_used: 95 },
        ])
        .meta(
          tick(
            `Each with rule_id, window (${QUOTA_WINDOW_NAMES.join(', ')}) and pause_at_percent_used, of which on no stage is started until the window begins anew.`,
          ),
        ),
    })
    .prefault({}),
})
export type UsageGovernance = z.infer<typeof UsageGovernanceConfig>
