/** Settling a stage result that another runtime accepted and did not live to route: the loop decides, nothing is judged again. */
import { MillraceError } from '../core/errors.ts'
import { graphOf, nodeOf } from '../core/plan.ts'
import type { StageResult } from '../core/result.ts'
import type { ActiveRun } from '../core/state.ts'
import { readRun } from '../store/runs.ts'
import { activeItem } from './active-item.ts'
import { awaiting } from './approvals.ts'
import { cancelled, isItemPresent, withdrawn } from './ending.ts'
import type { Engine } from './engine.ts'
import { buildRequest } from './request.ts'
import { routed } from './routed.ts'
import { throughEdge } from './through-edge.ts'

/** What the other runtime accepted of a stage run; null if it cannot be read. */
export const keptResult = ({ ports, workspace }: Engine, run: ActiveRun, requestId: string): StageResult | null =>
  readRun(ports.files, workspace.places, run.run_id)?.results.find(
    ({ metadata }) => metadata.request_id === requestId,
  ) ?? null

/**
 * Settles it, or lets the run wait, as what it is, for the person whom its edge asks. Throws `routing_failed` where the
 * plan in force has no such node.
 */
export async function settleKept(
  engine: Engine,
  begun: ActiveRun,
  requestId: string,
  result: StageResult,
): Promise<void> {
  const view = engine.workspace.view()
  const { begun_by: _, ...run } = begun
  if (run.cancel_requested) return engine.commit(cancelled(view, run, run.cancel_requested))
  if (!isItemPresent(engine, run)) return engine.commit(withdrawn(view, run))
  const plan = view.planOf(run.compiled_plan_id)
  const graph = plan ? graphOf(plan, run.plane) : undefined
  const node = plan ? nodeOf(plan, run.plane, run.node_id) : undefined
  if (!plan || !graph || !node)
    throw new MillraceError(
      'routing_failed',
      `node ${run.node_id} of run ${run.run_id} is not part of the plan in force`,
    )
  const target = view.targets.find((one) => one.root_spec_id === run.closure_target_root_spec_id) ?? null
  const request = buildRequest(engine.workspace.places, plan, run, target, requestId, '')
  const item = activeItem(view, run)
  const passed = throughEdge(view, { graph, node, run }, result, requestId)
  if (passed.decision === null) return engine.commit(awaiting(view, begun, passed.approval, requestId))
  const routing = { plan, graph, node, run, request, result: passed.result, item, handIns: [] }
  const { changes } = routed(engine, view, routing, passed.decision)
  // It lies there already, as it was written.
  const file = `stage_results/${requestId}.json`
  await engine.commit(changes.filter((change) => change.change !== 'artifact.put' || change.file !== file))
}
