/** How the end of a run reads: the blocks of spec 03 §5.1 and §5.2, our own keys after them. */
import type { RunDaemonOutput, RunOnceOutput } from '../../operations/run.ts'
import type { StartOutput } from '../../operations/start.ts'
import type { Look } from '../look.ts'

export function once(output: RunOnceOutput, look: Look): string {
  if (look.terminal) {
    const { paint } = look
    if (output.tick_reason === 'no_work') return 'Nothing to do.'
    const mark = output.failed ? paint.red('✗') : paint.green('✓')
    const classes = [output.result_class, output.failure_class].filter((one) => one !== null && one !== 'success')
    const because = output.message === null ? '' : `\n  ${look.safe(output.message)}`
    return `${mark} ${look.safe(output.tick_reason)}${classes.length > 0 ? paint.dim(` (${classes.join(', ')})`) : ''}${because}`
  }
  return tickLines(output, look).join('\n')
}

export function start(output: StartOutput, look: Look): string {
  if (look.terminal) {
    const { paint } = look
    const mark = output.failed ? paint.red('✗') : output.stages > 0 ? paint.green('✓') : paint.dim('·')
    const because = output.message === null ? '' : `\n  ${look.safe(output.message)}`
    const facts =
      output.stages === 0 ? '' : paint.dim(` (${output.stages} ${output.stages === 1 ? 'stage' : 'stages'})`)
    return `${mark} ${look.safe(output.detail)}${facts}${because}`
  }
  return [
    ...tickLines(output, look),
    look.field('end_reason', output.end_reason),
    look.field('detail', output.detail),
    look.field('stages', output.stages),
    ...output.items.map((item) =>
      look.field('item', `${item.work_item_kind} ${item.work_item_id} state=${item.state} run=${item.run_id}`),
    ),
    ...output.left_queued.map(({ kind, count }) => look.field('left_queued', `${kind} ${count}`)),
  ].join('\n')
}

/** Which plan it ran under. */
const planLines = (output: RunOnceOutput | StartOutput | RunDaemonOutput, { field }: Look): string[] => [
  field('run_mode', output.run_mode),
  field('active_mode_id', output.active_mode_id),
  field('mode_override', output.mode_override),
  field('compiled_plan_id', output.compiled_plan_id),
]

/** And how its last tick went. */
const tickLines = (output: RunOnceOutput | StartOutput, look: Look): string[] => [
  ...planLines(output, look),
  look.field('tick_reason', output.tick_reason),
  look.field('result_class', output.result_class),
  look.field('failure_class', output.failure_class),
  look.field('message', output.message),
]

const ENDS: Readonly<Record<RunDaemonOutput['exit_reason'], string>> = {
  max_ticks: 'the number of ticks asked for is reached',
  idle: 'nothing is left to do',
  stop_requested: 'it was asked to stop',
}

export function daemon(output: RunDaemonOutput, look: Look): string {
  if (look.terminal)
    return `Ended after ${output.ticks} ${output.ticks === 1 ? 'tick' : 'ticks'}: ${output.interrupted ? 'interrupted' : ENDS[output.exit_reason]}.`
  return [
    ...(output.interrupted ? [look.field('interrupted', true)] : []),
    ...planLines(output, look),
    look.field('ticks', output.ticks),
    look.field('exit_reason', output.exit_reason),
  ].join('\n')
}
