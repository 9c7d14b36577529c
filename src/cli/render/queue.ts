/** How the queues read: the counts and a line for each item for programs, tables and sentences for people. */
import type { Added } from '../../operations/queue/add.ts'
import type { QueueLsOutput, QueueRow, QueueShowOutput } from '../../operations/schemas/queue.ts'
import type { Look, Value } from '../look.ts'
import { block, issued } from './control.ts'
import { quoted } from './quoted.ts'

export function ls(output: QueueLsOutput, look: Look): string {
  return look.terminal ? listing(output, look) : lines(output, look)
}

function lines(output: QueueLsOutput, look: Look): string {
  const counts = Object.entries(output).filter(([, value]) => typeof value === 'number')
  return [
    ...counts.map(([key, value]) => look.field(key, value as number)),
    ...output.items.map((row) => look.field('work_item', rowLine(row))),
    ...output.unreadable.map(({ work_item_kind, state, path, faults }) =>
      look.field('unreadable', `kind=${work_item_kind} state=${state} path=${path} faults=${quoted(faults)}`),
    ),
  ].join('\n')
}

/** The title comes last and is quoted, so that a line falls apart at its spaces. */
function rowLine(row: QueueRow): string {
  const waits = row.waits_for.map((one) => `${one.id}:${one.state}`).join(',') || 'none'
  return [
    `kind=${row.work_item_kind}`,
    `state=${row.state}`,
    `id=${row.work_item_id}`,
    `path=${row.path}`,
    `created_at=${row.created_at}`,
    `waits_for=${waits}`,
    `deferred_by=${row.deferred_by ?? 'none'}`,
    `run=${row.run_id ?? 'none'}`,
    ...(row.approval_id === null ? [] : [`approval=${row.approval_id}`]),
    ...(row.reason === null ? [] : [`reason=${quoted(row.reason)}`]),
    `title=${quoted(row.title)}`,
  ].join(' ')
}

function listing(output: QueueLsOutput, look: Look): string {
  const { paint } = look
  const faulty = output.unreadable.map(
    (one) => `${paint.red('unreadable:')} ${look.safe(one.path)}\n  ${look.safe(one.faults.slice(0, 3).join('; '))}`,
  )
  if (output.items.length === 0 && faulty.length === 0) {
    return `${paint.dim('Nothing here.')} Add work with ${paint.bold('millrace add-task "What is to be done"')}`
  }
  const rows = output.items.map((row) => [
    row.work_item_kind,
    state(row, look),
    row.work_item_id,
    look.ago(row.created_at).replace(/ ago$/, ''),
    standing(row, look),
    look.safe(row.title),
  ])
  const columns = [
    { title: 'KIND' },
    { title: 'STATE' },
    { title: 'ID' },
    { title: 'AGE', align: 'right' as const },
    { title: 'WAITS FOR', flexible: true },
    { title: 'TITLE', flexible: true },
  ]
  const table = rows.length === 0 ? [] : [look.table(rows, columns)]
  const more = output.item_count - output.items.length
  const left = more === 0 ? [] : [paint.dim(`… and ${more} more (--limit 0 lists all)`)]
  return [...table, ...left, ...faulty].join('\n')
}

function state(row: QueueRow, { paint }: Look): string {
  switch (row.state) {
    case 'active':
      return paint.green('active')
    case 'blocked':
    case 'quarantined':
      return paint.red(row.state)
    case 'queued':
      return row.state
    default:
      return paint.dim(row.state)
  }
}

/** What an item waits for, where it stands, or why it is blocked: whichever there is. */
function standing(row: QueueRow, look: Look): string {
  const { paint } = look
  const parts = [
    ...(row.node_id === null ? [] : [paint.dim(`at ${row.node_id}`)]),
    ...(row.approval_id === null ? [] : [paint.yellow('your answer: millrace approvals')]),
    ...(row.reason === null ? [] : [paint.dim(look.safe(row.reason))]),
    ...row.waits_for.map((one) => (one.state === 'waiting' ? one.id : paint.red(`${one.id} (${one.state})`))),
    ...(row.deferred_by === null ? [] : [`closure of ${row.deferred_by}`]),
    ...(row.duplicate_of.length === 0 ? [] : [paint.red(`also in ${row.duplicate_of.join(', ')}`)]),
  ]
  return parts.join(', ')
}

