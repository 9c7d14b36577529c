/** Settling a stage result that another runtime accepted and did not live to route: the loop decides, nothing is judged again. */
import { MillraceError } from '../core/errors.ts'
import { graphOf, nodeOf } from '../core/plan.ts'
import type { StageResult } from '../core/result.ts'
import { route } from '../core/route.ts'
import type { ActiveRun } from '../core/state.ts'
import { activeItem } from './active-item.ts'
import { cancelled, isItemPresent, withdrawn } from './ending.ts'
import type { Engine } from './engine.ts'
import { buildRequest } from './request.ts'
import { routed } from './routed.ts'

/** Throws `routing_failed` where the plan in force has no such node. */
export async function settleKept(
  engine: Engine,
  run: ActiveRun,
  requestId: string,
  result: StageResult,
): Promise<void> {
  const view = engine.workspace.view()
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
  const decision = route(graph, run, view.counters, result)
  const { changes } = routed(engine, view, { plan, graph, node, run, request, result, item, handIns: [] }, decision)
  // It lies there already, as it was written.
  const file = `stage_results/${requestId}.json`
  await engine.commit(changes.filter((change) => change.change !== 'artifact.put' || change.file !== file))
}
