/**
 * Total-graph validation of one loop: every reference resolves, every legal outcome of every node leads somewhere,
 * every node can be reached and can end. Pure; findings only, each saying how to mend it.
 */
import type { Parsed } from './assets.ts'
import type { DiagnosticCode, Findings } from './diagnostics.ts'
import type { Loop } from './loop.ts'
import { didYouMean, nearest } from './nearest.ts'
import { OVERRIDES, type StageKind } from './stage.ts'

/** One loop under examination. */
interface Subject {
  loop: Loop
  /** Stage kind of a node; undefined if either does not exist. */
  kindOf(nodeId: string): StageKind | undefined
  wrong(code: DiagnosticCode, at: string, message: string): void
  /** Reports a reference to something the loop does not define; undefined is no reference. */
  needNode(id: string | undefined, at: string): void
  needTerminal(id: string | undefined, at: string): void
  /** Reports an outcome that the stage kind of the node cannot give. */
  needOutcome(nodeId: string, outcome: string, at: string): void
}

/** `unreadable`: stage kinds whose file is broken, which is told of the file and not of every node. */
export function checkLoop(
  loop: Loop,
  path: string,
  kinds: ReadonlyMap<string, Parsed<StageKind>>,
  findings: Findings,
  unreadable: ReadonlySet<string> = new Set(),
): void {
  const subject = subjectOf(loop, path, kinds, findings)
  checkUnique(subject)
  checkNodes(subject, kinds, unreadable)
  checkEntries(subject)
  checkEdges(subject)
  checkResumePolicies(subject)
  checkThresholdPolicies(subject)
  checkCompletion(subject)
  checkOutcomesLead(subject)
  checkReachable(subject)
  checkEnds(subject)
}

function subjectOf(
  loop: Loop,
  path: string,
  kinds: ReadonlyMap<string, Parsed<StageKind>>,
  findings: Findings,
): Subject {
  const nodes = new Map(loop.nodes.map((node) => [node.node_id, node]))
  const terminals = loop.terminal_states.map((terminal) => terminal.terminal_state_id)
  const kindOf = (nodeId: string) => kinds.get(nodes.get(nodeId)?.stage_kind_id ?? '')?.value
  const wrong = (code: DiagnosticCode, at: string, message: string) => findings.error(code, path, at, message)
  const need = (what: string, known: readonly string[]) => (id: string | undefined, at: string) => {
    if (id === undefined || known.includes(id)) return
    const mend = didYouMean(nearest(id, known), 'define it or name another')
    wrong('LOOP_DANGLING_REF', at, `${what} ${id} is not defined in ${loop.loop_id}; ${mend}`)
  }
  return {
    loop,
    kindOf,
    wrong,
    needNode: need('node', [...nodes.keys()]),
    needTerminal: need('terminal state', terminals),
    needOutcome(nodeId, outcome, at) {
      const kind = kindOf(nodeId)
      if (!kind || kind.legal_outcomes.includes(outcome)) return
      const legal = kind.legal_outcomes.join(', ')
      wrong('EDGE_ILLEGAL_OUTCOME', at, `${outcome} is no outcome of ${kind.stage_kind_id}; use one of ${legal}`)
    },
  }
}

function checkUnique({ loop, wrong }: Subject): void {
  const policies = [...loop.dynamic_policies.resume_policies, ...loop.dynamic_policies.threshold_policies]
  const once = (ids: string[], what: string) => {
    for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index)))
      wrong('LOOP_DUPLICATE', `${what} ${id}`, `${what} ${id} is defined twice; rename or remove one`)
  }
  const entryName = ({ entry_key, when }: Loop['entry_nodes'][number]) =>
    `${entry_key}${when ? ` ${when.field}=${when.equals}` : ''}`
  once(
    loop.nodes.map((node) => node.node_id),
    'node',
  )
  once(
    loop.edges.map((edge) => edge.edge_id),
    'edge',
  )
  once(
    loop.terminal_states.map((state) => state.terminal_state_id),
    'terminal state',
  )
  once(loop.entry_nodes.map(entryName), 'entry')
  once(
    policies.map((policy) => policy.policy_id),
    'policy',
  )
}

