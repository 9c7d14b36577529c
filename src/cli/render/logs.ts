/** How the event log reads: one line for each event, for programs with every fact, for people the ones that matter. */
import type { LoggedEvent, LogsEnd, LogsOutput } from '../../operations/schemas/logs.ts'
import type { Look } from '../look.ts'
import { cut } from '../table.ts'
import { quoted, word } from './quoted.ts'

export function logs(output: LogsOutput | LoggedEvent | LogsEnd, look: Look): string {
  if ('end' in output) return farewell(output, look)
  if ('event_type' in output) return look.terminal ? sentence(output, look) : line(output)
  const { events, skipped } = output
  const shown = events.map((event) => (look.terminal ? sentence(event, look) : line(event)))
  if (shown.length === 0) shown.push(look.terminal ? look.paint.dim('No events.') : 'no events')
  if (skipped === 0) return shown.join('\n')
  const passed = `${skipped} ${skipped === 1 ? 'line was' : 'lines were'} passed over: no events`
  return [...shown, look.terminal ? look.paint.yellow(passed) : look.field('skipped', skipped)].join('\n')
}

/** `<timestamp> <type> <facts>`: every fact there is, texts of others quoted. */
function line({ occurred_at, event_type, data }: LoggedEvent): string {
  const facts = Object.entries(data).flatMap(([name, value]) => (value === null ? [] : [`${name}=${plain(value)}`]))
  return [word(occurred_at), word(event_type), ...facts].join(' ')
}

const plain = (value: unknown): string => (typeof value === 'object' ? quoted(value) : word(String(value)))

// ---- for people ------------------------------------------------------------------------------------------------------

/** What others of the same event say as well, or what only a program looks up. */
const LEFT_OUT = new Set([
  ...['request_id', 'stage_kind_id', 'node_id', 'work_item_kind', 'token_usage', 'next_stage', 'plane', 'action'],
  ...['troubleshoot_report_path', 'root_idea_id', 'source_work_item_kind', 'command_id', 'daemon_session_id'],
])
/** In this order, before what else there is, and without their names. */
const FIRST = [
  'work_item_id',
  'incident_id',
  'root_spec_id',
  'stage',
  'terminal_result',
  'next_node_id',
  'failure_class',
]

const COLOURS: readonly [RegExp, 'red' | 'green' | 'yellow'][] = [
  [/failed|blocked|invalid|duplicate|conflict|missing|cancelled|withdrawn|unsatisfiable|taken_over/, 'red'],
  [/paused|held|interrupted|deferred|waiting|swept|gap|kept|backpressure|skipped/, 'yellow'],
  [/finished|closed$|completed|resumed|ready|recovered/, 'green'],
]

function sentence({ occurred_at, event_type, data }: LoggedEvent, look: Look): string {
  const { paint } = look
  const colour = COLOURS.find(([pattern]) => pattern.test(event_type))?.[1] ?? 'cyan'
  const rank = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length)
  const facts = Object.entries(data)
    .filter(([name, value]) => !LEFT_OUT.has(name) && value !== null && value !== '' && !isEmpty(value))
    .sort(([a], [b]) => rank(a) - rank(b))
    .map(([name, value]) => (FIRST.includes(name) ? plain(value) : `${paint.dim(`${name}=`)}${plain(value)}`))
  const head = `${paint.dim(localTime(occurred_at))} ${paint[colour](event_type)}`
  return cut(look.safe([head, ...facts].join(' ')), look.width - 1)
}

const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0

/** Local date and time, without the year. */
function localTime(at: string): string {
  const time = new Date(at)
  if (Number.isNaN(time.getTime())) return at
  const two = (part: number) => String(part).padStart(2, '0')
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
  return `${two(time.getMonth() + 1)}-${two(time.getDate())} ${clock}`
}

function farewell({ end }: LogsEnd, look: Look): string {
  if (look.terminal) {
    const passed = end.skipped === 0 ? '' : `; ${end.skipped} passed over, which hold no event`
    return look.paint.dim(`No longer followed${passed}.`)
  }
  return [look.field('end', end.reason), look.field('events', end.events), look.field('skipped', end.skipped)].join(
    '\n',
  )
}
