/** How rules of notification, and what became of notifications, read. */
import type { NotifyCheckOutput, NotifyLsOutput, NotifyTestOutput } from '../../operations/schemas/notify.ts'
import type { Look } from '../look.ts'
import { quoted } from './quoted.ts'

type Row = NotifyLsOutput['pending'][number]

export function ls(output: NotifyLsOutput, look: Look): string {
  const { rules, pending, failed, ...head } = output
  if (!look.terminal)
    return [
      ...Object.entries(head).map(([key, value]) => look.field(key, value)),
      ...rules.map((rule) =>
        look.field(
          'rule',
          `name=${rule.name} via=${rule.via} on=${rule.on.join(',')} receiver=${quoted(rule.receiver)}`,
        ),
      ),
      ...pending.map((row) => look.field('pending', line(row))),
      ...failed.map((row) => look.field('failed', line(row))),
    ].join('\n')
  if (rules.length === 0 && pending.length + failed.length === 0)
    return look.paint.dim('Nobody is told of anything yet; `millrace docs notify` says how to make a rule.')
  const ruleRows = rules.map(({ name, on, receiver }) => [name, on.join(' '), look.safe(receiver)])
  const parts = [look.table(ruleRows, [{ title: 'RULE' }, { title: 'ON' }, { title: 'RECEIVER' }])]
  if (pending.length > 0) parts.push(`${head.pending_count} waiting`, waiting(pending, look))
  if (failed.length > 0) parts.push(look.paint.yellow(`${head.failed_count} given up`), waiting(failed, look))
  return parts.join('\n')
}

const line = (row: Row): string =>
  [
    `id=${row.delivery_id}`,
    `rule=${row.rule}`,
    `event=${row.event}`,
    `attempts=${row.attempts}`,
    `created_at=${row.created_at}`,
    `next_attempt_at=${row.next_attempt_at ?? 'none'}`,
    `error=${quoted(row.last_error ?? '')}`,
    `text=${quoted(row.text)}`,
  ].join(' ')

const waiting = (rows: readonly Row[], look: Look): string =>
  look.table(
    rows.map((row) => [
      row.delivery_id,
      row.rule,
      look.ago(row.created_at),
      String(row.attempts),
      look.safe(row.last_error ?? row.text),
    ]),
    [{ title: 'ID' }, { title: 'RULE' }, { title: 'WHEN' }, { title: 'TRIED' }, { title: '' }],
  )

export function test(output: NotifyTestOutput, look: Look): string {
  const { results, ...head } = output
  if (!look.terminal)
    return [
      ...Object.entries(head).map(([key, value]) => look.field(key, value)),
      ...results.map((one) =>
        look.field(
          'result',
          `rule=${one.rule} delivered=${one.delivered} duration_seconds=${one.duration_seconds} receiver=${quoted(one.receiver)} error=${quoted(one.error ?? '')}`,
        ),
      ),
    ].join('\n')
  return results
    .map(({ rule, delivered, error, receiver }) =>
      delivered
        ? `${look.paint.green('arrived')} ${rule} → ${look.safe(receiver)}`
        : `${look.paint.red('failed')} ${rule} → ${look.safe(receiver)}: ${look.safe(error ?? '')}`,
    )
    .join('\n')
}

const FOUND = {
  at_work: 'A runtime owns the workspace and delivers by itself.',
  none: 'No runtime is at work, and none was lost.',
  lost: 'A runtime died without giving the workspace back; that is recorded and told.',
} as const

export function check(output: NotifyCheckOutput, look: Look): string {
  if (!look.terminal)
    return Object.entries(output)
      .map(([key, value]) => look.field(key, value))
      .join('\n')
  const { runtime, delivered, failed, pending_count } = output
  return `${FOUND[runtime]}\n${delivered} delivered, ${failed} failed, ${pending_count} waiting`
}
