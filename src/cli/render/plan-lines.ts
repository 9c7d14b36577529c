/** A plan line by line for programs (spec 03 §10, then what the seed leaves out), and as tables for people. */
import type { CompileShowOutput } from '../../operations/schemas/plan.ts'
import type { Look } from '../look.ts'
import { quoted } from './quoted.ts'

type Plan = NonNullable<CompileShowOutput['plan']>
type Graph = Plan['graphs_by_plane'][string]
type Node = Graph['nodes'][number]

const COMPLETION_KEYS = [
  'trigger',
  'readiness_rule',
  'request_kind',
  'target_selector',
  'rubric_policy',
  'blocked_work_policy',
  'skip_if_already_closed',
  'on_pass_terminal_state_id',
  'on_gap_terminal_state_id',
  'create_incident_on_gap',
] as const

export function planLines(plan: Plan, look: Look): string[] {
  const graphs = Object.values(plan.graphs_by_plane).sort((a, b) => (a.plane < b.plane ? -1 : 1))
  return [
    ...graphs.flatMap((graph) =>
      graph.entries.map((entry) => {
        const when = entry.when === null ? '' : ` (${entry.when.field}=${entry.when.equals})`
        return look.field('entry', `${graph.plane}.${entry.entry_key}${when} -> ${entry.node_id}`)
      }),
    ),
    ...graphs.flatMap((graph) => completionLines(graph, look)),
    ...graphs.flatMap((graph) => byId(graph.nodes).flatMap((node) => nodeLines(node, look))),
    ...graphs.flatMap((graph) => edgeLines(graph).map(([key, value]) => look.field(key, value))),
  ]
}

const byId = (nodes: readonly Node[]): Node[] => [...nodes].sort((a, b) => (a.node_id < b.node_id ? -1 : 1))

function completionLines({ completion_behavior: behavior }: Graph, look: Look): string[] {
  if (behavior === null) return []
  return [
    look.field('completion', `${behavior.request_kind} -> ${behavior.target_node_id}`),
    ...COMPLETION_KEYS.map((key) => look.field(`completion_behavior.${key}`, behavior[key])),
    look.field('completion_behavior.rounds_max', behavior.rounds_max),
    look.field('completion_behavior.hold_backoff_seconds', behavior.hold_backoff_seconds.join(',')),
    look.field('completion_behavior.requires_execution_between_rounds', behavior.requires_execution_between_rounds),
  ]
}

function nodeLines(node: Node, look: Look): string[] {
  return [
    look.field('stage', `${node.plane}.${node.node_id}`),
    look.field('stage_kind_id', node.stage_kind_id),
    look.field('running_status_marker', node.running_status_marker),
    look.field('entrypoint_path', node.entrypoint_path),
    look.field('entrypoint_contract_id', node.entrypoint_contract_id),
    look.field('required_skills', node.required_skill_paths.join(',')),
    look.field('attached_skills', node.attached_skill_additions.join(',')),
    look.field('runner_name', node.runner_name),
    look.field('model_name', node.model_name),
    look.field('model_reasoning_effort', node.model_reasoning_effort),
    look.field('timeout_seconds', node.timeout_seconds),
    look.field('permission_level', node.permission_level),
    ...Object.entries(node.origins).map(([key, origin]) => look.field('origin', `${key} <- ${origin}`)),
  ]
}

const target = (node: string | null | undefined, state: string | null | undefined): string =>
  state ? `terminal:${state}` : (node ?? 'none')

/** Everything that leads on from a node: edges, budgets, resume rules, and what ends a run. */
function edgeLines(graph: Graph): [key: string, value: string][] {
  const at = (node: string) => `${graph.plane}.${node}`
  return [
    ...graph.transitions.map((edge): [string, string] => {
      const times = edge.max_attempts === null ? '' : ` max_attempts=${edge.max_attempts}`
      const to = target(edge.target_node_id, edge.terminal_state_id)
      return ['edge', `${at(edge.source_node_id)} --${edge.outcome}--> ${to} kind=${edge.kind}${times}`]
    }),
    ...graph.threshold_policies.flatMap((policy) =>
      policy.source_node_ids.map((node): [string, string] => {
        const spent = target(policy.exhausted_target_node_id, policy.exhausted_terminal_state_id)
        const from = policy.threshold_from === undefined ? 'loop' : `config ${policy.threshold_from}`
        const counted = `${policy.counter_name} threshold=${policy.threshold} counted_per=${policy.counted_per} from=${quoted(from)}`
        return ['threshold', `${at(node)} --${policy.on_outcome}--> ${spent} once spent: ${counted}`]
      }),
    ),
    ...graph.resume_policies.map((policy): [string, string] => [
      'resume',
      `${at(policy.source_node_id)} --${policy.on_outcome}--> ${policy.default_target_node_id} unless ${policy.metadata_stage_keys.join(',')} names another; never ${policy.disallowed_target_node_ids.join(',') || 'none'}`,
    ]),
    ...graph.terminal_states.map((state): [string, string] => [
      'terminal',
      `${graph.plane}.${state.terminal_state_id} class=${state.terminal_class} writes=${state.writes_status} effects=${state.effects.map((one) => one.effect).join(',')}`,
    ]),
  ]
}

export function planBlocks(plan: Plan, look: Look): string {
  const graphs = plan.claim_order.planes.flatMap((entry) => plan.graphs_by_plane[entry.plane] ?? [])
  const rest = Object.values(plan.graphs_by_plane).filter((graph) => !graphs.includes(graph))
  return [...graphs, ...rest].map((graph) => graphBlock(graph, look)).join('\n\n')
}

function graphBlock(graph: Graph, look: Look): string {
  const { paint } = look
  const rows = graph.nodes.map((node) => [
    node.node_id,
    node.runner_name,
    node.model_name ?? '–',
    `${node.timeout_seconds} s`,
    node.permission_level ?? '–',
    paint.dim(origins(node)),
  ])
  const columns = [
    { title: 'NODE' },
    { title: 'RUNNER' },
    { title: 'MODEL' },
    { title: 'TIME', align: 'right' as const },
    { title: 'PERMISSION' },
    { title: 'FROM', flexible: true },
  ]
  const entries = graph.entries.map((entry) => {
    const when = entry.when === null ? '' : ` (${entry.when.field}=${entry.when.equals})`
    return `  ${entry.entry_key}${when} → ${entry.node_id}`
  })
  const edges = edgeLines(graph).map(([key, value]) => {
    const line = value.replaceAll(`${graph.plane}.`, '')
    return key === 'edge' ? `  ${line.replace(/ kind=\w+/, '')}` : paint.dim(`  ${key} ${line}`)
  })
  return [
    `${paint.bold(graph.plane)} ${paint.dim(graph.loop_id)}`,
    look.table(rows, columns),
    '',
    ...entries,
    '',
    ...edges,
  ].join('\n')
}

/** Where values other than defaults come from. */
const origins = (node: Node): string =>
  Object.entries(node.origins)
    .filter(([, origin]) => origin !== 'default' && origin !== 'stage kind')
    .map(([key, origin]) => `${key.replace(/_(name|level|path|seconds)$/, '')}: ${origin}`)
    .join(', ')
