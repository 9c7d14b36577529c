/** What agents may do without asking, stage by stage, in plain words. */
import type { Config } from '../../core/config.ts'
import { honouredLevels, permissionInForce } from '../../core/permission.ts'
import { nodesOf, type Plan } from '../../core/plan.ts'
import type { PermissionLevel } from '../../core/stage.ts'
import { AT, RUNTIME_ROOT } from '../../store/layout.ts'
import type { Finding } from '../schemas/doctor.ts'
import { remark, warning } from './examination.ts'

const MAXIMUM =
  'the agent runs without a sandbox and never asks: it may do anything your user may, on this machine and over its network'

/** What a level means depends on who has to keep to it. */
const MEANINGS: Readonly<Record<string, Readonly<Record<PermissionLevel, string>>>> = {
  codex_cli: {
    basic:
      'the agent works in the sandbox of Codex: it writes in the workspace and in temporary folders, without network',
    elevated: 'the agent works without a sandbox: it may change any file your user may, and use the network',
    maximum: MAXIMUM,
  },
  claude_code: {
    basic: 'the agent may read, and edit files of the workspace; whatever else it would have to ask for is denied',
    elevated: 'the agent may also run any command and use the network, without being asked, and without a sandbox',
    maximum: MAXIMUM,
  },
  acp: {
    basic:
      'what the agent asks for is granted where it only looks, or edits files of the workspace, and denied otherwise; what it does without asking is up to its own configuration',
    elevated:
      'whatever the agent asks for is granted, each time for once; what it does without asking is up to its own configuration',
    maximum: MAXIMUM,
  },
}

/** One finding for each runner and level in force. */
export function checkPermissions(config: Config, plan: Plan): Finding[] {
  const stages = new Map<string, { runner: string; level: PermissionLevel; nodes: string[]; origins: Set<string> }>()
  for (const node of nodesOf(plan)) {
    const inForce = permissionInForce(config, node)
    if (inForce === null) continue
    const key = `${node.runner_name} ${inForce.level}`
    const one = stages.get(key) ?? { runner: node.runner_name, level: inForce.level, nodes: [], origins: new Set() }
    one.nodes.push(node.node_id)
    one.origins.add(inForce.origin === 'stage' ? (node.origins.permission_level ?? 'the plan') : inForce.origin)
    stages.set(key, one)
  }
  return [...stages.values()].map(({ runner, level, nodes, origins }) =>
    remark('permission_posture', {
      path: `${RUNTIME_ROOT}/${AT.config}`,
      message: `Runner ${runner}, permission level ${level} (${[...origins].sort().join(', ')}), for ${nodes.join(', ')}: ${MEANINGS[runner]?.[level] ?? MAXIMUM}.`,
      remedy: level === 'maximum' ? lessThanMaximum(runner, origins) : null,
    }),
  )
}

/** Claude Code does not start as root at the level `maximum`, unless it is told that the machine is a sandbox. */
export function checkRoot(
  config: Config,
  plan: Plan,
  { isRoot, environment }: { isRoot: boolean; environment: Readonly<Record<string, string | undefined>> },
): Finding[] {
  const { env, env_pass } = config.runners.claude
  const isSandbox = env.IS_SANDBOX ?? (env_pass.includes('IS_SANDBOX') ? environment.IS_SANDBOX : undefined)
  const nodes = nodesOf(plan).filter(
    (node) => node.runner_name === 'claude_code' && permissionInForce(config, node)?.level === 'maximum',
  )
  if (!isRoot || isSandbox === '1' || nodes.length === 0) return []
  return [
    warning('runner_refuses_root', {
      message: `You are root, and Claude Code refuses the permission level maximum as root: ${nodes.map((node) => node.node_id).join(', ')} cannot start.`,
      remedy:
        'set IS_SANDBOX = "1" in runners.claude.env if this machine is a sandbox, or runners.claude.permission_default = "elevated"',
    }),
  ]
}

function lessThanMaximum(runner: string, origins: ReadonlySet<string>): string {
  const [key] = [...origins].filter((origin) => /^(runners|stages)\./.test(origin))
  const isChoice = (honouredLevels(runner)?.length ?? 0) > 1
  if (!isChoice)
    return `${runner} has no other level: run Millrace in a container for less, or bind the stages to another runner`
  return `set ${key ?? 'it'} to basic or elevated for less, or run Millrace in a container`
}
