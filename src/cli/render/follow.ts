/** How the following of a run reads: one line per record, for people in colour, for programs with the text last. */
import type { FollowEnd, FollowRecord } from '../../operations/schemas/follow.ts'
import type { Look } from '../look.ts'
import { cut } from '../table.ts'
import { duration } from '../time.ts'
import { quoted } from './quoted.ts'
import { coloured, lasted, tokensUsed } from './runs.ts'

export function follow(record: FollowRecord | FollowEnd, look: Look): string {
  if ('end' in record) return look.terminal ? farewell(record, look) : ending(record, look)
  return look.terminal ? cut(sentence(record, look), look.width - 1) : line(record)
}

// ---- for people ------------------------------------------------------------------------------------------------------

const joined = (...facts: (string | null)[]): string => facts.filter((fact) => fact !== null).join(' · ')

function sentence(record: FollowRecord, look: Look): string {
  const { paint } = look
  const clock = paint.dim(timeOfDay(record.at))
  const safe = (text: string) => look.safe(text)
  switch (record.event) {
    case 'run': {
      const served =
        record.work_item_id === null ? '' : ` ${record.work_item_kind ?? 'closure of'} ${record.work_item_id}`
      return `${paint.bold(record.run_id)}${safe(served)} ${coloured(record.state, look)}`
    }
    case 'stage_started':
      return `${clock} ${paint.cyan('▶')} ${paint.bold(record.node_id)} ${paint.dim(joined(record.runner_name, record.model_name))}`
    case 'stage_ended': {
      const mark =
        record.outcome === null ? paint.yellow('■') : record.failure_class ? paint.red('✗') : paint.green('✓')
      const facts = joined(
        record.duration_seconds === null ? null : lasted(record.duration_seconds),
        tokensUsed(record.token_usage),
        record.failure_class,
      )
      return `${clock} ${mark} ${paint.bold(record.node_id)} ${record.outcome ?? 'was cut short'} ${paint.dim(facts)}`
    }
    case 'skipped':
      return paint.dim(
        `           … ${record.count} earlier ${record.count === 1 ? 'event' : 'events'}; --since-start tells them`,
      )
    case 'message':
    case 'output':
      return `${clock}   ${safe(record.text)}`
    case 'reasoning':
      return `${clock}   ${paint.dim(safe(record.text))}`
    case 'retry':
      return `${clock}   ${paint.yellow(`↻ ${safe(record.text)}`)}`
    case 'warning':
      return `${clock}   ${paint.yellow(`! ${safe(record.text)}`)}`
    case 'tool_started':
      return `${clock}   ${paint.cyan('→')} ${safe(record.tool)} ${paint.dim(safe(record.detail))}`
    case 'tool_ended': {
      const mark = record.ok ? paint.green('✓') : paint.red('✗')
      return `${clock}   ${mark} ${safe(record.tool)} ${paint.dim(safe(record.detail))}`
    }
    case 'progress':
      return paint.dim(
        `         ⋯ ${joined(
          `${record.node_id} at work for ${duration(record.elapsed_seconds)}`,
          tokensUsed(record.token_usage),
          record.idle_seconds === null ? null : `last sign of life ${duration(record.idle_seconds)} ago`,
        )}`,
      )
    case 'waiting':
      return `${clock} ${paint.yellow('…')} ${safe(record.reason)}`
  }
}

/** Local time of day, as wide as if there were none. */
function timeOfDay(at: string | null): string {
  const time = at === null ? null : new Date(at)
  if (time === null || Number.isNaN(time.getTime())) return ' '.repeat(8)
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}

function farewell({ end }: FollowEnd, look: Look): string {
  const { paint } = look
  if (end.reason !== 'run_ended') return paint.dim('No longer followed; the run goes on.')
  const facts = joined(`${end.stages} ${end.stages === 1 ? 'stage' : 'stages'}`, tokensUsed(end.token_usage))
  return `${paint.bold(end.run_id ?? '')} ${coloured(end.state ?? '', look)} ${paint.dim(facts)}`
}

// ---- for programs ----------------------------------------------------------------------------------------------------

/** `time place event facts`, the text of others last and quoted. How a stage stands is left to --json. */
function line(record: FollowRecord): string {
  if (record.event === 'progress') return ''
  const { at, run_id, event } = record
  const place = 'node_id' in record ? record.node_id : (run_id ?? 'none')
  return [at ?? 'before', place, event, ...facts(record)].join(' ')
}

function facts(record: FollowRecord): string[] {
  const pair = (key: string, value: string | number | null) => (value === null ? [] : [`${key}=${value}`])
  switch (record.event) {
    case 'run':
      return [`${record.work_item_kind ?? 'closure'}:${record.work_item_id ?? 'none'}`, `state=${record.state}`]
    case 'stage_started':
      return [...pair('runner', record.runner_name), ...pair('model', record.model_name)]
    case 'stage_ended':
      return [
        record.outcome ?? 'none',
        ...pair('failure', record.failure_class),
        ...pair('seconds', record.duration_seconds),
        ...pair('tokens', record.token_usage?.total_tokens ?? null),
      ]
    case 'skipped':
      return [String(record.count)]
    case 'tool_started':
      return [quoted(record.tool), quoted(record.detail)]
    case 'tool_ended':
      return [record.ok ? 'ok' : 'failed', quoted(record.tool), quoted(record.detail)]
    case 'waiting':
      return [quoted(record.reason)]
    case 'progress':
      return []
    default:
      return [quoted(record.text)]
  }
}

const ending = ({ end }: FollowEnd, look: Look): string =>
  [
    look.field('end', end.reason),
    look.field('run_id', end.run_id),
    look.field('state', end.state),
    look.field('stages', end.stages),
    look.field('total_tokens', end.token_usage?.total_tokens),
  ].join('\n')
