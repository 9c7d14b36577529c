/**
 * Who is told what, as `[notify]` of millrace.toml says it: rules, each with the events it is for and one receiver, a
 * command or a webhook. Secrets are named, never written: they come from the environment.
 */
import * as z from 'zod'
import { tick } from './boundary.ts'
import { HOST, mistakeInAddress } from './web-address.ts'

/** What a rule can be for; which events of the log they stand for is in notify.ts. */
export const NOTIFY_EVENTS = ['blocked', 'approval', 'quota', 'closed', 'disk_low', 'daemon_down'] as const
export type NotifyEvent = (typeof NOTIFY_EVENTS)[number]

/** The name comes first in every delivery of the rule, and is a key of the config. */
const RuleName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'must be lower-case letters, digits, dashes or underscores')
const VariableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable, not its value')
const HeaderName = z.string().regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header')

/** Every event is held against every rule. */
const RULES_MAX = 20
const TIMEOUT_SECONDS_MAX = 300

const receivers = ['command', 'webhook', 'webhook_env'] as const

const NotifyRule = z
  .strictObject({
    on: z
      .array(z.enum(NOTIFY_EVENTS))
      .min(1)
      .default([...NOTIFY_EVENTS])
      .meta(tick(`What it is told of: any of ${NOTIFY_EVENTS.join(', ')}; all of them unless named.`)),
    command: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .meta(
        tick(
          'Program and arguments, started in the workspace without a shell; the notification is JSON on its standard input.',
        ),
      ),
    webhook: z
      .string()
      .optional()
      .meta(tick('Address the notification is posted to as JSON: on this machine, or on a host of notify.hosts.')),
    webhook_env: VariableName.optional().meta(
      tick('Name of the environment variable that holds the address, where the address itself is a secret.'),
    ),
    headers: z
      .record(HeaderName, VariableName)
      .default({})
      .meta(tick('Headers of the webhook: name to the name of the environment variable that holds the value.')),
    env_pass: z
      .array(VariableName)
      .default([])
      .meta(tick('Names of environment variables the command gets beyond the allow-list.')),
    timeout_seconds: z
      .number()
      .positive()
      .max(TIMEOUT_SECONDS_MAX)
      .default(10)
      .meta(tick('Time one attempt may take.')),
    attempts_max: z
      .int()
      .min(1)
      .max(100)
      .default(8)
      .meta(tick('Attempts until it is given up; eight take about half an hour.')),
    per_minute_max: z
      .int()
      .min(1)
      .max(600)
      .default(10)
      .meta(tick('Notifications in a minute; what is more is counted into one that follows.')),
  })
  .superRefine((rule, context) => {
    const given = receivers.filter((name) => rule[name] !== undefined)
    const issue = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
    if (given.length !== 1) issue([], `needs one of ${receivers.join(', ')}, and has ${given.join(' and ') || 'none'}`)
    if (rule.command !== undefined && Object.keys(rule.headers).length > 0) issue(['headers'], 'are for a webhook')
    if (rule.command === undefined && rule.env_pass.length > 0) issue(['env_pass'], 'is for a command')
  })
export type NotifyRule = z.infer<typeof NotifyRule>

export const NotifyConfig = z
  .strictObject({
    hosts: z
      .array(z.string().regex(HOST, 'must be host names in lower case, such as "hooks.example.com" or "10.0.0.5:8080"'))
      .default([])
      .meta(tick('Hosts, beside this machine, that webhooks may be sent to.')),
    pending_max: z
      .int()
      .min(1)
      .max(10_000)
      .default(1000)
      .meta(tick('Notifications that may wait to be delivered; what is more is counted into one of each rule.')),
    rules: z
      .record(RuleName, NotifyRule)
      .refine((rules) => Object.keys(rules).length <= RULES_MAX, `must be at most ${RULES_MAX}`)
      .default({}),
  })
  .superRefine(({ hosts, rules }, context) => {
    for (const [name, { webhook }] of Object.entries(rules)) {
      const mistake = webhook === undefined ? null : mistakeInAddress(webhook, hosts)
      if (mistake !== null)
        context.addIssue({ code: 'custom', path: ['rules', name, 'webhook'], message: `${webhook} ${mistake}` })
    }
  })
export type Notify = z.infer<typeof NotifyConfig>
