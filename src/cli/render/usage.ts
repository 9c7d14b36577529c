/** How usage reads. */
import type { UsageOutput } from '../../operations/schemas/usage.ts'
import type { Look } from '../look.ts'
import { pairs } from './quoted.ts'

type Sum = UsageOutput['total']

export function usage(output: UsageOutput, look: Look): string {
  return look.terminal ? sheet(output, look) : lines(output, look)
}

function lines(output: UsageOutput, look: Look): string {
  return [
    look.field('by', output.by.join(',')),
    look.field('since', output.since),
    look.field('until', output.until),
    look.field('time_zone', output.time_zone),
    look.field('total', sumLine(output.total)),
    look.field('group_count', output.group_count),
    ...output.groups.map(({ keys, ...sum }) => look.field('usage', `${pairs({ ...keys })} ${sumLine(sum)}`)),
    ...(output.others === null ? [] : [look.field('others', sumLine(output.others))]),
    ...output.at_work.map(({ usage: used, ...row }) => look.field('at_work', pairs({ ...row, ...used }))),
    look.field('skipped_lines', output.skipped_lines),
    look.field('rules_in_force', output.rules_in_force),
    ...output.rules.flatMap(({ owners, ...rule }) => [
      look.field('rule', pairs({ ...rule })),
      ...owners.map((owner) => look.field('rule_owner', pairs({ rule_id: rule.rule_id, ...owner }))),
    ]),
    ...subscriptionLines(output, look),
  ].join('\n')
}

function subscriptionLines({ subscription }: UsageOutput, look: Look): string[] {
  if (subscription === null) return []
  const { rules: quotas, ...state } = subscription
  return [
    look.field('subscription', pairs({ ...state })),
    ...quotas.map((rule) => look.field('subscription_rule', pairs({ ...rule }))),
  ]
}

const sumLine = ({ stages, usage: used, stages_without_cost }: Sum): string =>
  pairs({ stages, ...used, stages_without_cost })

function sheet(output: UsageOutput, look: Look): string {
  const { paint } = look
  if (output.total.stages === 0) {
    const since = output.since === null && output.until === null ? '' : ' in that time'
    const none = paint.dim(`No stage has told of any usage${since}.`)
    return [none, ...atWork(output, look), ...rules(output, look)].join('\n\n')
  }
  const more = output.group_count - output.groups.length
  const rows = [
    ...output.groups.map((group) =>
      row(
        output.by.map((by) => look.safe(group.keys[by] ?? '')),
        group,
      ),
    ),
    ...(output.others === null
      ? []
      : [row([paint.dim(more > 0 ? `${more} more` : 'others'), ...output.by.slice(1).map(() => '')], output.others)]),
    row([paint.bold('all'), ...output.by.slice(1).map(() => '')], output.total),
  ]
  const right = (title: string) => ({ title, align: 'right' as const })
  const columns = [
    ...output.by.map((by, index) => ({ title: by.replace('_', ' ').toUpperCase(), flexible: index === 0 })),
    ...['STAGES', 'INPUT', 'CACHED', 'OUTPUT', 'TOTAL', 'COST'].map(right),
  ]
  const untold = output.total.stages_without_cost
  const told = output.total.stages - untold
  const note =
    untold > 0 && told > 0
      ? [paint.dim(`${untold} of ${output.total.stages} stages told no cost; sums are without them.`)]
      : []
  const skipped =
    output.skipped_lines > 0 ? [paint.yellow(`${output.skipped_lines} lines of the ledger cannot be read.`)] : []
  return [
    [look.table(rows, columns), ...note, ...skipped].join('\n'),
    ...atWork(output, look),
    ...rules(output, look),
  ].join('\n\n')
}

/** One part, or none where nobody is at work. */
function atWork({ at_work }: UsageOutput, look: Look): string[] {
  if (at_work.length === 0) return []
  const rows = at_work.map(({ stage, item, usage: used }) => {
    const cost = used?.cost_usd === undefined ? '' : `, $${used.cost_usd.toFixed(2)}`
    const told = used === null ? 'nothing told yet' : `${grouped(used.total_tokens)} tokens so far${cost}`
    return `at work: ${look.safe(stage)} on ${look.safe(item)}, ${told}`
  })
  return [rows.join('\n')]
}

function row(names: string[], { stages, usage: used }: Sum): string[] {
  const cost = used.cost_usd === undefined ? '–' : `$${used.cost_usd.toFixed(2)}`
  return [
    ...names,
    String(stages),
    ...[used.input_tokens, used.cached_input_tokens, used.output_tokens, used.total_tokens].map(grouped),
    cost,
  ]
}

/** 1234567 as 1 234 567: figures that are compared must not be rounded. */
const grouped = (amount: number): string => String(amount).replace(/\B(?=(\d{3})+$)/g, '\u202f')

function rules(output: UsageOutput, look: Look): string[] {
  const { paint } = look
  if (!output.rules_in_force && output.subscription === null)
    return [paint.dim('No rules on usage are in force ([usage_governance] of millrace.toml).')]
  return [...(output.rules.length === 0 ? [] : [ruleTable(output.rules, look)]), ...subscription(output, look)]
}

function subscription({ subscription: told }: UsageOutput, look: Look): string[] {
  if (told === null) return []
  const { paint } = look
  const rows = told.rules.map((rule) => [
    rule.rule_id,
    rule.window,
    rule.percent_used === null ? paint.dim('not known') : `${rule.percent_used} %`,
    `${rule.pause_at_percent_used} %`,
    rule.pauses ? paint.red('pauses') : paint.green('kept'),
    rule.resets_at === null ? '' : look.ago(rule.resets_at),
  ])
  const since = told.last_refreshed_at === null ? 'nothing was told yet' : `told ${look.ago(told.last_refreshed_at)}`
  const problem =
    told.state === 'degraded' ? [paint.yellow(`It is out of reach: ${look.safe(told.detail ?? '')}.`)] : []
  const columns = [
    { title: 'RULE', flexible: true },
    { title: 'WINDOW' },
    { title: 'USED', align: 'right' as const },
    { title: 'PAUSES AT', align: 'right' as const },
    { title: 'STATE' },
    { title: 'ANEW' },
  ]
  return [[paint.dim(`Subscription ${told.provider}, ${since}:`), ...problem, look.table(rows, columns)].join('\n')]
}

function ruleTable(standings: UsageOutput['rules'], look: Look): string {
  const { paint } = look
  const rows = standings.map((rule) => {
    const money = rule.metric === 'cost_usd'
    const shown = (amount: number) => (money ? `$${amount.toFixed(2)}` : grouped(Math.round(amount)))
    const state = rule.pauses ? paint.red('pauses') : rule.over ? paint.red('over') : paint.green('kept')
    const next = rule.clears_at ?? rule.window_until
    return [
      rule.rule_id,
      rule.window,
      rule.metric.replace('_', ' '),
      shown(rule.observed),
      shown(rule.threshold),
      shown(rule.left),
      state,
      next === null ? '' : look.ago(next),
    ]
  })
  const right = (title: string) => ({ title, align: 'right' as const })
  const columns = [
    { title: 'RULE', flexible: true },
    { title: 'WINDOW' },
    { title: 'OF' },
    right('USED'),
    right('ALLOWED'),
    right('LEFT'),
    { title: 'STATE' },
    { title: 'ANEW' },
  ]
  return look.table(rows, columns)
}
