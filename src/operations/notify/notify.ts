/** Notifications: who is told of what, whether a receiver can be reached, and sending what waits where no runtime is. */
import { Draft } from '../../core/changes.ts'
import type { Delivery, DeliveryState } from '../../core/delivery.ts'
import { MillraceError } from '../../core/errors.ts'
import { notification, ruleOf } from '../../core/notify.ts'
import type { Notify, NotifyRule } from '../../core/notify-config.ts'
import type { Operation } from '../../core/operation.ts'
import { tellLost } from '../../engine/lost.ts'
import { send } from '../../engine/notify.ts'
import { readConfig } from '../../store/config-file.ts'
import { deliveryIds, readDeliveries } from '../../store/deliveries.ts'
import type { Files } from '../../store/files.ts'
import { Workspace } from '../../store/workspace.ts'
import { RETRIED_MAX } from '../commands/deliveries.ts'
import { type Context, placesIn, requireWorkspace } from '../context.ts'
import { type Issued, issue } from '../issue.ts'
import { reading } from '../reading.ts'
import type { NotifyCheckOutput, NotifyLsOutput, NotifyTestOutput } from '../schemas/notify.ts'
import { deliveringFrom } from './delivering.ts'

const ROWS_MAX = 100

const configIn = (context: Context): Notify =>
  readConfig(context.files, placesIn(context), context.overrides).config.notify

/** Where a rule sends to, for people; an address that is a secret stays one. */
export const receiverOf = ({ command, webhook, webhook_env }: NotifyRule) =>
  command === undefined
    ? ({ via: 'webhook', receiver: webhook ?? `$${webhook_env}` } as const)
    : ({ via: 'command', receiver: command.join(' ') } as const)

export const notifyLs: Operation<Context, Record<string, never>, NotifyLsOutput> = {
  name: 'notify ls',
  flavour: 'read',
  summary: 'Who is told of what, and which notifications did not arrive.',
  description:
    'Lists the rules of `[notify]` in millrace.toml, the notifications that wait for their next attempt, and those that were given up, which `notify retry` sends again.',
  input: [],
  examples: [{ command: 'millrace notify ls', does: 'see the rules and what did not arrive' }],
  output: async () => (await import('../schemas.ts')).notifyLsSchema(),
  async run(context) {
    const { rules } = configIn(context)
    return reading(context, (_view, files) => ({
      workspace: context.workspaceRoot,
      rules: Object.entries(rules).map(([name, rule]) => ({ name, on: rule.on, ...receiverOf(rule) })),
      pending_count: countOf(context, files, 'pending'),
      failed_count: countOf(context, files, 'failed'),
      done_count: countOf(context, files, 'done'),
      pending: rowsOf(context, files, 'pending').slice(0, ROWS_MAX),
      failed: rowsOf(context, files, 'failed').reverse().slice(0, ROWS_MAX),
    }))
  },
}

const countOf = (context: Context, files: Files, state: DeliveryState): number =>
  deliveryIds(files, placesIn(context), state).length

const rowsOf = (context: Context, files: Files, state: 'pending' | 'failed') =>
  readDeliveries(files, placesIn(context), state).map(({ delivery }) => rowOf(delivery))

const rowOf = (delivery: Delivery): NotifyLsOutput['pending'][number] => ({
  delivery_id: delivery.delivery_id,
  rule: delivery.recipient,
  event: String(delivery.payload.event),
  text: String(delivery.payload.text),
  created_at: delivery.created_at,
  attempts: delivery.attempts,
  next_attempt_at: delivery.ended_at === null ? delivery.next_attempt_at : null,
  last_error: delivery.last_error,
})

export const notifyTest: Operation<Context, { rule?: string }, NotifyTestOutput> = {
  name: 'notify test',
  flavour: 'perform',
  summary: 'Send a test notification and say whether it arrived.',
  description:
    'Sends a notification of the event `test` to every rule of `[notify]` in millrace.toml, or to one, once and at once, and tells how that went. Writes nothing; what a rule is for does not matter here. Exit status 1 if one did not arrive.',
  input: [{ name: 'rule', type: 'text', placeholder: 'NAME', description: 'Only this rule.' }],
  examples: [
    { command: 'millrace notify test', does: 'see whether every receiver can be reached' },
    { command: 'millrace notify test --rule oncall', does: 'try one rule' },
  ],
  output: async () => (await import('../schemas.ts')).notifyTestSchema(),
  async run(context, { rule: name }) {
    requireWorkspace(context)
    const config = configIn(context)
    const names = Object.keys(config.rules)
    if (name !== undefined && ruleOf(config, name) === null)
      throw new MillraceError('notify_rule_unknown', `There is no rule notify.rules.${name.slice(0, 80)}.`, {
        hint: names.length > 0 ? `there are: ${names.join(', ')}` : 'make one: `millrace docs notify` says how',
      })
    const tested = name === undefined ? names : [name]
    if (tested.length === 0) throw noRules()
    const results = await Promise.all(tested.map((one) => tried(context, config, one)))
    return { ok: results.every(({ delivered }) => delivered), workspace: context.workspaceRoot, results }
  },
}