function checkNodes(
  { loop, wrong }: Subject,
  kinds: ReadonlyMap<string, Parsed<StageKind>>,
  unreadable: ReadonlySet<string>,
): void {
  loop.nodes.forEach((node, index) => {
    const at = `nodes.${index} ${node.node_id}`
    const id = node.stage_kind_id
    const kind = kinds.get(id)?.value
    if (!kind) {
      const near = nearest(id, [...kinds.keys()])
      const mend = `${near ? `did you mean ${near}? Else ` : ''}add registry/stage_kinds/${loop.plane}/${id}.json`
      if (!unreadable.has(id)) wrong('NODE_UNKNOWN_STAGE_KIND', at, `stage kind ${id} does not exist; ${mend}`)
      return
    }
    if (kind.plane !== loop.plane) {
      const mend = `use a stage kind of plane ${loop.plane}`
      wrong('NODE_PLANE_MISMATCH', at, `stage kind ${id} belongs to plane ${kind.plane}; ${mend}`)
    }
    for (const override of OVERRIDES) {
      const isSet =
        override === 'attached_skill_additions'
          ? node.attached_skill_additions.length > 0
          : node[override] !== undefined
      if (!isSet || kind.allowed_overrides.includes(override)) continue
      const mend = `remove it, or add it to allowed_overrides of ${id}`
      wrong('NODE_OVERRIDE_NOT_ALLOWED', at, `${id} does not allow a node to override ${override}; ${mend}`)
    }
  })
}

function checkEntries({ loop, kindOf, wrong, needNode }: Subject): void {
  loop.entry_nodes.forEach(({ entry_key, node_id }, index) => {
    const at = `entry_nodes.${index}`
    needNode(node_id, at)
    const kind = kindOf(node_id)
    if (!kind) return
    const forClosure = entry_key === 'closure_target'
    if (forClosure ? kind.closure_role : kind.can_start.includes(entry_key)) return
    const mend = forClosure ? 'give it closure_role' : 'add it to can_start'
    wrong('ENTRY_NOT_STARTABLE', at, `${kind.stage_kind_id} cannot start ${entry_key}; ${mend}, or enter elsewhere`)
  })
}

function checkEdges(subject: Subject): void {
  const { loop, kindOf, wrong, needNode, needTerminal, needOutcome } = subject
  loop.edges.forEach((edge, index) => {
    const at = `edges.${index} ${edge.edge_id}`
    needNode(edge.from_node_id, at)
    needNode(edge.to_node_id, at)
    needTerminal(edge.terminal_state_id, at)
    for (const outcome of edge.on_outcomes) needOutcome(edge.from_node_id, outcome, at)
    const ends = edge.terminal_state_id !== undefined
    if (ends === (edge.to_node_id !== undefined))
      wrong('EDGE_TARGET_SHAPE', at, 'give exactly one of to_node_id and terminal_state_id')
    else if ((edge.kind === 'terminal') !== ends)
      wrong('EDGE_TARGET_SHAPE', at, 'give kind "terminal" to an edge with terminal_state_id, and only to it')
    if ((edge.kind === 'retry') !== (edge.max_attempts !== undefined))
      wrong('EDGE_TARGET_SHAPE', at, 'give max_attempts to an edge of kind "retry", and only to it')
    checkDenied(subject, edge.approval?.denied_outcome, edge.from_node_id, `${at} approval`)
  })
  loop.nodes.forEach(({ node_id, denied_outcome }, index) => {
    const outcome = denied_outcome ?? kindOf(node_id)?.denied_outcome
    checkDenied(subject, outcome, node_id, `nodes.${index} ${node_id}`)
  })
}

