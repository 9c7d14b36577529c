/** Checks of the machine: whether the programs of the runners are there and start, and what this platform cannot do. */
import type { Config } from '../../core/config.ts'
import type { Plan } from '../../core/plan.ts'
import type { Finding } from '../schemas/doctor.ts'
import { type Examination, remark, warning } from './examination.ts'

/** Probes the runners that the plan uses; without a plan, the default one. */
export async function checkRunners({ context }: Examination, config: Config, plan: Plan | null): Promise<Finding[]> {
  const bound = Object.values(plan?.graphs_by_plane ?? {}).flatMap((graph) =>
    graph.nodes.map((node) => node.runner_name),
  )
  const names = [...new Set(plan === null ? [config.runners.default_runner] : bound)].sort()
  const runners = context.runners(config, context.workspaceRoot)
  const probes = await Promise.all(names.map((name) => runners.get(name)?.probe() ?? null))
  return probes.flatMap((probe) => {
    if (probe === null) return []
    if (!probe.ok) {
      const message = `Runner ${probe.runner}: ${probe.problem ?? 'it cannot be used.'}`
      return [warning('runner_binary_unavailable', { path: probe.binary, message, remedy: probe.remedy })]
    }
    const message = `Runner ${probe.runner} is there${probe.version ? `: ${probe.version}` : ''}.`
    return [remark('runner_available', { path: probe.binary, message })]
  })
}

/** Names of the environment variables that agents get beyond the allow-list; never values. */
export function checkEnvironment(config: Config): Finding[] {
  return (['codex', 'pi', 'command'] as const).flatMap((section) => {
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
