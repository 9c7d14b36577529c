/** How the end of the demo reads; its story was told while it happened. */
import type { DemoOutput } from '../../operations/demo.ts'
import type { Look } from '../look.ts'

export function demo(output: DemoOutput, look: Look): string {
  if (look.terminal) return ending(output, look)
  return [
    look.field('project', output.project),
    look.field('runner', output.runner),
    look.field('ran', output.ran),
    look.field('interrupted', output.interrupted),
    look.field('spec_id', output.spec_id),
    look.field('closed', output.closed),
    look.field('tests_green', output.tests_green),
    look.field('duration_seconds', output.duration_seconds),
    ...output.stages.map((stage) => `stage: ${stage.stage} ${stage.outcome} ${stage.seconds}`),
    ...output.runs.map((run) => look.field('run', run)),
    look.field('report', output.report),
  ].join('\n')
}

function ending(
  { project, ran, closed, tests_green, duration_seconds, stages, report }: DemoOutput,
  { paint }: Look,
): string {
  if (!ran) return `\nRun it with: ${paint.bold(`cd ${project} && millrace run daemon --stop-when-idle`)}`
  const mark = closed && tests_green ? paint.green('✓') : paint.red('✗')
  return [
    '',
    `${mark} the spec is ${closed ? 'closed' : 'not closed'}, the tests are ${tests_green ? 'green' : 'not green'}: ${stages.length} stages in ${duration_seconds} s`,
    `  project  ${project}`,
    ...(report === null ? [] : [`  report   ${report}`]),
    `  look at  ${paint.bold(`cd ${project} && millrace runs ls`)}`,
  ].join('\n')
}
