/**
 * Total-graph validation of one loop: every reference resolves, every legal outcome of every node leads somewhere,
 * every node can be reached and can end. Pure; findings only.
 */
import type { Parsed } from './assets.ts'
import type { Findings } from './diagnostics.ts'
import type { Loop } from './loop.ts'
import { OVERRIDES, type StageKind } from './stage.ts'

type Kinds = ReadonlyMap<string, Parsed<StageKind>>

export function checkLoop(loop: Loop, path: string, kinds: Kinds, findings: Findings): void {
  const nodes = new Map(loop.nodes.map((node) => [node.node_id, node]))
  const terminals = new Set(loop.terminal_states.map((terminal) => terminal.terminal_state_id))
  const policies = loop.dynamic_policies
  checkUnique(loop, path, findings)
  checkNodes(loop, path, kinds, findings)

  const kindOf = (nodeId: string) => kinds.get(nodes.get(nodeId)?.stage_kind_id ?? '')?.value
  const needNode = (id: string | undefined, at: string) => {
    if (id !== undefined && !nodes.has(id)) findings.error('LOOP_DANGLING_REF', path, at, `node ${id} is not defined in ${loop.loop_id}`)
  }
  const needTerminal = (id: string | undefined, at: string) => {
    if (id !== undefined && !terminals.has(id)) findings.error('LOOP_DANGLING_REF', path, at, `terminal state ${id} is not defined in ${loop.loop_id}`)
  }
  const needOutcome = (nodeId: string, outcome: string, at: string) => {
    const kind = kindOf(nodeId)
    if (kind && !kind.legal_outcomes.includes(outcome)) {
      findings.error('EDGE_ILLEGAL_OUTCOME', path, at, `${outcome} is no outcome of ${kind.stage_kind_id}; it has ${kind.legal_outcomes.join(', ')}`)
    }
  }

  loop.entry_nodes.forEach((entry, index) => {
    const at = `entry_nodes.${index}`
    needNode(entry.node_id, at)
    const kind = kindOf(entry.node_id)
    const startable = kind && (entry.entry_key === 'closure_target' ? kind.closure_role : kind.can_start.includes(entry.entry_key))
    if (kind && !startable) {
      findings.error('ENTRY_NOT_STARTABLE', path, at, `${kind.stage_kind_id} cannot start ${entry.entry_key}; add it to can_start or enter elsewhere`)
    }
  })
  loop.edges.forEach((edge, index) => {
    const at = `edges.${index} ${edge.edge_id}`
    needNode(edge.from_node_id, at)
    needNode(edge.to_node_id, at)
    needTerminal(edge.terminal_state_id, at)
    for (const outcome of edge.on_outcomes) needOutcome(edge.from_node_id, outcome, at)
    const targets = Number(edge.to_node_id !== undefined) + Number(edge.terminal_state_id !== undefined)
    if (targets !== 1) findings.error('EDGE_TARGET_SHAPE', path, at, 'give exactly one of to_node_id and terminal_state_id')
    else if ((edge.kind === 'terminal') !== (edge.terminal_state_id !== undefined)) findings.error('EDGE_TARGET_SHAPE', path, at, 'kind "terminal" goes with terminal_state_id, and only with it')
    if ((edge.kind === 'retry') !== (edge.max_attempts !== undefined)) findings.error('EDGE_TARGET_SHAPE', path, at, 'max_attempts goes with kind "retry", and only with it')
  })
  policies.resume_policies.forEach((policy, index) => {
    const at = `resume_policies.${index} ${policy.policy_id}`
    needNode(policy.source_node_id, at)
    needNode(policy.default_target_node_id, at)
    for (const id of policy.disallowed_target_node_ids) needNode(id, at)
    needOutcome(policy.source_node_id, policy.on_outcome, at)
  })
  const policyIds = new Set(policies.threshold_policies.map((policy) => policy.policy_id))
  policies.threshold_policies.forEach((policy, index) => {
    const at = `threshold_policies.${index} ${policy.policy_id}`
    for (const id of policy.source_node_ids) {
      needNode(id, at)
      needOutcome(id, policy.on_outcome, at)
    }
    needNode(policy.exhausted_target_node_id, at)
    needTerminal(policy.exhausted_terminal_state_id, at)
    if ((policy.exhausted_target_node_id === undefined) === (policy.exhausted_terminal_state_id === undefined)) {
      findings.error('EDGE_TARGET_SHAPE', path, at, 'give exactly one of exhausted_target_node_id and exhausted_terminal_state_id')
    }
    const toward = policy.exhausted_counts_toward
    if (toward !== undefined && (!policyIds.has(toward) || toward === policy.policy_id)) {
      findings.error('LOOP_DANGLING_REF', path, at, `exhausted_counts_toward names ${toward}, which is no other policy of ${loop.loop_id}`)
    }
  })
  checkCompletion(loop, path, terminals, kindOf, needNode, findings)
  checkOutcomesLead(loop, path, kindOf, findings)
  checkReachable(loop, path, findings)
  checkEnds(loop, path, findings)
}

function checkUnique(loop: Loop, path: string, findings: Findings): void {
  const once = (ids: string[], what: string) => {
    for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index))) findings.error('LOOP_DUPLICATE', path, what, `${what} ${id} is defined twice`)
  }
  once(loop.nodes.map((node) => node.node_id), 'node')
  once(loop.edges.map((edge) => edge.edge_id), 'edge')
  once(loop.terminal_states.map((terminal) => terminal.terminal_state_id), 'terminal state')
  once(loop.entry_nodes.map((entry) => `${entry.entry_key}${entry.when ? ` ${entry.when.field}=${entry.when.equals}` : ''}`), 'entry')
  once([...loop.dynamic_policies.resume_policies, ...loop.dynamic_policies.threshold_policies].map((policy) => policy.policy_id), 'policy')
}

