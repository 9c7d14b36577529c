import { graphOf, type Plan } from '../../core/plan.ts'
import type { Transition } from '../../core/transition.ts'
import { runFolder } from '../../store/layout.ts'
import { type Account, type Because, below, inHistory, type Step } from './account.ts'

export interface Past {
  runId: string
  /** `complete`, `blocked`, `handoff`, … as `runs ls` tells it. */
  state: string
  transitions: readonly Transition[]
  planOf: (planId: string) => Plan | null
}

/** The path a run took. */
export const pathOf = ({ transitions }: Past): Step[] =>
  transitions.map((one) => ({
    node_id: one.node_id,
    outcome: one.outcome,
    to: one.selected_node_id ?? `terminal:${one.selected_terminal_state_id}`,
    reason: one.selected_edge_reason,
    at: one.timestamp,
  }))

/**
 * The way it might have gone instead, nearest to its end: of the last stage that had a choice, the way of the outcome that
 * its loop would rather have taken, or else of the first other one.
 */
export function notTaken(past: Past): Step | null {
  for (const transition of past.transitions.toReversed()) {
    const plan = past.planOf(transition.frozen_plan.plan_id)
    const graph = plan === null ? undefined : graphOf(plan, transition.plane)
    const others = (graph?.transitions ?? [])
      .filter((edge) => edge.source_node_id === transition.node_id && edge.outcome !== transition.outcome)
      .filter(
        (edge) =>
          (edge.target_node_id ?? null) !== transition.selected_node_id ||
          edge.terminal_state_id !== transition.selected_terminal_state_id,
      )
      .sort((a, b) => a.priority - b.priority)
    const [edge] = others
    if (edge === undefined) continue
    const to = edge.target_node_id ?? `terminal:${edge.terminal_state_id}`
    return {
      node_id: transition.node_id,
      outcome: edge.outcome,
      to,
      reason: `${edge.edge_id} (${edge.kind})`,
      at: transition.timestamp,
    }
  }
  return null
}

export function whyEnded(past: Past): Account {
  const last = past.transitions.at(-1)
  const because: Because[] = past.transitions.map((one) => ({
    ...inHistory(past.runId),
    at: one.timestamp,
    code: 'decision',
    fact: `${one.node_id} reported ${one.outcome}, which led to ${one.selected_node_id ?? one.selected_terminal_state_id} (${one.selected_edge_reason})`,
  }))
  const ended: Because =
    last === undefined
      ? {
          path: below(runFolder(past.runId)),
          event: null,
          at: null,
          code: 'no_decision',
          fact: 'it ended without a decision',
        }
      : { ...inHistory(past.runId), at: last.timestamp, code: 'ended', fact: `it ended ${past.state}` }
  return {
    verdict: 'finished',
    waits_for: [],
    because: [ended, ...because],
    next: [],
    can: [`millrace runs show ${past.runId}`, `millrace runs trace ${past.runId}`],
  }
}
