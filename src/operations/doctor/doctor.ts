/** Doctor: examines the workspace check by check, and mends what is safe to mend. A check that cannot be made is itself a finding. */
import { MillraceError } from '../../core/errors.ts'
import type { Operation } from '../../core/operation.ts'
import type { Context } from '../context.ts'
import { freeableBytes } from '../gc.ts'
import { reading } from '../reading.ts'
import type { DoctorOutput, Finding, Fix } from '../schemas/doctor.ts'
import { type Examination, error, examination } from './examination.ts'
import { LEVELS } from './findings.ts'
import { carryOut, fixesFor } from './fixes.ts'
import { checkDisk, checkFiles, checkFolders, checkLeftovers, checkTemporaries } from './layout.ts'
import { checkLineage } from './lineage.ts'
import { checkEnvironment, checkPlatform, checkRunners } from './machine.ts'
import { checkNotify } from './notify.ts'
import { checkConfig, checkPlan } from './plan.ts'
import { checkQueues } from './queues.ts'
import { checkRescue } from './rescue.ts'
import { checkHeld, checkJournal, checkLock, checkStateFiles, checkStatusFiles } from './state.ts'

interface DoctorInput {
  fix?: boolean
  apply?: boolean
}

export const doctor: Operation<Context, DoctorInput, DoctorOutput> = {
  name: 'doctor',
  flavour: 'perform',
  summary: 'Examine the workspace and say how to mend what is wrong.',
  description:
    'Looks at folders, state, journal, lock, config, plan, queues, lineages and the disk, and whether the agents’ programs start. Every finding says how to mend it. Writes nothing, unless it is told to mend with --fix --apply: then it makes what is missing, takes over a dead lock, finishes what a crash cut off, and removes halves of files; --fix alone says what that would be. What a person has to decide is left alone. Exit status 1 if there is an error.',
  input: [
    { name: 'fix', type: 'flag', description: 'Say what can be mended safely; mend it with --apply.' },
    { name: 'apply', type: 'flag', description: 'With --fix: do it.' },
  ],
  examples: [
    { command: 'millrace doctor', does: 'find out what is wrong' },
    { command: 'millrace doctor --fix', does: 'see what can be mended safely' },
    { command: 'millrace doctor --fix --apply', does: 'mend it' },
  ],
  output: async () => (await import('../schemas.ts')).doctorSchema(),
  async run(context, { fix = false, apply = false }) {
    if (apply && !fix)
      throw new MillraceError('usage', '`millrace doctor` takes --apply only with --fix.', {
        hint: 'see what would be mended with `millrace doctor --fix`',
      })
    const exam = examination(context)
    const found = await examined(context, exam)
    const fixable = fixesFor(exam, found)
    if (!fix) return answer(found, fixable.length, [])
    if (!apply || context.dryRun || fixable.length === 0) return answer(found, fixable.length, fixable)
    const fixes = await carryOut(exam, fixable)
    const again = examination(context)
    const left = await examined(context, again)
    return answer(left, fixesFor(again, left).length, fixes)
  },
}

async function examined(context: Context, exam: Examination): Promise<Finding[]> {
  const { config, findings: ofConfig } = checkConfig(exam)
  const plan = config === null ? null : checkPlan(exam, config)
  return [
    ...(exam.files.stat(exam.places.runtime) === null ? checkFolders(exam) : checkWorkspace(context, exam)),
    ...ofConfig,
    ...(plan?.findings ?? []),
    ...(config === null
      ? []
      : [
          ...(await checkRunners(exam, config, plan?.plan ?? null)),
          ...checkEnvironment(config),
          ...checkNotify(exam, config.notify),
        ]),
    ...(await checkRescue(exam)),
    ...checkPlatform(process.platform),
    ...(await checkDisk(exam, () => freeableBytes(context))),
  ].sort(inOrder)
}

function answer(findings: Finding[], fixable: number, fixes: Fix[]): DoctorOutput {
  const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length
  return { ok: count('error') === 0, errors: count('error'), warnings: count('warning'), findings, fixable, fixes }
}

function checkWorkspace(context: Context, exam: Examination): Finding[] {
  const findings = [
    ...checkFolders(exam),
    ...checkFiles(exam),
    ...checkLeftovers(exam),
    ...checkTemporaries(exam),
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
        ...checkLineage(exam, view),
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
