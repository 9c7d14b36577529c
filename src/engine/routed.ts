/** What a decision of a loop on a stage result changes: the run at its next node or ended, its item, what it handed in. */
import { settle } from '../core/apply.ts'
import type { Change } from '../core/changes.ts'
import { closurePaths } from '../core/completion.ts'
import { MillraceError } from '../core/errors.ts'
import type { ItemKind } from '../core/item.ts'
import type { Plan, PlanGraph, PlanNode } from '../core/plan.ts'
import type { StageRequest } from '../core/request.ts'
import type { RawResult, StageResult } from '../core/result.ts'
import { type Decision, route } from '../core/route.ts'
import type { ActiveRun } from '../core/state.ts'
import type { View } from '../core/view.ts'
import { placesOf } from '../store/layout.ts'
import type { ActiveItem } from './active-item.ts'
import { completionConflict, conflictReport } from './completion-conflict.ts'
import type { Engine } from './engine.ts'
import type { Gathered } from './evidence.ts'
import { countedAs } from './overrule.ts'

/** A result that a loop decides about, and what belongs to it. */
interface Routing {
  plan: Plan
  graph: PlanGraph
  node: PlanNode
  run: ActiveRun
  request: StageRequest
  result: StageResult
  item: ActiveItem
  handIns: Gathered['handIns']
}

/**
 * What comes of a decision on a result, and which decision and result it came to be: a run of too many stages ends, and a
 * result whose item cannot go where it leads counts as the node's failure. `swept`: processes ended after the stage.
 */
export function routed(
  engine: Engine,
  view: View,
  { plan, graph, node, run, request, item, handIns, ...given }: Routing,
  wanted: Decision,
  swept: RawResult['swept'] = [],
): { changes: Change[]; decision: Decision; result: StageResult } {
  let { result } = given
  let decision = wanted
  if (decision.next_node_id !== null && run.stage_runs + 1 >= plan.recovery_limits.stages_per_run_max)
    decision = spent(graph, run, result)
  let standing = run
  const conflict = completionConflict(view, graph, item, decision)
  const extra: Change[] = []
  if (conflict) {
    const code = `${run.plane}_work_item_completion_conflict`
    const report = conflictReport(view, run, result, decision, code, conflict)
    extra.push(
      { change: 'artifact.put', run_id: run.run_id, file: 'runtime_error_report.md', text: report },
      {
        change: 'event.append',
        event_type: 'runtime_completion_conflict',
        data: { run_id: run.run_id, plane: run.plane, error_code: code, message: conflict },
      },
    )
    result = countedAs(result, node, null, [conflict], code)
    standing = { ...run, runtime_error: { code, report_path: `${request.run_dir}/runtime_error_report.md` } }
    decision = route(graph, standing, view.counters, result)
  }
  const accepted = result.metadata.valid_terminal_result === true
  const kinds = node.hand_ins
    .filter((handIn) => accepted && handIn.outcomes.includes(result.terminal_result))
    .map((handIn) => handIn.kind)
  const draft = settle({
    view,
    plan,
    run: standing,
    request,
    result,
    decision,
    item: item ? { entry: item.entry, text: item.text, hash: item.hash } : null,
    handIns: handIns.flatMap((handIn) =>
      handIn.document && kinds.includes(handIn.kind as ItemKind)
        ? [{ document: handIn.document, text: handIn.text }]
        : [],
    ),
    closure: run.closure_target_root_spec_id === null ? null : closureEvidence(engine, view, run, result),
    hex: (digits) => engine.clock.hex(digits),
  })
  draft.add(...extra)
  if (swept.length > 0)
    draft.event('stage_processes_swept', { run_id: run.run_id, request_id: request.request_id, processes: swept })
  return { changes: draft.finish(), decision, result }
}

/** The backstop: more stage runs than a passage may have. Ends like the loop's own blocked terminal. */
function spent(graph: PlanGraph, run: ActiveRun, result: StageResult): Decision {
  const terminal = graph.terminal_states.find((state) => state.terminal_class === 'blocked')
  if (!terminal)
    throw new MillraceError(
      'routing_failed',
      `${graph.loop_id} has no blocked terminal state to end a run of ${run.stage_runs} stages in`,
    )
  return {
    action: 'blocked',
    next_node_id: null,
    terminal_state_id: terminal.terminal_state_id,
    edge_id: 'stages_per_run_max',
    reason: `${result.stage}_blocked:stages_per_run_exhausted`,
    failure_class: 'stages_per_run_exhausted',
    counted: [],
  }
}

/** What a run that judges closure leaves to be judged by. */
function closureEvidence(engine: Engine, view: View, run: ActiveRun, result: StageResult) {
  const target = view.targets.find((candidate) => candidate.root_spec_id === run.closure_target_root_spec_id)
  const verdict = target ? view.readFile(closurePaths(target.root_spec_id, target.root_idea_id).verdict) : null
  const report = result.report_artifact
    ? view.readFile(result.report_artifact.slice(placesOf(engine.options.workspaceRoot).root.length + 1))
    : null
  return { verdictWritten: verdict !== null, reportText: report }
}
