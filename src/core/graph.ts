/**
 * The topology of a plan for people and tools: as text, as JSON and as a Mermaid flowchart. Shows what routing reads,
 * budgets and resume rules included; decides nothing.
 */
import type { Effect, ResumePolicy, ThresholdPolicy } from './loop.ts'
import { graphOf, type Plan, type PlanGraph, type PlanNode, type PlanTransition, planesOf } from './plan.ts'
import { resumeTargets } from './route.ts'

/** Graphs in claim order; only that of `plane`, if one is named. None if the plan has no such plane. */
function graphsOf(plan: Plan, plane?: string): PlanGraph[] {
  const planes = plane === undefined ? planesOf(plan) : [plane]
  return planes.flatMap((name) => graphOf(plan, name) ?? [])
}

/** `key: value` lines about the plan, then a block for each plane (spec 03 §10). Ends with a line break. */
export function graphText(plan: Plan, plane?: string): string {
  const graphs = graphsOf(plan, plane)
  const head = [
    `compiled_plan_id: ${plan.compiled_plan_id}`,
    `mode_id: ${plan.mode_id}`,
    `planes: ${graphs.map((graph) => graph.plane).join(',') || 'none'}`,
  ]
  const blocks = graphs.map((graph) => [`${graph.plane}:`, ...graphLines(graph).map((line) => `  ${line}`)])
  return `${[head, ...blocks].map((lines) => lines.join('\n')).join('\n\n')}\n`
}

function graphLines(graph: PlanGraph): string[] {
  return [
    `loop ${graph.loop_id}`,
    ...graph.entries.map(
      ({ entry_key, when, node_id }) =>
        `entry ${entry_key}${when ? ` (${when.field}=${when.equals})` : ''} -> ${node_id}`,
    ),
    ...graph.nodes.map(nodeLine),
    ...graph.transitions.map((edge) => `${edge.source_node_id} --${edgeLabel(edge)}--> ${targetOf(edge)}`),
    ...graph.resume_policies.map((policy) => resumeLine(graph, policy)),
    ...graph.threshold_policies.map(thresholdLine),
    ...graph.terminal_states.map(
      (state) =>
        `terminal:${state.terminal_state_id} class=${state.terminal_class} writes=${state.writes_status} effects=${effectNames(state.effects)}`,
    ),
    ...completionLines(graph),
  ]
}

function nodeLine(node: PlanNode): string {
  const model = node.model_name ?? 'none'
  const stage = `stage_kind=${node.stage_kind_id} runner=${node.runner_name} model=${model}`
  return `node ${node.node_id} ${stage} timeout_seconds=${node.timeout_seconds}`
}

function edgeLabel({ outcome, max_attempts }: PlanTransition): string {
  return max_attempts === null ? outcome : `${outcome} (at most ${max_attempts} times)`
}

function targetOf(to: { target_node_id: string | null; terminal_state_id: string | null }): string {
  return to.terminal_state_id === null ? (to.target_node_id ?? 'none') : `terminal:${to.terminal_state_id}`
}

function exhaustedTarget(policy: ThresholdPolicy): string {
  const target_node_id = policy.exhausted_target_node_id ?? null
  return targetOf({ target_node_id, terminal_state_id: policy.exhausted_terminal_state_id ?? null })
}

function resumeLine(graph: PlanGraph, policy: ResumePolicy): string {
  const targets = resumeTargets(graph, policy.source_node_id).join(',')
  const keys = policy.metadata_stage_keys.join(',')
  const choice = `default=${policy.default_target_node_id} from=${keys} may_choose=${targets || 'none'}`
  return `resume ${policy.source_node_id} --${policy.on_outcome}--> ${choice}`
}

function thresholdLine(policy: ThresholdPolicy): string {
  const { policy_id, on_outcome, counter_name, counted_per, threshold, exhausted_counts_toward } = policy
  const toward = exhausted_counts_toward ? ` counts_toward=${exhausted_counts_toward}` : ''
  const sources = policy.source_node_ids.join(',')
  const budget = `${threshold} per ${counted_per} (${counter_name})`
  return `threshold ${policy_id}: ${sources} --${on_outcome}, ${budget} spent--> ${exhaustedTarget(policy)}${toward}`
}

function effectNames(effects: readonly Effect[]): string {
  return effects.map((effect) => effect.effect).join(',')
}

function completionLines({ completion_behavior: behavior }: PlanGraph): string[] {
  if (!behavior) return []
  const ends = `pass=terminal:${behavior.on_pass_terminal_state_id} gap=terminal:${behavior.on_gap_terminal_state_id}`
  const limits = `rounds_max=${behavior.rounds_max} hold_backoff_seconds=${behavior.hold_backoff_seconds.join(',')}`
  return [
    `completion ${behavior.request_kind} -> ${behavior.target_node_id} trigger=${behavior.trigger} ${ends} ${limits}`,
  ]
}