/** A denial counts as an outcome of the node, and asks nobody again. */
function checkDenied(
  { loop, wrong, needOutcome }: Subject,
  outcome: string | undefined,
  nodeId: string,
  at: string,
): void {
  if (outcome === undefined) return
  needOutcome(nodeId, outcome, at)
  const asks = loop.edges.find(
    (edge) => edge.from_node_id === nodeId && edge.on_outcomes.includes(outcome) && edge.approval !== undefined,
  )
  if (asks)
    wrong(
      'APPROVAL_DENIED_OUTCOME',
      at,
      `a denial counts as ${outcome}, whose edge ${asks.edge_id} asks again; name another`,
    )
}

function checkResumePolicies({ loop, wrong, needNode, needOutcome }: Subject): void {
  const policies = loop.dynamic_policies.resume_policies
  policies.forEach((policy, index) => {
    const at = `resume_policies.${index} ${policy.policy_id}`
    needNode(policy.source_node_id, at)
    needNode(policy.default_target_node_id, at)
    for (const id of policy.disallowed_target_node_ids) needNode(id, at)
    needOutcome(policy.source_node_id, policy.on_outcome, at)
    const rival = policies
      .slice(0, index)
      .find((other) => other.source_node_id === policy.source_node_id && other.on_outcome === policy.on_outcome)
    if (!rival) return
    const claim = `both claim ${policy.on_outcome} of node ${policy.source_node_id}`
    wrong('LOOP_AMBIGUOUS_EDGE', at, `${rival.policy_id} and ${policy.policy_id} ${claim}; remove one`)
  })
}

function checkThresholdPolicies({ loop, wrong, needNode, needTerminal, needOutcome }: Subject): void {
  const policies = loop.dynamic_policies.threshold_policies
  policies.forEach((policy, index) => {
    const at = `threshold_policies.${index} ${policy.policy_id}`
    for (const id of policy.source_node_ids) {
      needNode(id, at)
      needOutcome(id, policy.on_outcome, at)
    }
    needNode(policy.exhausted_target_node_id, at)
    needTerminal(policy.exhausted_terminal_state_id, at)
    if ((policy.exhausted_target_node_id === undefined) === (policy.exhausted_terminal_state_id === undefined))
      wrong('EDGE_TARGET_SHAPE', at, 'give exactly one of exhausted_target_node_id and exhausted_terminal_state_id')
    const toward = policy.exhausted_counts_toward
    const others = policies.map((other) => other.policy_id).filter((id) => id !== policy.policy_id)
    if (toward === undefined || others.includes(toward)) return
    const mend = others.length > 0 ? `name one of ${others.join(', ')}` : 'remove it'
    wrong('LOOP_DANGLING_REF', at, `exhausted_counts_toward is ${toward}, which is no other threshold policy; ${mend}`)
  })
}

function checkCompletion({ loop, kindOf, wrong, needNode, needTerminal }: Subject): void {
  const completion = loop.completion_behavior
  if (!completion) return
  const at = 'completion_behavior'
  needNode(completion.target_node_id, at)
  needTerminal(completion.on_pass_terminal_state_id, at)
  needTerminal(completion.on_gap_terminal_state_id, at)
  if (completion.on_pass_terminal_state_id === completion.on_gap_terminal_state_id)
    wrong('COMPLETION_PASS_EQUALS_GAP', at, 'pass and gap end in the same terminal state; name two different ones')
  const kind = kindOf(completion.target_node_id)
  if (kind && !kind.closure_role) {
    const mend = 'choose a node whose stage kind has it'
    wrong('COMPLETION_NOT_CLOSURE_STAGE', at, `${kind.stage_kind_id} has no closure_role; ${mend}`)
  }
}

