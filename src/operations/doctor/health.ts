/**
 * Health: whether the workspace can be worked in at all: its config, folders, files and assets. Starts no process and
 * writes nothing, so that it can be asked at any moment; whether agents can be started is what doctor finds out.
 */
import type { Operation } from '../../core/operation.ts'
import { type Context, placesIn } from '../context.ts'
import type { Finding, HealthOutput } from '../schemas/doctor.ts'
import { examination } from './examination.ts'
import { checkFiles, checkFolders } from './layout.ts'
import { checkConfig, checkPlan } from './plan.ts'

type Check = HealthOutput['checks'][number]

export const health: Operation<Context, Record<string, never>, HealthOutput> = {
  name: 'health',
  flavour: 'read',
  summary: 'Whether the workspace itself is in order: config, folders, files, assets.',
  description:
    'Checks that the config can be read, that every folder and file of the workspace is there, and that the mode in force compiles from its assets. Starts no process and writes nothing; whether the programs of the agents can be started is for `doctor` to say. Exit status 1 if a check fails.',
  input: [],
  examples: [{ command: 'millrace health', does: 'see whether the workspace is in order' }],
  output: async () => (await import('../schemas.ts')).healthSchema(),
  async run(context) {
    const exam = examination(context)
    const { config, findings: ofConfig } = checkConfig(exam)
    const isThere = exam.files.stat(exam.places.runtime) !== null
    const checks = [
      checked('config.load', 'config', 'the config can be read', ofConfig),
      checked('workspace.directories', 'workspace', 'every folder is there', checkFolders(exam)),
      checked('workspace.files', 'workspace', 'every file is there', isThere ? checkFiles(exam) : []),
      config === null
        ? {
            ...checked('assets.required', 'assets', '', []),
            status: 'warn' as const,
            message: 'not looked at, because the config cannot be read',
          }
        : checked('assets.required', 'assets', 'the mode in force compiles', checkPlan(exam, config).findings),
    ]
    const count = (status: Check['status']) => checks.filter((check) => check.status === status).length
    const status = count('fail') > 0 ? 'fail' : count('warn') > 0 ? 'warn' : 'pass'
    return {
      workspace: context.workspaceRoot,
      config_path: placesIn(context).at('millrace.toml'),
      status,
      ok: status !== 'fail',
      bootstrap_ready: status !== 'fail',
      total_checks: checks.length,
      passed_checks: count('pass'),
      warning_checks: count('warn'),
      failed_checks: count('fail'),
      checks,
    }
  },
}

/** A check fails with its worst finding; what is merely worth knowing is told, and passes. */
function checked(check_id: string, category: Check['category'], good: string, findings: readonly Finding[]): Check {
  const has = (level: Finding['level']) => findings.some((finding) => finding.level === level)
  const status = has('error') ? 'fail' : has('warning') ? 'warn' : 'pass'
  const worst = findings.filter(({ level }) => level === (status === 'fail' ? 'error' : 'warning'))
  const message = status === 'pass' ? good : (worst[0]?.message ?? good)
  const details = [...new Set(findings.map(told))]
  return { check_id, category, status, message, details }
}

const told = ({ code, path, message, remedy }: Finding): string =>
  `${code}${path === null ? '' : ` ${path}`}: ${message}${remedy === null ? '' : ` (${remedy})`}`
