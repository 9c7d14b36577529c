/** Checks of the machine: whether the programs of the runners are there, start and have a login; what the platform lacks. */
import { Config } from '../../core/config.ts'
import { nodesOf, type Plan } from '../../core/plan.ts'
import type { Context } from '../context.ts'
import type { Finding } from '../schemas/doctor.ts'
import { type Examination, error, remark, warning } from './examination.ts'

export type Probe = Awaited<ReturnType<NonNullable<ReturnType<ReturnType<Context['runners']>['get']>>['probe']>>

/**
 * Probes the runners that the plan uses (without a plan, the default one) and those somebody configured. Nothing is
 * sent to anybody.
 */
export async function checkRunners({ context }: Examination, config: Config, plan: Plan | null): Promise<Finding[]> {
  const used = runnersUsed(config, plan)
  const names = [...new Set([...used, ...configuredRunners(config)])].sort()
  const probes = await probesOf(context, config, names, false)
  return probes.flatMap((probe) => findingsOn(probe, used.includes(probe.runner), plan !== null))
}

/** Runners whose programs the plan needs; without a plan, the default one. */
export const runnersUsed = (config: Config, plan: Plan | null): string[] =>
  plan === null ? [config.runners.default_runner] : [...new Set(nodesOf(plan).map((node) => node.runner_name))].sort()

/** `lookOnly`: starts nothing. */
export async function probesOf(
  context: Context,
  config: Config,
  names: readonly string[],
  lookOnly: boolean,
): Promise<Probe[]> {
  const runners = context.runners(config, context.workspaceRoot)
  const probes = await Promise.all(names.map((name) => runners.get(name)?.probe(lookOnly) ?? null))
  return probes.flatMap((probe) => probe ?? [])
}

/** A plan cannot be run without the runners of its stages; what no stage uses is no trouble. `isCertain`: there is a plan. */
export function findingsOn(probe: Probe, isUsed: boolean, isCertain: boolean): Finding[] {
  const { runner, binary, version, login } = probe
  const grave = !isUsed ? remark : isCertain ? error : warning
  const unused = isUsed || !isCertain ? '' : ' No stage uses it.'
  if (!probe.ok) {
    const message = `Runner ${runner}: ${probe.problem ?? 'it cannot be used.'}${unused}`
    return [grave('runner_binary_unavailable', { path: binary, message, remedy: probe.remedy })]
  }
  const how = {
    found: ` Its login: ${login?.detail}; whether it is valid shows with the first stage.`,
    unknown: ` Whether it is logged in cannot be seen: ${login?.detail}.`,
    missing: '',
  }
  const message = `Runner ${runner} is there${version ? `: ${version}` : ''}.${login ? how[login.state] : ''}${unused}`
  const there = remark('runner_available', { path: binary, message })
  if (login?.state !== 'missing') return [there]
  const said = {
    path: binary,
    message: `Runner ${runner} has nothing to log in with: there is ${login.detail}.${unused}`,
  }
  return [there, grave('runner_login_missing', { ...said, remedy: LOGIN_REMEDIES[runner] ?? null })]
}

const LOGIN_REMEDIES: Readonly<Record<string, string>> = {
  codex_cli: 'log in with `codex login`, or set CODEX_API_KEY in the environment of Millrace',
  claude_code: 'log in with `claude`, or set ANTHROPIC_API_KEY in the environment of Millrace',
  pi_rpc: 'log in with `/login` in `pi`, or set the key of the provider in the environment of Millrace',
}

/** Sections of the config, below `runners`, that hold how the program of a runner is started. */
const SECTIONS = { codex: 'codex_cli', pi: 'pi_rpc', claude: 'claude_code', acp: 'acp', command: 'command' } as const
const SECTION_NAMES = Object.keys(SECTIONS) as (keyof typeof SECTIONS)[]

/** Runners of which the config says anything but the defaults. */
function configuredRunners(config: Config): string[] {
  const fresh = Config.parse({}).runners
  const sections = SECTION_NAMES.filter(
    (name) => JSON.stringify(config.runners[name]) !== JSON.stringify(fresh[name]),
  ).map((name) => SECTIONS[name])
  return [...sections, ...Object.keys(config.runners.modules)]
}

/** Names of the environment variables that agents get beyond the allow-list; never values. */
export function checkEnvironment(config: Config): Finding[] {
  return SECTION_NAMES.flatMap((section) => {
    const { env, env_pass } = config.runners[section]
    const names = [...new Set([...Object.keys(env), ...env_pass])].sort()
    if (names.length === 0) return []
    const message = `Agents of runners.${section} are given these environment variables as well: ${names.join(', ')}.`
    return [remark('runner_environment', { message })]
  })
}

export function checkPlatform(platform: string): Finding[] {
  if (platform !== 'darwin') return []
  const message =
    'On macOS a process that drops its environment, or belongs to another user, cannot be told to be part of a stage: stopping may miss it.'
  return [remark('platform_weaker_sweep', { message })]
}
