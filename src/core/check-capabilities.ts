/** Whether every node may have what it requires. Pure; findings only, each saying how to mend it. */
import type { ExecutionCapabilitiesConfig } from './capability.ts'
import type { BoundNode } from './check-mode.ts'
import type { Findings } from './diagnostics.ts'

export function checkCapabilities(
  nodes: readonly BoundNode[],
  config: ExecutionCapabilitiesConfig,
  findings: Findings,
): void {
  const isAdvisoryEnough = config.allow_advisory_grants && !config.fail_required_advisory
  for (const { node, path, at } of nodes) {
    for (const { capability_id, decision, enforcement, origin } of node.grants) {
      const needs = `${node.stage_kind_id} requires ${capability_id} (${origin})`
      const key = `execution_capabilities.defaults."${capability_id}"`
      if (decision === 'denied')
        findings.error(
          'CAPABILITY_DENIED',
          path,
          at,
          `${needs}, which is denied; allow it with ${key}, or require less`,
        )
      else if (enforcement === 'advisory' && !isAdvisoryEnough)
        findings.error(
          'CAPABILITY_NOT_ENFORCED',
          path,
          at,
          `${needs}, which is allowed without anything that enforces it; set ${key} = "approval_required", or accept advisory grants`,
        )
    }
  }
}
