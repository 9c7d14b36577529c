/**
 * Health: whether the workspace can be worked in at all: its config, folders, files and assets, and whether the programs
 * of its agents lie where they are looked for. Starts no process and writes nothing, so that it can be asked at any
 * moment; whether those programs start is what doctor finds out.
 */
import type { Config } from '../../core/config.ts'
import type { Operation } from '../../core/operation.ts'
import { nodesOf, type Plan } from '../../core/plan.ts'
import { type Context, placesIn } from '../context.ts'
import type { Finding, HealthOutput, Prerequisite } from '../schemas/doctor.ts'
import { type Examination, examination } from './examination.ts'
import { checkFiles, checkFolders } from './layout.ts'
import { findingsOn, type Probe, probesOf, runnersUsed } from './machine.ts'
import { checkConfig, checkPlan } from './plan.ts'

type Check = HealthOutput['checks'][number]

export const health: Operation<Context, Record<string, never>, HealthOutput> = {
  name: 'health',
  flavour: 'read',
  summary: 'Whether the workspace itself is in order.',
  description:
    'Checks that the config can be read, that every folder and file of the workspace is there, that the mode in force compiles from its assets, and that the programs of its agents are on the PATH. Starts no process and writes nothing; whether those programs start is for `doctor` to say. Exit status 1 if a check fails.',
  input: [],
  examples: [{ command: 'millrace health', does: 'see whether the workspace is in order' }],
  output: async () => (await import('../schemas.ts')).healthSchema(),
  async run(context) {
    const exam = examination(context)
    const { config, findings: ofConfig } = checkConfig(exam)
    const isThere = exam.files.stat(exam.places.runtime) !== null
    const ofPlan = config === null ? null : checkPlan(exam, config)
    const runners = config === null ? null : await lookedFor(exam, config, ofPlan?.plan ?? null)
    const bootstrap = [
      checked('config.load', 'config', 'the config can be read', ofConfig),
      checked('workspace.directories', 'workspace', 'every folder is there', checkFolders(exam)),
      checked('workspace.files', 'workspace', 'every file is there', isThere ? checkFiles(exam) : []),
      ofPlan === null
        ? { ...checked('assets.required', 'assets', NOT_LOOKED_AT, []), status: 'warn' as const }
        : checked('assets.required', 'assets', 'the mode in force compiles', ofPlan.findings),
    ]
    const execution =
      runners === null
        ? { ...checked('execution.runners', 'execution', NOT_LOOKED_AT, []), status: 'fail' as const }
        : checked('execution.runners', 'execution', 'the programs of the agents are there', runners.findings)
    const checks: Check[] = [...bootstrap, execution]
    const count = (status: Check['status']) => checks.filter((check) => check.status === status).length
    const status = count('fail') > 0 ? 'fail' : count('warn') > 0 ? 'warn' : 'pass'
    return {
      workspace: context.workspaceRoot,
      config_path: placesIn(context).at('millrace.toml'),
      config_source_kind: config === null ? 'unresolved' : 'native_toml',
      bundle_version: context.version,
      status,
      ok: status !== 'fail',
      bootstrap_ready: bootstrap.every((check) => check.status !== 'fail'),
      execution_ready: execution.status !== 'fail',
      total_checks: checks.length,
      passed_checks: count('pass'),
      warning_checks: count('warn'),
      failed_checks: count('fail'),
      runner_prerequisites: runners?.prerequisites ?? [],
      checks,
    }
  },
}

const NOT_LOOKED_AT = 'not looked at, because the config cannot be read'

/** The runners that the stages need, looked for without starting anything. */
async function lookedFor({ context }: Examination, config: Config, plan: Plan | null) {
  const probes = await probesOf(context, config, runnersUsed(config, plan), true)
  return {
    findings: probes.flatMap((probe) => findingsOn(probe, true, plan !== null)),
    prerequisites: probes.map((probe) => prerequisite(probe, plan)),
  }
}

function prerequisite(probe: Probe, plan: Plan | null): Prerequisite {
  const nodes = plan === null ? [] : nodesOf(plan).filter((node) => node.runner_name === probe.runner)
  const login = { found: 'ok', missing: 'missing', unknown: 'unknown' } as const
  const [first] = findingsOn(probe, true, plan !== null)
  return {
    runner: probe.runner,
    executable: probe.program ?? null,
    available: probe.ok,
    auth_status: probe.login === undefined ? 'unknown' : login[probe.login.state],
    message: first?.message ?? '',
    resolved_path: probe.binary,
    affected_stage_nodes: nodes.map((node) => node.node_id),
    affected_stages: [...new Set(nodes.map((node) => node.stage_kind_id))],
    details: findingsOn(probe, true, plan !== null).flatMap(({ remedy }) => remedy ?? []),
  }
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