/** Every outcome has a way on that is never used up, and one only. */
function checkOutcomesLead({ loop, kindOf, wrong }: Subject): void {
  for (const { node_id } of loop.nodes) {
    for (const outcome of kindOf(node_id)?.legal_outcomes ?? []) {
      const edges = loop.edges.filter((edge) => edge.from_node_id === node_id && edge.on_outcomes.includes(outcome))
      if (!resumes(loop, node_id, outcome) && edges.every((edge) => edge.max_attempts !== undefined)) {
        const lack = edges.length === 0 ? 'leads nowhere' : 'leads nowhere once its retry edges are used up'
        const mend = edges.length === 0 ? 'add an edge for it' : 'add an edge without max_attempts'
        wrong('LOOP_MISSING_EDGE', node_id, `outcome ${outcome} of node ${node_id} ${lack}; ${mend}`)
      }
      for (const priority of new Set(edges.map((edge) => edge.priority))) {
        const rivals = edges.filter((edge) => edge.priority === priority).map((edge) => edge.edge_id)
        if (rivals.length < 2) continue
        const mend = 'give one a lower priority number'
        wrong('LOOP_AMBIGUOUS_EDGE', node_id, `${rivals.join(' and ')} both claim ${outcome}; ${mend}`)
      }
    }
  }
}

function resumes(loop: Loop, nodeId: string, outcome: string): boolean {
  const policies = loop.dynamic_policies.resume_policies
  return policies.some((policy) => policy.source_node_id === nodeId && policy.on_outcome === outcome)
}

/** Whether routing can come to take the edge on one of its outcomes: nothing before it takes them all. */
function isTakeable(loop: Loop, edge: Loop['edges'][number]): boolean {
  return edge.on_outcomes.some((outcome) => {
    if (resumes(loop, edge.from_node_id, outcome)) return false
    return !loop.edges.some(
      (other) =>
        other.from_node_id === edge.from_node_id &&
        other.on_outcomes.includes(outcome) &&
        other.priority < edge.priority &&
        other.max_attempts === undefined,
    )
  })
}

/** Nodes each node may lead to, and whether it may end the run, by edges and policies. */
function successors(loop: Loop): Map<string, { nodes: Set<string>; ends: boolean }> {
  const from = new Map(loop.nodes.map((node) => [node.node_id, { nodes: new Set<string>(), ends: false }]))
  const lead = (source: string, node: string | undefined, terminal: string | undefined) => {
    const entry = from.get(source)
    if (!entry) return
    if (node !== undefined) entry.nodes.add(node)
    if (terminal !== undefined) entry.ends = true
  }
  for (const edge of loop.edges)
    if (isTakeable(loop, edge)) lead(edge.from_node_id, edge.to_node_id, edge.terminal_state_id)
  for (const policy of loop.dynamic_policies.resume_policies)
    lead(policy.source_node_id, policy.default_target_node_id, undefined)
  for (const policy of loop.dynamic_policies.threshold_policies) {
    for (const source of policy.source_node_ids)
      lead(source, policy.exhausted_target_node_id, policy.exhausted_terminal_state_id)
  }
  return from
}

function checkReachable({ loop, wrong }: Subject): void {
  const next = successors(loop)
  const seen = new Set<string>()
  const queue = loop.entry_nodes.map((entry) => entry.node_id)
  if (loop.completion_behavior) queue.push(loop.completion_behavior.target_node_id)
  for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
    if (seen.has(id)) continue
    seen.add(id)
    queue.push(...(next.get(id)?.nodes ?? []))
  }
  for (const { node_id } of loop.nodes) {
    if (seen.has(node_id)) continue
    wrong('LOOP_UNREACHABLE_NODE', node_id, `nothing leads to node ${node_id}; add an entry or edge, or remove it`)
  }
}

function checkEnds({ loop, wrong }: Subject): void {
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
  for (const { node_id } of loop.nodes) {
    if (ending.has(node_id)) continue
    const mend = 'add an edge to one'
    wrong('LOOP_NO_END', node_id, `from node ${node_id} no terminal state can be reached; ${mend}`)
  }
}
