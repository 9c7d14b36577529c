/** Doctor: examines the workspace check by check. Writes nothing; a check that cannot be made is itself a finding. */
import { MillraceError } from '../../core/errors.ts'
import type { Operation } from '../../core/operation.ts'
import type { Context } from '../context.ts'
import { reading } from '../reading.ts'
import { type DoctorOutput, type Finding, LEVELS } from '../schemas/doctor.ts'
import { error, examination } from './examination.ts'
import { checkDisk, checkFiles, checkFolders, checkLeftovers } from './layout.ts'
import { checkEnvironment, checkPlatform, checkRunners } from './machine.ts'
import { checkNotify } from './notify.ts'
import { checkConfig, checkPlan } from './plan.ts'
import { checkQueues } from './queues.ts'
import { checkRescue } from './rescue.ts'
import { checkHeld, checkJournal, checkLock, checkStateFiles, checkStatusFiles } from './state.ts'

export const doctor: Operation<Context, Record<string, never>, DoctorOutput> = {
  name: 'doctor',
  flavour: 'read',
  summary: 'Examine the workspace and say how to mend what is wrong.',
  description:
    'Looks at folders, state, journal, lock, config, plan, queues, and whether the agents’ programs start. Mends nothing and writes nothing; every finding says how to mend it. Exit status 1 if there is an error.',
  input: [],
  examples: [{ command: 'millrace doctor', does: 'find out what is wrong' }],
  output: async () => (await import('../schemas.ts')).doctorSchema(),
  async run(context) {
    const exam = examination(context)
    const { config, findings: ofConfig } = checkConfig(exam)
    const examined = config === null ? null : checkPlan(exam, config)
    const findings = [
      ...(exam.files.stat(exam.places.runtime) === null ? checkFolders(exam) : checkWorkspace(context, exam)),
      ...ofConfig,
      ...(examined?.findings ?? []),
      ...(config === null
        ? []
        : [
            ...(await checkRunners(exam, config, examined?.plan ?? null)),
            ...checkEnvironment(config),
            ...checkNotify(exam, config.notify),
          ]),
      ...(await checkRescue(exam)),
      ...checkPlatform(process.platform),
      ...checkDisk(exam),
    ].sort(inOrder)
    const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length
    return { ok: count('error') === 0, errors: count('error'), warnings: count('warning'), findings }
  },
}

function checkWorkspace(context: Context, exam: ReturnType<typeof examination>): Finding[] {
  const findings = [
    ...checkFolders(exam),
    ...checkFiles(exam),
    ...checkLeftovers(exam),
    ...checkStateFiles(exam),
    ...checkStatusFiles(exam),
    ...checkJournal(exam),
    ...checkLock(exam),
  ]
  try {
    return [
      ...findings,
      ...reading(context, (view, files) => [
        ...checkHeld(view.snapshot, view.targets),
        ...checkQueues({ ...exam, files }, view),
      ]),
    ]
  } catch (cause) {
    if (!MillraceError.is(cause)) throw cause
    // Usually told already, by the file that is the cause.
    if (findings.some((finding) => finding.level === 'error')) return findings
    return [...findings, error('state_unreadable', { message: cause.message, remedy: cause.hint ?? null })]
  }
}

function inOrder(a: Finding, b: Finding): number {
  const key = ({ level, path, code, message }: Finding) => [LEVELS.indexOf(level), path ?? '', code, message] as const
  const [x, y] = [key(a), key(b)]
  const at = x.findIndex((part, index) => part !== y[index])
  return at < 0 ? 0 : x[at]! < y[at]! ? -1 : 1
}
