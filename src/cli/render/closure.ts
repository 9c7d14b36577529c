/** How closure targets read. */
import type { ClosureLsOutput, ClosureShowOutput, TargetRow } from '../../operations/schemas/closure.ts'
import type { Look } from '../look.ts'
import { pairs, quoted } from './quoted.ts'

export function ls(output: ClosureLsOutput, look: Look): string {
  return look.terminal ? table(output, look) : lines(output, look)
}

function lines(output: ClosureLsOutput, look: Look): string {
  return [
    look.field('target_count', output.target_count),
    look.field('open_count', output.open_count),
    ...output.targets.map(({ title, held, blocking_work_ids, ...flat }) =>
      look.field(
        'closure_target',
        `${pairs({ ...flat, held_reason: held?.reason ?? null, retry_at: held?.retry_at ?? null, blocking_work_ids: blocking_work_ids.join(',') })} title=${quoted(title)}`,
      ),
    ),
  ].join('\n')
}

function table(output: ClosureLsOutput, look: Look): string {
  const { paint } = look
  if (output.targets.length === 0)
    return paint.dim('No root spec has been taken up yet: a target is opened when one is claimed.')
  const rows = output.targets.map((target) => [
    stateIn(target.state, look),
    look.safe(target.root_spec_id),
    String(target.rounds),
    verdictIn(target.verdict, look),
    look.ago(target.closed_at ?? target.opened_at),
    waiting(target, look),
    look.safe(target.title ?? ''),
  ])
  const columns = [
    { title: 'STATE' },
    { title: 'ROOT SPEC' },
    { title: 'ROUNDS', align: 'right' as const },
    { title: 'VERDICT' },
    { title: 'SINCE' },
    { title: 'WAITS FOR' },
    { title: 'TITLE', flexible: true },
  ]
  const more = output.target_count - output.targets.length
  const left = more > 0 ? [paint.dim(`and ${more} more; --limit 0 shows all`)] : []
  return [look.table(rows, columns), ...left].join('\n')
}

const stateIn = (state: TargetRow['state'], { paint }: Look): string =>
  state === 'closed' ? paint.green(state) : state === 'held' ? paint.red(state) : state

const verdictIn = (verdict: TargetRow['verdict'], { paint }: Look): string =>
  verdict === null ? '–' : verdict === 'pass' ? paint.green(verdict) : paint.yellow(verdict)

function waiting({ held, blocking_work_ids, state }: TargetRow, look: Look): string {
  if (state === 'closed') return ''
  if (held !== null)
    return `${look.safe(held.reason)}${held.retry_at === null ? '' : `, again ${look.ago(held.retry_at)}`}`
  return blocking_work_ids.length === 1
    ? look.safe(blocking_work_ids[0]!)
    : blocking_work_ids.length > 1
      ? `${blocking_work_ids.length} items`
      : ''
}

export function show(output: ClosureShowOutput, look: Look): string {
  return look.terminal ? sheet(output, look) : record(output, look)
}

function record(output: ClosureShowOutput, look: Look): string {
  const { title, held, verdict, judgements, open_work, lineage, blocking_work_ids, deferred_root_specs, ...flat } =
    output
  return [
    look.field('title', title),
    ...Object.entries(flat).map(([key, value]) => look.field(key, value)),
    look.field('held', held && pairs({ ...held })),
    ...blocking_work_ids.map((id) => look.field('blocking_work_id', id)),
    look.field('verdict', verdict?.verdict),
    look.field('verdict_fault', verdict?.fault),
    look.field('verdict_summary', verdict?.summary),
    ...(verdict?.criteria ?? []).map((one) =>
      look.field(
        'criterion',
        `${pairs({ id: one.id, result: one.result })} text=${quoted(one.text)} evidence=${quoted(one.evidence)}`,
      ),
    ),
    ...judgements.map((one) => look.field('judgement', pairs({ ...one }))),
    ...open_work.map(({ title: heading, ...one }) =>
      look.field('open_work', `${pairs({ ...one })} title=${quoted(heading)}`),
    ),
    look.field('lineage', pairs({ ...lineage })),
    ...deferred_root_specs.map((id) => look.field('deferred_root_spec', id)),
  ].join('\n')
}

function sheet(output: ClosureShowOutput, look: Look): string {
  const { paint } = look
  const head = [
    `${paint.bold(look.safe(output.title ?? output.root_spec_id))}`,
    `${paint.dim(look.safe(output.root_spec_id))} ${stateIn(output.state, look)}, judged ${output.rounds} ${output.rounds === 1 ? 'time' : 'times'}, opened ${look.ago(output.opened_at)}${output.closed_at === null ? '' : `, closed ${look.ago(output.closed_at)}`}`,
    ...(output.held === null
      ? []
      : [
          paint.red(
            `held: ${look.safe(output.held.reason)}${output.held.retry_at === null ? '' : `, judged again ${look.ago(output.held.retry_at)}`}`,
          ),
        ]),
    ...output.deferred_root_specs.map((id) => paint.yellow(`${look.safe(id)} waits for it`)),
  ]
  const verdict =
    output.verdict === null
      ? []
      : [
          `${paint.bold('Verdict')} ${verdictIn(output.verdict.verdict, look)}`,
          ...(output.verdict.fault === null ? [] : [paint.red(look.safe(output.verdict.fault))]),
          ...output.verdict.criteria.flatMap((one) => [
            `  ${one.result === 'pass' ? paint.green('✓') : one.result === 'fail' ? paint.red('✗') : paint.yellow('?')} ${look.safe(`${one.id} ${one.text}`)}`,
            ...one.evidence.map((evidence) => paint.dim(`      ${look.safe(evidence)}`)),
          ]),
          ...(output.verdict.summary ? [look.safe(output.verdict.summary)] : []),
        ]
  const work = output.open_work.map(
    (one) => `  ${one.work_item_kind} ${look.safe(one.work_item_id)} ${one.state} ${paint.dim(look.safe(one.title))}`,
  )
  const rounds = output.judgements.map(
    (one) => `  ${look.ago(one.judged_at)} ${one.outcome} ${paint.dim(look.safe(one.report_path))}`,
  )
  const { lineage } = output
  const counts = Object.entries(lineage)
    .filter(([, amount]) => amount > 0)
    .map(([state, amount]) => `${amount} ${state}`)
  const foot = [
    look.field('lineage', counts.join(', ')),
    look.field('spec', output.root_spec_path),
    look.field('rubric', output.rubric_path),
    look.field('verdict', output.latest_verdict_path),
    look.field('report', output.latest_report_path),
  ]
  return [
    head,
    verdict,
    work.length === 0 ? [] : [paint.bold('Waits for'), ...work],
    rounds.length === 0 ? [] : [paint.bold('Judgements'), ...rounds],
    foot,
  ]
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')
}
