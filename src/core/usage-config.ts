/**
 * Rules over tokens and money, as `[usage_governance]` of millrace.toml says them: a metric, the window it is counted in,
 * and a threshold. What they do when it is reached is in usage-rules.ts and engine/governance.ts.
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

const UsageRule = z.strictObject({
  rule_id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'must be letters, digits, dots, dashes or underscores'),
  window: z.string().refine((name) => windowOf(name) !== null, `is no window; ${WINDOWS_HINT}`),
  metric: z.enum(METRICS).default('total_tokens'),
  threshold: z.number().positive(),
  enforcement: z.enum(['soft', 'hard']).default('soft'),
})
export type UsageRule = z.infer<typeof UsageRule>

/** Every one is looked at after every event of every agent. */
const RULES_MAX = 100

const Rules = z
  .array(UsageRule)
  .max(RULES_MAX)
  .refine(
    (rules) => new Set(rules.map((rule) => rule.rule_id)).size === rules.length,
    'the same rule_id stands there twice',
  )

const QuotaRule = z.strictObject({
  rule_id: z.string().min(1),
  window: z.enum(['five_hour', 'weekly']),
  pause_at_percent_used: z.number().positive().max(100),
})

/** Of keys that only count in a section that is off. */
const OFF = 'Accepted and without effect, as the section must be off.'

const NO_QUOTA =
  'must be false: this version does not ask a subscription what is left of it (a limit the harness reports is waited out anyway); use runtime_token_rules'

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
      rules: Rules.default([
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
      ]).meta(
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
        .refine((enabled) => !enabled, NO_QUOTA)
        .default(false)
        .meta(tick('Must be false; the rest of the section says how it would be judged if it were on.')),
      provider: z.enum(['codex_chatgpt_oauth']).default('codex_chatgpt_oauth').meta(tick(OFF)),
      degraded_policy: z.enum(['fail_open', 'fail_closed']).default('fail_open').meta(tick(OFF)),
      refresh_interval_seconds: z.int().min(1).default(60).meta(tick(OFF)),
      rules: z
        .array(QuotaRule)
        .max(RULES_MAX)
        .default([
          { rule_id: 'codex-five-hour-default', window: 'five_hour', pause_at_percent_used: 95 },
          { rule_id: 'codex-weekly-default', window: 'weekly', pause_at_percent_used: 95 },
        ])
        .meta(tick(OFF)),
    })
    .prefault({}),
})
export type UsageGovernance = z.infer<typeof UsageGovernanceConfig>