/** One object for each plane, in claim order: the `compiled_stage_graph` of spec 03 §10 with the plan's policies beside. */
export function graphJson(plan: Plan, plane?: string): object[] {
  return graphsOf(plan, plane).map((graph) => ({
    schema_version: '1.0',
    kind: 'compiled_stage_graph',
    compiled_plan_id: plan.compiled_plan_id,
    mode_id: plan.mode_id,
    loop_id: graph.loop_id,
    plane: graph.plane,
    nodes: graph.nodes.map(nodeJson),
    edges: graph.transitions,
    entries: graph.entries.map((entry) => ({
      entry_key: entry.entry_key,
      node_id: entry.node_id,
      stage_kind_id: graph.nodes.find((node) => node.node_id === entry.node_id)?.stage_kind_id ?? null,
      plane: graph.plane,
      when: entry.when,
    })),
    terminal_states: graph.terminal_states,
    resume_policies: graph.resume_policies,
    threshold_policies: graph.threshold_policies,
    completion_behavior: graph.completion_behavior,
    // The reference fingerprints what we do not have; tools that read its exports expect the member.
    workflow_primitive_fingerprints: {},
    source_refs: plan.source_refs,
    // The time of the plan, not of the export: one plan has one topology, and equal plans export equal bytes.
    exported_at: plan.compiled_at,
  }))
}

function nodeJson(node: PlanNode): object {
  return {
    node_id: node.node_id,
    plane: node.plane,
    stage_kind_id: node.stage_kind_id,
    entrypoint_path: node.entrypoint_path,
    entrypoint_contract_id: node.entrypoint_contract_id,
    running_status_marker: node.running_status_marker,
    required_skill_paths: node.required_skill_paths,
    attached_skill_additions: node.attached_skill_additions,
    runner_name: node.runner_name,
    model_name: node.model_name,
    model_reasoning_effort: node.model_reasoning_effort,
    timeout_seconds: node.timeout_seconds,
    allowed_result_classes_by_outcome: node.allowed_result_classes_by_outcome,
    declared_output_artifacts: node.declared_output_artifacts,
  }
}

/** A Mermaid flowchart: a subgraph for each plane; dotted lines are what happens when a budget is spent. */
export function graphMermaid(plan: Plan, plane?: string): string {
  const blocks = graphsOf(plan, plane).flatMap((graph) => [
    `  subgraph ${idFor(graph.plane)}[${label(graph.plane)}]`,
    ...mermaidLines(graph).map((line) => `    ${line}`),
    '  end',
  ])
  return `${['flowchart TD', ...blocks].join('\n')}\n`
}

function mermaidLines(graph: PlanGraph): string[] {
  const node = (id: string) => idFor(graph.plane, 'node', id)
  const terminal = (id: string) => idFor(graph.plane, 'terminal', id)
  const entry = (key: string) => idFor(graph.plane, 'entry', key)
  const end = (target: string | null | undefined, state: string | null | undefined) =>
    state ? terminal(state) : node(target ?? '')
  return [
    ...graph.nodes.map(({ node_id }) => `${node(node_id)}[${label(node_id)}]`),
    ...graph.terminal_states.map(({ terminal_state_id: id }) => `${terminal(id)}([${label(id)}])`),
    ...graph.entries.map(({ entry_key, when, node_id }) => {
      const name = when ? `${entry_key} ${when.field}=${when.equals}` : entry_key
      return `${entry(name)}((${label(name)})) --> ${node(node_id)}`
    }),
    ...graph.transitions.map(
      (edge) =>
        `${node(edge.source_node_id)} -->|${label(edgeLabel(edge))}| ${end(edge.target_node_id, edge.terminal_state_id)}`,
    ),
    ...graph.threshold_policies.flatMap((policy) => {
      const spent = label(`${policy.on_outcome} beyond ${policy.threshold} ${policy.counter_name}`)
      const to = end(policy.exhausted_target_node_id, policy.exhausted_terminal_state_id)
      return policy.source_node_ids.map((id) => `${node(id)} -.->|${spent}| ${to}`)
    }),
  ]
}

/**
 * An identifier Mermaid takes for anything. The prefix keeps clear of its key words (`end`); every other character than
 * a letter or digit is written as its code, so that two ids never become one.
 */
function idFor(...parts: string[]): string {
  const code = (char: string) => `_${char.codePointAt(0)!.toString(16)}_`
  return `m_${parts.map((part) => part.replace(/[^A-Za-z0-9]/gu, code)).join('__')}`
}

function label(text: string): string {
  return `"${text.replaceAll('#', '#35;').replaceAll('"', '#quot;')}"`
}
