/** How incidents read. */
import type { IncidentRow, IncidentsLsOutput } from '../../operations/schemas/incidents.ts'
import type { Look } from '../look.ts'
import { quoted, word } from './quoted.ts'

export function ls(output: IncidentsLsOutput, look: Look): string {
  return look.terminal ? table(output, look) : lines(output, look)
}

function lines(output: IncidentsLsOutput, look: Look): string {
  return [
    ...Object.entries(output.counts).map(([state, count]) => look.field(`incident_${state}_count`, count)),
    look.field('incident_count', output.incident_count),
    ...output.incidents.map((row) => look.field('incident', line(row))),
    ...output.unreadable.map(({ path, state, set_aside, faults }) =>
      look.field('unreadable', `state=${state} set_aside=${set_aside} path=${word(path)} faults=${quoted(faults)}`),
    ),
  ].join('\n')
}

/** The texts of others come last and are quoted. */
function line({ title, summary, related_run_ids, ...flat }: IncidentRow): string {
  const facts = Object.entries(flat).map(([name, value]) => `${name}=${value === null ? 'none' : word(value)}`)
  return [
    ...facts,
    `related_run_ids=${related_run_ids.join(',') || 'none'}`,
    `title=${quoted(title)}`,
    `summary=${quoted(summary)}`,
  ].join(' ')
}

function table(output: IncidentsLsOutput, look: Look): string {
  const { paint } = look
  const faulty = output.unreadable.map(
    ({ path, faults }) =>
      `${paint.red('unreadable:')} ${look.safe(path)}\n  ${look.safe(faults.slice(0, 3).join('; ') || 'it can be read now; move it back to have it taken')}`,
  )
  const { done, cancelled } = output.counts
  const over = [...(done > 0 ? [`${done} resolved`] : []), ...(cancelled > 0 ? [`${cancelled} cancelled`] : [])]
  if (output.incidents.length === 0) {
    const rest = over.length > 0 ? ` ${over.join(', ')}: millrace incidents ls --all` : ''
    return [paint.dim(`No incidents here.${rest}`), ...faulty].join('\n')
  }
  const rows = output.incidents.map((row) => [
    state(row.state, look),
    severity(row.severity, look),
    row.incident_id,
    look.ago(row.opened_at).replace(/ ago$/, ''),
    look.safe(row.failure_class ?? '–'),
    look.safe([row.source_stage, row.source_task_id ?? row.source_spec_id].filter(Boolean).join(' on ')),
    look.safe(row.root_spec_id ?? '–'),
    look.safe(row.title),
  ])
  const columns = [
    { title: 'STATE' },
    { title: 'SEVERITY' },
    { title: 'ID' },
    { title: 'AGE', align: 'right' as const },
    { title: 'FAILURE' },
    { title: 'FROM' },
    { title: 'ROOT' },
    { title: 'TITLE', flexible: true },
  ]
  const more = output.incident_count - output.incidents.length
  return [
    look.table(rows, columns),
    ...(more > 0 ? [paint.dim(`and ${more} more; --limit 0 shows all`)] : []),
    ...faulty,
  ].join('\n')
}

const WORDS: Partial<Record<IncidentRow['state'], string>> = { queued: 'incoming', done: 'resolved' }

function state(of: IncidentRow['state'], { paint }: Look): string {
  const text = WORDS[of] ?? of
  if (of === 'active') return paint.green(text)
  return of === 'blocked' || of === 'quarantined' ? paint.red(text) : of === 'queued' ? text : paint.dim(text)
}

function severity(of: string | null, { paint }: Look): string {
  if (of === 'critical' || of === 'high') return paint.red(of)
  return of === 'medium' ? paint.yellow(of) : (of ?? '–')
}
