/** How an account reads: one record per fact for programs, a short story for people. */
import type { WhyOutput } from '../../operations/schemas/why.ts'
import type { Look } from '../look.ts'
import { wrap } from '../wrap.ts'
import { quoted } from './quoted.ts'

export function why(output: WhyOutput, look: Look): string {
  return look.terminal ? story(output, look) : record(output, look)
}

function record({ subject, ...output }: WhyOutput, look: Look): string {
  const step = (one: WhyOutput['path'][number]) =>
    `node=${one.node_id} outcome=${one.outcome} to=${one.to} at=${one.at} reason=${quoted(one.reason)}`
  return [
    look.field('subject', `${subject.type} ${subject.id}`),
    look.field('work_item_kind', subject.work_item_kind),
    look.field('state', subject.state),
    look.field('title', subject.title),
    look.field('run_id', subject.run_id),
    look.field('verdict', output.verdict),
    look.field('waits_for', output.waits_for.join(',')),
    ...output.because.map((one) =>
      look.field(
        'because',
        `code=${one.code} at=${one.at ?? 'none'} ${one.path === null ? `event=${one.event}` : `path=${quoted(one.path)}`} fact=${quoted(one.fact)}`,
      ),
    ),
    ...output.next.map((one) =>
      look.field('next', `who=${one.who} when=${one.when ?? 'none'} what=${quoted(one.what)}`),
    ),
    ...output.can.map((command) => look.field('can', command)),
    ...output.path.map((one) => look.field('path', step(one))),
    ...(output.not_taken === null ? [] : [look.field('not_taken', step(output.not_taken))]),
  ].join('\n')
}

function story({ subject, ...output }: WhyOutput, look: Look): string {
  const { paint } = look
  const colour = {
    working: paint.green,
    waiting: paint.yellow,
    looping: paint.red,
    wedged: paint.red,
    finished: paint.green,
  }[output.verdict]
  const waits = output.waits_for.length === 0 ? '' : ` for ${output.waits_for.map((one) => WAITS[one]).join(', ')}`
  const about = subject.type === 'item' ? `${subject.work_item_kind ?? 'item'} ${subject.id}` : subjectWords(subject)
  const title = subject.title === null ? '' : `  ${paint.dim(look.safe(subject.title))}`
  const parts = [
    `${paint.bold(look.safe(about))}: ${colour(output.verdict)}${waits}${title}`,
    section(
      'because',
      output.because.map((one) => fact(one, look)),
      look,
    ),
    section(
      'next',
      output.next.map((one) => next(one, look)),
      look,
    ),
    section(
      'path',
      output.path.map((one) => `${one.node_id} ${paint.dim('──')}${one.outcome}${paint.dim('─▶')} ${one.to}`),
      look,
    ),
    output.not_taken === null
      ? null
      : paint.dim(`not taken: ${output.not_taken.node_id} ──${output.not_taken.outcome}─▶ ${output.not_taken.to}`),
    section(
      'you can',
      output.can.map((command) => paint.cyan(command)),
      { ...look, width: Number.POSITIVE_INFINITY },
    ),
  ]
  return parts.filter((part) => part !== null).join('\n\n')
}

const WAITS: Readonly<Record<WhyOutput['waits_for'][number], string>> = {
  human: 'you',
  approval: 'an approval',
  dependency: 'other work',
  quota: 'quota',
  backoff: 'another try',
  turn: 'its turn',
}

/** The id of a run says that it is one. */
const subjectWords = ({ type, id }: WhyOutput['subject']): string => (type === 'run' ? id : `${type} ${id}`)

function section(title: string, lines: readonly string[], { paint, width }: Look): string | null {
  if (lines.length === 0) return null
  return [paint.dim(title), ...lines.flatMap((line) => wrap(line, width, '  ', '    '))].join('\n')
}

function fact(one: WhyOutput['because'][number], look: Look): string {
  const source = one.path ?? `event ${one.event}`
  const when = one.at === null ? '' : `, ${look.ago(one.at)}`
  return `${look.safe(one.fact)} ${look.paint.dim(`(${look.safe(source)}${when})`)}`
}

function next(one: WhyOutput['next'][number], look: Look): string {
  const when = one.when === null ? '' : ` ${look.paint.dim(`${look.ago(one.when)}, at ${one.when}`)}`
  return `${one.who === 'person' ? look.paint.bold('you') : look.paint.dim(one.who)}: ${look.safe(one.what)}${when}`
}
