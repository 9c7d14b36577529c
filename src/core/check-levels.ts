/**
 * Permission levels of a plan: one that the runner of a node cannot be held to is refused here, before an agent is
 * started that may do more than was meant. Pure; findings only.
 */
import type { Parsed } from './assets.ts'
import { type BoundNode, CONFIG_FILE } from './check-mode.ts'
import type { Config } from './config.ts'
import type { Findings } from './diagnostics.ts'
import type { Mode } from './mode.ts'
import { honouredLevels, permissionInForce, runnersHonouring } from './permission.ts'

/** Each is told once, at the place where the level is set. */
export function checkLevels(bound: readonly BoundNode[], mode: Parsed<Mode>, config: Config, findings: Findings): void {
  const told = new Set<string>()
  for (const { node, path, at } of bound) {
    const honoured = honouredLevels(node.runner_name)
    const inForce = permissionInForce(config, node)
    if (honoured === null || inForce === null || honoured.includes(inForce.level)) continue
    const { level, origin } = inForce
    const fromMode = node.origins.permission_level !== 'node'
    const [file, place] =
      origin !== 'stage'
        ? [CONFIG_FILE, origin]
        : fromMode
          ? [mode.file.path, `stage_permission_bindings.${node.stage_kind_id}`]
          : [path, at]
    const key = `${file} ${place} ${node.runner_name}`
    if (told.has(key)) continue
    told.add(key)
    findings.error(
      'PERMISSION_NOT_HONOURED',
      file,
      place,
      `node ${node.node_id} would run at permission level ${level}, but runner ${node.runner_name} can only be held to ${honoured.join(' or ')}; set ${honoured.join(' or ')} here, or bind the stage to ${runnersHonouring(level).join(', ')}`,
    )
  }
}
