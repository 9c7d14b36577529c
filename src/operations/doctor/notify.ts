/** Checks of `[notify]`: whether what its rules name is there. Nothing is sent; `notify test` does that. */
import * as path from 'node:path'
import type { Notify, NotifyRule } from '../../core/notify-config.ts'
import { addressOf } from '../../engine/notify.ts'
import { deliveryIds } from '../../store/deliveries.ts'
import { AT, deliveryFolder } from '../../store/layout.ts'
import type { Finding } from '../schemas/doctor.ts'
import { type Examination, named, remark, warning } from './examination.ts'

export function checkNotify(exam: Examination, notify: Notify): Finding[] {
  return [
    ...Object.entries(notify.rules).flatMap(([name, rule]) => checkRule(exam, notify, `notify.rules.${name}`, rule)),
    ...givenUp(exam),
  ]
}

function checkRule(exam: Examination, { hosts }: Notify, name: string, rule: NotifyRule): Finding[] {
  const file = named(exam, AT.config)
  const { environment } = exam.context
  if (rule.command !== undefined) {
    const [program = ''] = rule.command
    if (isThere(exam, program)) return []
    const message = `${name}: there is no program ${program}.`
    const remedy = 'install it, or name another in millrace.toml; a path is relative to the workspace'
    return [warning('notify_command_missing', { path: file, message, remedy })]
  }
  const address = addressOf(rule, hosts, environment)
  const unset = Object.values(rule.headers).filter((variable) => !environment[variable])
  return [
    ...('problem' in address
      ? [
          warning('notify_address_unusable', {
            path: file,
            message: `${name}: ${address.problem}.`,
            remedy: 'set the variable in the environment of the daemon, or name the host in notify.hosts',
          }),
        ]
      : []),
    ...unset.map((variable) =>
      warning('notify_variable_missing', {
        path: file,
        message: `${name}: the environment variable ${variable} is not set here.`,
        remedy: 'set it in the environment of the daemon (docs/daemon.md)',
      }),
    ),
  ]
}

/** Whether the program is where it will be looked for. */
function isThere({ files, context, places }: Examination, program: string): boolean {
  const folders = program.includes('/') ? [''] : (context.environment.PATH ?? '').split(':')
  return folders.some((folder) => files.realpath(path.resolve(places.root, folder, program)) !== null)
}

function givenUp(exam: Examination): Finding[] {
  const { length } = deliveryIds(exam.files, exam.places, 'failed')
  if (length === 0) return []
  const message = `Notifications that were given up: ${length}.`
  const remedy = 'see them with `millrace notify ls`, and send one again with `millrace notify retry ID`'
  return [remark('delivery_failed', { path: named(exam, deliveryFolder('failed')), message, remedy })]
}
