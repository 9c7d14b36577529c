/** How removing old runs reads: the outcome, what goes and what is held back by kind and reason. */
import { REASONS } from '../../core/retention.ts'
import type { GcOutput } from '../../operations/schemas/gc.ts'
import type { Look } from '../look.ts'

export const gc = (output: GcOutput, look: Look): string =>
  look.terminal ? listing(output, look) : lines(output, look)

function lines(output: GcOutput, { field }: Look): string {
  return [
    field('action', output.action),
    field('mode', output.mode),
    field('applied', output.applied),
    field('detail', output.detail),
    ...(output.mode === 'mailbox' && output.command_id !== null
      ? [field('command_id', output.command_id), field('mailbox_path', output.mailbox_path)]
      : []),
    field('state', output.state),
    ...(output.state_id === undefined ? [] : [field('state_id', output.state_id)]),
    field('count', output.count),
    field('bytes', output.bytes),
    ...Object.entries(output.limits).map(([name, value]) => field(`limits.${name}`, value)),
    ...output.summary.map(({ kind, goes, reason, count, bytes }) =>
      field(goes ? 'goes' : 'stays', `kind=${kind} count=${count} bytes=${bytes} reason=${reason}`),
    ),
  ].join('\n')
}

function listing(output: GcOutput, look: Look): string {
  const { paint } = look
  const said = output.count === 0 ? output.detail : `${output.detail} (${size(output.bytes)})`
  const head = output.state === 'applied' ? `${paint.green('✓')} ${said}` : said
  const row = ({ kind, reason, count, bytes }: GcOutput['summary'][number], what: string) => [
    what,
    kind,
    String(count),
    kind === 'ref' ? '' : size(bytes),
    REASONS[reason],
  ]
  const rows = [
    ...output.summary.filter(({ goes }) => goes).map((one) => row(one, output.applied ? 'gone' : 'goes')),
    ...output.summary.filter(({ goes }) => !goes).map((one) => row(one, 'stays')),
  ]
  const columns = [
    { title: '' },
    { title: 'WHAT' },
    { title: 'COUNT', align: 'right' as const },
    { title: 'SIZE', align: 'right' as const },
    { title: 'WHY', flexible: true },
  ]
  const table = rows.length === 0 ? [] : [look.table(rows, columns)]
  const how =
    output.state === 'preview' && output.count > 0
      ? [paint.dim('nothing was removed; --apply removes it for good')]
      : []
  return [head, ...table, ...how].join('\n')
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

function size(bytes: number): string {
  let [amount, unit] = [bytes, 0]
  for (; amount >= 1024 && unit < UNITS.length - 1; unit++) amount /= 1024
  return `${unit === 0 ? amount : amount.toFixed(1)} ${UNITS[unit]}`
}
