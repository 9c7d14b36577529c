/**
 * The history of runs of the Python runtime, which kept none: derived from their stage results. What followed is the stage
 * that ran next; of the last one the loop says whether its outcome ends a run.
 */
import type { PlanGraph } from './plan.ts'
import type { StageResult } from './result.ts'
import type { Transition } from './transition.ts'

/** Whether a stage result was recorded by the Python runtime: it names endings in its own way. */
export const isOfPython = (result: StageResult): boolean => typeof result.metadata.raw_exit_kind === 'string'

/** Source of a derived record. */
const DERIVED = 'derived'
const REASON = 'derived from the stage results'

export const isDerived = (transition: Transition): boolean =>
  (transition as unknown as { source?: unknown }).source === DERIVED

/** What is known of a run. */
export interface KnownRun {
  /** In order of completion. */
  results: readonly StageResult[]
  /** Records that lie in its history. */
  recorded: readonly Transition[]
  /** Whether more may follow its last result. */
  isOpen: boolean
}

/** Records for the stage results of the Python runtime that have none, in order. `graphFor`: the loop in force on a plane. */
export function derivedTransitions(
  { results, recorded, isOpen }: KnownRun,
  graphFor: (plane: string) => PlanGraph | undefined,
): Transition[] {
  const known = new Set(recorded.map((record) => record.request_id))
  return results.flatMap((result, index) => {
    const requestId = result.metadata.request_id
    if (!isOfPython(result) || typeof requestId !== 'string' || known.has(requestId)) return []
    const graph = graphFor(result.plane)
    const next = results[index + 1]
    if (next) return [recordOf(result, requestId, { node: next.node_id, edge: edgeTo(graph, result, next.node_id) })]
    const end = isOpen ? null : endOf(graph, results)
    return end === null ? [] : [recordOf(result, requestId, end)]
  })
}

interface Way {
  node?: string
  terminal?: string | null
  edge?: string | undefined
}

function recordOf(result: StageResult, requestId: string, { node, terminal, edge }: Way): Transition {
  const plan = result.metadata.compiled_plan_id
  const record = {
    source: DERIVED,
    run_id: result.run_id,
    event_id: `${DERIVED}-${requestId}`,
    request_id: requestId,
    event_name: node === undefined ? 'run_ended' : 'stage_transition',
    plane: result.plane,
    node_id: result.node_id,
    kind_id: result.stage_kind_id,
    outcome: result.terminal_result,
    result_class: result.result_class,
    failure_class: typeof result.metadata.failure_class === 'string' ? result.metadata.failure_class : null,
    selected_edge_id: edge,
    selected_node_id: node ?? null,
    selected_terminal_state_id: terminal ?? null,
    selected_edge_reason: REASON,
    queue_mutations_applied: [],
    frozen_plan: { plan_id: typeof plan === 'string' ? plan : 'unknown' },
    timestamp: result.completed_at,
    started_at: result.started_at,
    completed_at: result.completed_at,
    duration_seconds: result.duration_seconds,
  }
  return record
}

const edgesFrom = (graph: PlanGraph | undefined, { node_id, terminal_result }: StageResult) =>
  graph?.transitions.filter((edge) => edge.source_node_id === node_id && edge.outcome === terminal_result) ?? []

const edgeTo = (graph: PlanGraph | undefined, result: StageResult, nodeId: string): string | undefined =>
  edgesFrom(graph, result).find((edge) => edge.target_node_id === nodeId)?.edge_id

/** How the last result ended its run: by an edge or a spent budget; null if it did not, and the run was left as it stood. */
function endOf(graph: PlanGraph | undefined, results: readonly StageResult[]): Way | null {
  const last = results.at(-1)!
  // A loop that is not there any more cannot say; a run that nothing works on has ended.
  if (!graph?.nodes.some((node) => node.node_id === last.node_id)) return { terminal: null }
  const edge = edgesFrom(graph, last).find((one) => one.terminal_state_id !== null)
  if (edge) return { terminal: edge.terminal_state_id, edge: edge.edge_id }
  const spent = graph.threshold_policies.find(
    (policy) =>
      policy.exhausted_terminal_state_id !== undefined &&
      policy.on_outcome === last.terminal_result &&
      policy.source_node_ids.includes(last.node_id) &&
      results.filter((one) => isCounted(one, policy)).length > policy.threshold,
  )
  return spent ? { terminal: spent.exhausted_terminal_state_id ?? null, edge: spent.policy_id } : null
}

const isCounted = (one: StageResult, policy: { on_outcome: string; source_node_ids: readonly string[] }): boolean =>
  one.terminal_result === policy.on_outcome && policy.source_node_ids.includes(one.node_id)
