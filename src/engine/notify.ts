/** Sending a notification: to a command, on its standard input, or to a webhook, as JSON. Nothing of it goes through a shell. */
import type { Delivery } from '../core/delivery.ts'
import type { Exec } from '../core/exec.ts'
import { type Notification, ruleOf } from '../core/notify.ts'
import type { Notify, NotifyRule } from '../core/notify-config.ts'
import type { Post } from '../core/post.ts'
import { mistakeInAddress } from '../core/web-address.ts'
import { agentEnvironment, type Environment } from '../runners/environment.ts'
import type { Channel, Outcome } from './deliveries.ts'

export interface SenderPorts {
  exec: Exec
  post: Post
  /** Our own environment: the command gets an allow-list of it, and headers take their values from it. */
  environment: Environment
}

const OUTPUT_BYTES_MAX = 1024 * 1024
const SAID_CHARS_MAX = 200

/** How notifications are delivered, by the rules in force. */
export const notifyChannel = (ports: SenderPorts, config: () => Notify): Channel => ({
  attemptsMax: ({ recipient }) => ruleOf(config(), recipient)?.attempts_max ?? 1,
  async carryOut(delivery, signal) {
    const rule = ruleOf(config(), delivery.recipient)
    if (rule !== null) return send(ports, config(), rule, notificationIn(delivery), signal)
    return { done: false, error: `notify.rules.${delivery.recipient} is no longer in the config`, final: true }
  },
})

/** A person may have edited the record; its id is that of its file. */
const notificationIn = ({ payload, delivery_id }: Delivery): Notification =>
  ({ ...payload, delivery_id }) as unknown as Notification

/** One attempt to send a notification. Never rejects. */
export async function send(
  ports: SenderPorts,
  { hosts }: Pick<Notify, 'hosts'>,
  rule: NotifyRule,
  notification: Notification,
  signal: AbortSignal,
): Promise<Outcome> {
  const timeoutMs = rule.timeout_seconds * 1000
  if (rule.command !== undefined) return sendToCommand(ports, rule, rule.command, notification, { timeoutMs, signal })
  const address = addressOf(rule, hosts, ports.environment)
  if ('problem' in address) return { done: false, error: address.problem }
  const headers = headersOf(rule, ports.environment)
  if ('problem' in headers) return { done: false, error: headers.problem }
  const result = await ports.post(address.url, {
    headers: {
      ...headers.values,
      'content-type': 'application/json',
      'user-agent': 'millrace',
      'idempotency-key': notification.delivery_id,
    },
    body: JSON.stringify(notification),
    timeoutMs,
    signal,
  })
  if (result.status === null) return { done: false, error: result.problem }
  if (result.status >= 200 && result.status < 300) return { done: true }
  const moved = result.status >= 300 && result.status < 400 ? '; redirects are not followed' : ''
  return { done: false, error: `it answered ${result.status}${moved}${said(result.answer)}` }
}

/** Where a rule sends to, or why it cannot. */
export function addressOf(
  { webhook, webhook_env: variable }: Pick<NotifyRule, 'webhook' | 'webhook_env'>,
  hosts: readonly string[],
  environment: Environment,
): { url: string } | { problem: string } {
  const url = variable === undefined ? webhook : environment[variable]
  if (url === undefined || url === '') return { problem: `the environment variable ${variable} is not set` }
  const mistake = mistakeInAddress(url, hosts)
  return mistake === null
    ? { url }
    : { problem: `the address ${variable === undefined ? url : `in ${variable}`} ${mistake}` }
}

function headersOf(
  { headers }: NotifyRule,
  environment: Environment,
): { values: Record<string, string> } | { problem: string } {
  const missing = Object.values(headers).find((variable) => !environment[variable])
  if (missing !== undefined) return { problem: `the environment variable ${missing} is not set` }
  const values = Object.entries(headers).map(([name, variable]) => [name, environment[variable]!])
  return { values: Object.fromEntries(values) }
}

async function sendToCommand(
  { exec, environment }: SenderPorts,
  { env_pass: pass }: NotifyRule,
  [program = '', ...args]: readonly string[],
  notification: Notification,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<Outcome> {
  const set = variablesOf(notification)
  const { code, stdout, stderr, timedOut, truncated } = await exec(program, args, {
    cwd: notification.workspace,
    env: agentEnvironment(environment, { prefixes: [], pass, set }),
    stdin: `${JSON.stringify(notification)}\n`,
    timeoutMs,
    outputBytesMax: OUTPUT_BYTES_MAX,
    signal,
  })
  if (code === 0 && !truncated) return { done: true }
  if (signal.aborted) return { done: false, error: 'it was not waited for any longer' }
  if (timedOut) return { done: false, error: `it did not end within ${timeoutMs / 1000} s` }
  if (truncated) return { done: false, error: `it printed more than ${OUTPUT_BYTES_MAX} bytes` }
  if (code === 127 || code === 126) return { done: false, error: `it could not be started${said(stderr)}` }
  return {
    done: false,
    error: `it ended with ${code === null ? 'a signal' : `exit status ${code}`}${said(stderr || stdout)}`,
  }
}

/** What a script finds without reading JSON. */
const variablesOf = ({ delivery_id, rule, event, text, workspace, facts }: Notification): Record<string, string> => ({
  MILLRACE_DELIVERY_ID: delivery_id,
  MILLRACE_RULE: rule,
  MILLRACE_EVENT: event,
  MILLRACE_TEXT: text,
  MILLRACE_WORKSPACE: workspace,
  MILLRACE_WORK_ITEM_ID: named(facts.work_item_id),
  MILLRACE_RUN_ID: named(facts.run_id),
})

const named = (value: unknown): string => (typeof value === 'string' ? value : '')

/** The last line of what it said. */
function said(text: string): string {
  const line = text.trim().split('\n').at(-1)?.trim().slice(0, SAID_CHARS_MAX) ?? ''
  return line === '' ? '' : `: ${line}`
}
