/** How findings read: counted lines for programs, grouped with their remedies for people. */
import type { DoctorOutput, Finding, HealthOutput } from '../../operations/schemas/doctor.ts'
import type { Look } from '../look.ts'
import { wrap } from '../wrap.ts'
import { pairs } from './quoted.ts'

export function doctor(output: DoctorOutput, look: Look): string {
  if (look.terminal) return report(output, look)
  return [
    look.field('ok', output.ok),
    look.field('errors', output.errors),
    look.field('warnings', output.warnings),
    ...output.findings.map(({ level, code, path, message, remedy }) =>
      look.field(level, `${code} ${path ?? 'none'} ${message}${remedy ? ` (${remedy})` : ''}`),
    ),
    look.field('fixable', output.fixable),
    ...output.fixes.map(({ code, path, action, applied }) =>
      look.field(applied ? 'fixed' : 'would_fix', `${code} ${path ?? 'none'} ${action}`),
    ),
  ].join('\n')
}

function report(output: DoctorOutput, look: Look): string {
  const { paint } = look
  const verdict = output.ok
    ? output.warnings === 0
      ? `${paint.green('✓')} all is well`
      : `${paint.yellow('!')} it works, with ${counted(output.warnings, 'warning')}`
    : `${paint.red('✗')} ${counted(output.errors, 'error')}${output.warnings > 0 ? `, ${counted(output.warnings, 'warning')}` : ''}`
  return [verdict, ...fixed(output, look), ...output.findings.map((finding) => paragraph(finding, look))].join('\n\n')
}

function fixed({ fixes, fixable }: DoctorOutput, { paint, safe, width }: Look): string[] {
  const lines = fixes.flatMap(({ path, action, applied }) =>
    wrap(safe(`${path ?? ''} ${action}`.trim()), width, `  ${applied ? paint.green('✓') : paint.cyan('·')} `, '    '),
  )
  if (fixes.length > 0) {
    const isDone = fixes.every((one) => one.applied)
    return [[isDone ? 'Mended:' : 'Would be mended, with --fix --apply:', ...lines].join('\n')]
  }
  return fixable === 0 ? [] : [`${counted(fixable, 'finding')} can be mended with \`millrace doctor --fix\``]
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

function paragraph({ level, code, path, message, remedy }: Finding, { paint, safe, width }: Look): string {
  const colour = { error: paint.red, warning: paint.yellow, info: paint.cyan }[level]
  return [
    `${colour(level)} ${paint.bold(code)}${path === null ? '' : paint.dim(` ${safe(path)}`)}`,
    ...wrap(safe(message), width, '  '),
    ...(remedy === null ? [] : wrap(safe(remedy), width, `  ${paint.dim('→')} `, '    ')),
  ].join('\n')
}

export function health(output: HealthOutput, look: Look): string {
  const { checks, runner_prerequisites, ...counts } = output
  if (!look.terminal)
    return [
      ...Object.entries(counts).map(([key, value]) => look.field(key, value)),
      ...checks.map(({ check_id, status, message }) => look.field('check', `${check_id} ${status} ${message}`)),
      ...checks.flatMap(({ check_id, details }) => details.map((one) => look.field('detail', `${check_id} ${one}`))),
      ...runner_prerequisites.map(({ runner, executable, available, auth_status, resolved_path, affected_stages }) =>
        look.field(
          'runner_prerequisite',
          pairs({ runner, executable, available, auth_status, resolved_path, stages: affected_stages.join(',') }),
        ),
      ),
    ].join('\n')
  const { paint, safe, width } = look
  const marks = { pass: paint.green('✓'), warn: paint.yellow('!'), fail: paint.red('✗') }
  return checks
    .flatMap(({ check_id, status, message, details }) => [
      // What is wrong is said once: in the findings, with how to mend it.
      `${marks[status]} ${paint.bold(check_id)}${details.some((one) => one.includes(message)) ? '' : ` ${safe(message)}`}`,
      ...details.flatMap((one) => wrap(safe(one), width, `    ${paint.dim('→')} `, '      ')),
    ])
    .join('\n')
}