export function show(output: QueueShowOutput, look: Look): string {
  return look.terminal ? sheet(output, look) : record(output, look)
}

/** Fields the first lines say already. */
const SAID = /^(title|(task|spec|incident|probe|learning_request)_id)$/

function record(output: QueueShowOutput, look: Look): string {
  const own = `${output.work_item_kind}_id`
  const fields = Object.entries(output.fields).filter(([name]) => name !== 'title' && name !== own)
  const value = (one: unknown): Value => (typeof one === 'object' ? quoted(one) : (one as Value))
  return [
    look.field('work_item_id', output.work_item_id),
    look.field('work_item_kind', output.work_item_kind),
    look.field('work_item_state', output.work_item_state),
    look.field('path', output.path),
    look.field('title', output.title),
    ...fields.flatMap(([name, given]) =>
      Array.isArray(given) ? given.map((one) => look.field(name, one)) : [look.field(name, value(given))],
    ),
    ...output.faults.map((fault) => look.field('fault', fault)),
    ...output.also_in.map((place) => look.field('also_in', place)),
    ...output.waits_for.map((one) => look.field('waits_for', `${one.id} ${one.state}`)),
    look.field('deferred_by', output.deferred_by),
    ...output.stands_before.map(({ code, fact }) => look.field('stands_before', `${code} ${fact}`)),
    look.field('run_id', output.run_id),
    look.field('node_id', output.node_id),
    look.field('reason', output.reason),
    look.field('auto_requeue_at', output.auto_requeue_at),
    look.field('body', output.body === '' ? null : quoted(output.body)),
  ].join('\n')
}

function sheet(output: QueueShowOutput, look: Look): string {
  const { paint } = look
  const where = [
    `${output.work_item_kind} ${output.work_item_id}`,
    output.node_id === null ? output.work_item_state : `${output.work_item_state} at ${output.node_id}`,
  ].join(', ')
  const head = [
    paint.bold(look.safe(output.title ?? output.work_item_id)),
    paint.dim(where),
    ...(output.reason === null ? [] : [paint.red(`blocked: ${look.safe(output.reason)}`)]),
    ...(output.auto_requeue_at === null
      ? []
      : [paint.yellow(`put back into its queue by itself from ${output.auto_requeue_at} on`)]),
    ...output.stands_before.map(({ fact }) => paint.yellow(look.safe(fact))),
    ...(output.also_in.length === 0 ? [] : [paint.red(`the same id lies in ${output.also_in.join(', ')} too`)]),
    ...output.faults.map((fault) => paint.red(look.safe(fault))),
  ]
  const entries = Object.entries(output.fields).filter(([name]) => !SAID.test(name) || name !== 'title')
  const scalars = entries.flatMap(([name, value]) =>
    Array.isArray(value) || value === '' || value === null
      ? []
      : [look.field(name, typeof value === 'object' ? JSON.stringify(value) : look.safe(String(value)))],
  )
  const lists = entries.flatMap(([name, value]) =>
    Array.isArray(value) && value.length > 0
      ? [[paint.dim(`${name}:`), ...value.map((one) => `  - ${look.safe(one)}`)].join('\n')]
      : [],
  )
  const body = output.body === '' ? [] : [output.body.split('\n').map(look.safe).join('\n')]
  const foot = [
    look.field('path', output.path),
    ...(output.run_id === null ? [] : [look.field('run', `millrace runs show ${output.run_id}`)]),
  ]
  return [head, scalars, lists, body, foot]
    .filter((part) => part.length > 0)
    .map((part) => part.join('\n'))
    .join('\n\n')
}

export function added(output: Added, look: Look): string {
  if (!look.terminal) {
    const isDone = output.mode === 'direct' && output.applied
    return isDone ? look.field(`enqueued_${output.work_item_kind}`, output.path) : block(output, look)
  }
  if (output.state !== 'applied') return issued(output, look)
  const title = output.title === null ? '' : ` "${look.safe(output.title)}"`
  return `${look.paint.green('✓')} queued ${output.work_item_kind} ${output.work_item_id}${title}\n  ${look.paint.dim(output.path)}`
}