function checkNodes(loop: Loop, path: string, kinds: Kinds, findings: Findings): void {
  loop.nodes.forEach((node, index) => {
    const at = `nodes.${index} ${node.node_id}`
    const kind = kinds.get(node.stage_kind_id)?.value
    if (!kind) {
      findings.error('NODE_UNKNOWN_STAGE_KIND', path, at, `stage kind ${node.stage_kind_id} does not exist; add registry/stage_kinds/${loop.plane}/${node.stage_kind_id}.json`)
      return
    }
    if (kind.plane !== loop.plane) findings.error('NODE_PLANE_MISMATCH', path, at, `stage kind ${kind.stage_kind_id} belongs to plane ${kind.plane}, the loop to ${loop.plane}`)
    for (const override of OVERRIDES) {
      const set = override === 'attached_skill_additions' ? node.attached_skill_additions.length > 0 : node[override] !== undefined
      if (set && !kind.allowed_overrides.includes(override)) findings.error('NODE_OVERRIDE_NOT_ALLOWED', path, at, `${kind.stage_kind_id} does not allow a node to override ${override}`)
    }
  })
}

function checkCompletion(loop: Loop, path: string, terminals: Set<string>, kindOf: (id: string) => StageKind | undefined, needNode: (id: string, at: string) => void, findings: Findings): void {
  const completion = loop.completion_behavior
  if (!completion) return
  const at = 'completion_behavior'
  needNode(completion.target_node_id, at)
  for (const id of [completion.on_pass_terminal_state_id, completion.on_gap_terminal_state_id]) {
    if (!terminals.has(id)) findings.error('LOOP_DANGLING_REF', path, at, `terminal state ${id} is not defined in ${loop.loop_id}`)
  }
  if (completion.on_pass_terminal_state_id === completion.on_gap_terminal_state_id) findings.error('COMPLETION_PASS_EQUALS_GAP', path, at, 'pass and gap must end in different terminal states')
  const kind = kindOf(completion.target_node_id)
  if (kind && !kind.closure_role) findings.error('COMPLETION_NOT_CLOSURE_STAGE', path, at, `${kind.stage_kind_id} has no closure_role`)
}

function checkOutcomesLead(loop: Loop, path: string, kindOf: (id: string) => StageKind | undefined, findings: Findings): void {
  for (const node of loop.nodes) {
    for (const outcome of kindOf(node.node_id)?.legal_outcomes ?? []) {
      const edges = loop.edges.filter((edge) => edge.from_node_id === node.node_id && edge.on_outcomes.includes(outcome))
      const resumes = loop.dynamic_policies.resume_policies.some((policy) => policy.source_node_id === node.node_id && policy.on_outcome === outcome)
      if (edges.length === 0 && !resumes) {
        findings.error('LOOP_MISSING_EDGE', path, node.node_id, `outcome ${outcome} of node ${node.node_id} leads nowhere; add an edge for it`)
      }
      const best = Math.min(...edges.map((edge) => edge.priority))
      const rivals = edges.filter((edge) => edge.priority === best)
      if (rivals.length > 1) findings.error('LOOP_AMBIGUOUS_EDGE', path, node.node_id, `${rivals.map((edge) => edge.edge_id).join(' and ')} both claim ${outcome}; give one a lower priority number`)
    }
  }
}

/** Nodes and terminal states each node may lead to, by edges and policies. */
function successors(loop: Loop): Map<string, { nodes: Set<string>; ends: boolean }> {
  const from = new Map(loop.nodes.map((node) => [node.node_id, { nodes: new Set<string>(), ends: false }]))
  const lead = (source: string, node: string | undefined, terminal: string | undefined) => {
    const entry = from.get(source)
    if (!entry) return
    if (node !== undefined) entry.nodes.add(node)
    if (terminal !== undefined) entry.ends = true
  }
  for (const edge of loop.edges) lead(edge.from_node_id, edge.to_node_id, edge.terminal_state_id)
  for (const policy of loop.dynamic_policies.resume_policies) lead(policy.source_node_id, policy.default_target_node_id, undefined)
  for (const policy of loop.dynamic_policies.threshold_policies) {
    for (const source of policy.source_node_ids) lead(source, policy.exhausted_target_node_id, policy.exhausted_terminal_state_id)
  }
  return from
}

function checkReachable(loop: Loop, path: string, findings: Findings): void {
  const next = successors(loop)
  const seen = new Set<string>()
  const queue = loop.entry_nodes.map((entry) => entry.node_id)
  if (loop.completion_behavior) queue.push(loop.completion_behavior.target_node_id)
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (seen.has(id)) continue
    seen.add(id)
    queue.push(...(next.get(id)?.nodes ?? []))
  }
  for (const node of loop.nodes) {
    if (!seen.has(node.node_id)) findings.error('LOOP_UNREACHABLE_NODE', path, node.node_id, `nothing leads to node ${node.node_id}; add an entry or edge, or remove it`)
  }
}

function checkEnds(loop: Loop, path: string, findings: Findings): void {
  const next = successors(loop)
  const ending = new Set([...next].filter(([, to]) => to.ends).map(([id]) => id))
  for (let grew = true; grew; ) {
    grew = false
    for (const [id, to] of next) {
      if (ending.has(id) || ![...to.nodes].some((node) => ending.has(node))) continue
      ending.add(id)
      grew = true
    }
  }
  for (const node of loop.nodes) {
    if (!ending.has(node.node_id)) findings.error('LOOP_NO_END', path, node.node_id, `from node ${node.node_id} no terminal state can be reached`)
  }
}
