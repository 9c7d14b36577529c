/** An item that cannot go where its loop sends it, because another document with its id lies there (W-01). */
import type { ItemState } from '../core/item.ts'
import type { PlanGraph } from '../core/plan.ts'
import type { StageResult } from '../core/result.ts'
import type { Decision } from '../core/route.ts'
import type { ActiveRun } from '../core/state.ts'
import type { View } from '../core/view.ts'
import type { ActiveItem } from './active-item.ts'

/** Why the item cannot go where the decision sends it; null if it can, or is there already with the same bytes. */
export function completionConflict(view: View, graph: PlanGraph, item: ActiveItem, decision: Decision): string | null {
  if (!item || decision.terminal_state_id === null) return null
  const effects =
    graph.terminal_states.find((state) => state.terminal_state_id === decision.terminal_state_id)?.effects ?? []
  const states: Record<string, ItemState> = {
    complete_item: 'done',
    block_item: 'blocked',
    park_item: 'blocked',
    quarantine_item: 'quarantined',
  }
  for (const { effect } of effects) {
    const to = states[effect]
    if (to === undefined || (view.read(item.entry.kind, item.entry.id, to)?.hash ?? item.hash) === item.hash) continue
    return `another document with the id ${item.entry.id} lies in the ${to} folder already; move one of the two away`
  }
  return null
}

/** What the run folder keeps of it, for the stage that deals with it. */
export function conflictReport(
  view: View,
  run: ActiveRun,
  result: StageResult,
  decision: Decision,
  code: string,
  message: string,
): string {
  const lines = {
    'Error-Code': code,
    Plane: run.plane,
    'Failed-Stage': run.stage_kind_id,
    'Run-ID': run.run_id,
    'Work-Item': `${run.work_item_kind ?? 'none'} ${run.work_item_id ?? 'none'}`,
    'Router-Action': decision.action,
    'Terminal-Result': result.terminal_result,
    'Captured-At': view.now,
  }
  return `# Runtime Error Report\n\n${Object.entries(lines)
    .map(([label, value]) => `${label}: ${value}`)
    .join('\n')}\n\nSummary:\n- ${message}\n`
}