const noRules = () =>
  new MillraceError('notify_rule_unknown', 'millrace.toml has no rule to test.', {
    hint: 'make one: `millrace docs notify` says how',
  })

async function tried(context: Context, config: Notify, name: string): Promise<NotifyTestOutput['results'][number]> {
  const { clock, workspaceRoot: workspace } = context
  const rule = config.rules[name]!
  const message = notification(`test-${clock.hex(16)}`, {
    rule: name,
    event: 'test',
    event_type: null,
    occurred_at: clock.now().toISOString(),
    workspace,
    text: `a test of the rule ${name}`,
    facts: {},
  })
  const begun = clock.monotonicMs()
  const outcome = await send(context, config, rule, message, new AbortController().signal)
  return {
    rule: name,
    ...receiverOf(rule),
    delivered: outcome.done,
    error: outcome.done ? null : outcome.error,
    duration_seconds: Math.round(clock.monotonicMs() - begun) / 1000,
  }
}

interface RetryInput {
  delivery_ids?: readonly string[]
  all?: boolean
}

export const notifyRetry: Operation<Context, RetryInput, Issued> = {
  name: 'notify retry',
  flavour: 'change',
  summary: 'Send notifications again that were given up.',
  description:
    'Puts notifications that did not arrive back among those that wait, with all their attempts, and the same ids: those named, or with --all every one (the oldest 1000). They are sent at once, by the runtime that owns the workspace or else by this command. Refused as a whole where one of them was not given up.',
  input: [
    {
      name: 'delivery_ids',
      type: 'list',
      positional: true,
      names: 'failed_delivery',
      placeholder: 'ID',
      description: 'Ids of the deliveries, as `notify ls` tells them.',
    },
    { name: 'all', type: 'flag', description: 'Every notification that was given up.' },
  ],
  examples: [
    { command: 'millrace notify retry blocked-3f9a0c1d2e4b5a69', does: 'try that one again' },
    { command: 'millrace notify retry --all', does: 'try everything again, once the receiver is back' },
  ],
  output: async () => (await import('../schemas.ts')).issuedSchema(),
  async run(context, { delivery_ids = [], all = false }) {
    requireWorkspace(context)
    if (all === delivery_ids.length > 0)
      throw new MillraceError('usage', 'Name the notifications to send again, or give --all, and not both.', {
        hint: 'see which were given up with `millrace notify ls`',
      })
    return issue(context, 'retry_deliveries', { delivery_ids: all ? givenUp(context) : delivery_ids })
  },
}

const givenUp = (context: Context): string[] =>
  readDeliveries(context.files, placesIn(context), 'failed')
    .map(({ delivery }) => delivery.delivery_id)
    .slice(0, RETRIED_MAX)

export const notifyCheck: Operation<Context, Record<string, never>, NotifyCheckOutput> = {
  name: 'notify check',
  flavour: 'perform',
  summary: 'Tell of a runtime that died, and send what waits; for cron.',
  description:
    'Where a runtime owns the workspace it does nothing: that one delivers by itself. Where one died without giving the workspace back, that is recorded and told, once, however often and by whomever this is asked. Then every notification that is due gets one attempt, for --wait-seconds in all. Starts no work. Exit status 1 if an attempt went wrong.',
  input: [],
  examples: [
    { command: 'millrace notify check', does: 'be told of a dead daemon; run it from cron every minute' },
    { command: 'millrace notify check --workspace /srv/project --json', does: 'the same for a script' },
  ],
  output: async () => (await import('../schemas.ts')).notifyCheckSchema(),
  async run(context) {
    requireWorkspace(context)
    const workspace = await takeIfFree(context)
    const told = (runtime: NotifyCheckOutput['runtime'], { delivered, failed } = { delivered: 0, failed: 0 }) => ({
      ok: failed === 0,
      workspace: context.workspaceRoot,
      runtime,
      delivered,
      failed,
      pending_count: countOf(context, context.files, 'pending'),
    })
    if (workspace === null) return told('at_work')
    try {
      configIn(context) // one that cannot be read is said, not taken for one without rules
      const { deliveries, commit } = deliveringFrom(context, workspace)
      deliveries.load()
      const view = workspace.view()
      const draft = new Draft(view)
      const runtime = tellLost(draft, view, workspace.lock) ? 'lost' : 'none'
      await commit(draft.finish())
      return told(runtime, await deliveries.finish(context.waitSeconds * 1000))
    } finally {
      await workspace.close()
    }
  },
}

/** The workspace, unless somebody owns it. */
async function takeIfFree(context: Context): Promise<Workspace | null> {
  try {
    return await Workspace.open(context, context.workspaceRoot, {
      onFatal: (error) => {
        throw error
      },
    })
  } catch (error) {
    if (MillraceError.is(error) && error.code === 'lock_held') return null
    throw error
  }
}
