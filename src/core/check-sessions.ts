/** Nodes that go on with the session of another one: it must be a node of the same loop that runs the same harness. Pure. */
import type { Parsed } from './assets.ts'
import type { BoundNode } from './check-mode.ts'
import type { Findings } from './diagnostics.ts'
import type { Mode } from './mode.ts'
import { nearest } from './nearest.ts'
import { continuesSessions } from './session.ts'

/** `bound`: the nodes of one loop. */
export function checkSessions(bound: readonly BoundNode[], mode: Parsed<Mode>, findings: Findings): void {
  const nodes = new Map(bound.map(({ node }) => [node.node_id, node]))
  for (const { node, path, at } of bound) {
    const other = node.continues_session_of
    if (other === null) continue
    const isOwn = node.origins.continues_session_of === 'node'
    const file = isOwn ? path : mode.file.path
    const place = isOwn ? at : `stage_session_bindings.${node.stage_kind_id}`
    const wish = `node ${node.node_id} goes on with the session of ${other}`
    const source = nodes.get(other)
    if (source === undefined || other === node.node_id) {
      const near = nearest(other, [...nodes.keys()])
      const mend = near && near !== node.node_id ? `did you mean ${near}?` : 'name another, or remove it'
      const lack = source === undefined ? 'is no node of its loop' : 'is the node itself'
      findings.error('LOOP_DANGLING_REF', file, place, `${wish}, which ${lack}; ${mend}`)
    } else if (source.runner_name !== node.runner_name) {
      const runners = `${node.runner_name} and ${source.runner_name}`
      findings.error(
        'SESSION_NOT_CONTINUED',
        file,
        place,
        `${wish}, but they run on ${runners}; bind both to one runner, or remove it`,
      )
    } else if (!continuesSessions(node.runner_name)) {
      const mend = 'it gets an account of that work in its prompt instead; remove it, or bind both to another runner'
      findings.warn(
        'SESSION_NOT_CONTINUED',
        file,
        place,
        `${wish}, which runner ${node.runner_name} cannot do; ${mend}`,
      )
    }
  }
}
