/** Runs, requests and results for tests, and a passage through a loop that is settled stage by stage in memory. */
import { settle } from '../../src/core/apply.ts'
import { closurePaths, newRun } from '../../src/core/completion.ts'
import { parseDocument, type WorkDocument } from '../../src/core/document.ts'
import { sha256 } from '../../src/core/ids.ts'
import type { ItemKind } from '../../src/core/item.ts'
import { graphOf, nodeOf, type Plan } from '../../src/core/plan.ts'
import { StageRequest } from '../../src/core/request.ts'
import type { RawResult, StageResult } from '../../src/core/result.ts'
import { type Decision, route } from '../../src/core/route.ts'
import type { ActiveRun, ClosureTarget } from '../../src/core/state.ts'
import { blankResult } from '../../src/runners/ending.ts'
import { deepFreeze, type MemoryWorkspace, NOW } from './view.ts'

const RUN_DIR = '/w/millrace-agents/runs/run-1'

/** A run of an item, or of a closure target, that stands at a node. */
export function runAt(
  plan: Plan,
  plane: string,
  nodeId: string,
  subject: { kind: ItemKind; id: string } | { closureRoot: string },
): ActiveRun {
  const node = nodeOf(plan, plane, nodeId)
  if (!node) throw new Error(`${nodeId} is no node of plane ${plane}`)
  return newRun(NOW, {
    runId: 'run-1',
    plane,
    nodeId,
    stageKindId: node.stage_kind_id,
    planId: plan.compiled_plan_id,
    ...('closureRoot' in subject ? subject : { item: subject }),
  })
}

/** An open closure target nobody has judged yet. */
export function closureTarget(root: string, changes: Partial<ClosureTarget> = {}): ClosureTarget {
  const paths = closurePaths(root, root)
  return {
    schema_version: '2.0',
    kind: 'closure_target_state',
    root_spec_id: root,
    root_idea_id: root,
    root_spec_path: paths.spec,
    root_idea_path: paths.idea,
    rubric_path: paths.rubric,
    latest_verdict_path: null,
    latest_report_path: null,
    closure_open: true,
    blocking_work_ids: [],
    opened_at: NOW,
    closed_at: null,
    last_arbiter_run_id: null,
    rounds: 0,
    finished_items_at_last_round: null,
    held: null,
    ...changes,
  }
}

/** The request for the next stage of a run. */
export function requestFor(plan: Plan, run: ActiveRun, changes: Partial<StageRequest> = {}): StageRequest {
  const node = nodeOf(plan, run.plane, run.node_id)
  if (!node) throw new Error(`${run.node_id} is no node of plane ${run.plane}`)
  const root = run.closure_target_root_spec_id
  const paths = root === null ? null : closurePaths(root, root)
  const special: Record<string, string> = paths
    ? { '{rubric}': `/w/${paths.rubric}`, '{verdict}': `/w/${paths.verdict}`, '{report}': `${RUN_DIR}/report.md` }
    : {}
  return StageRequest.parse({
    schema_version: '1.0',
    kind: 'stage_request',
    request_id: `request-${run.stage_runs + 1}`,
    run_id: run.run_id,
    plane: run.plane,
    node_id: node.node_id,
    stage_kind_id: node.stage_kind_id,
    request_kind: run.request_kind,
    running_status_marker: node.running_status_marker,
    legal_terminal_markers: Object.keys(node.allowed_result_classes_by_outcome).map((outcome) => `### ${outcome}`),
    allowed_result_classes_by_outcome: node.allowed_result_classes_by_outcome,
    mode_id: plan.mode_id,
    compiled_plan_id: plan.compiled_plan_id,
    entrypoint_path: node.entrypoint_path,
    entrypoint_contract_id: node.entrypoint_contract_id,
    required_skill_paths: node.required_skill_paths,
    attached_skill_paths: [],
    active_work_item_kind: run.work_item_kind,
    active_work_item_id: run.work_item_id,
    closure_target_root_spec_id: root,
    closure_target_root_idea_id: root,
    preferred_rubric_path: special['{rubric}'] ?? null,
    preferred_verdict_path: special['{verdict}'] ?? null,
    preferred_report_path: special['{report}'] ?? null,
    workspace_root: '/w',
    run_dir: RUN_DIR,
    outbox_dir: `${RUN_DIR}/outbox/request-1`,
    terminal_result_path: `${RUN_DIR}/runner_terminal_result.request-1.json`,
    owed_artifacts_by_outcome: Object.fromEntries(
      Object.entries(node.owed_artifacts_by_outcome).map(([outcome, owed]) => [
        outcome,
        owed.map((artifact) => ({ ...artifact, path: special[artifact.path] ?? `${RUN_DIR}/${artifact.path}` })),
      ]),
    ),
    summary_status_path: '/w/status.md',
    runtime_snapshot_path: '/w/snapshot.json',
    recovery_counters_path: '/w/counters.json',
    preferred_troubleshoot_report_path: root === null ? `${RUN_DIR}/troubleshoot_report.md` : null,
    runner_name: node.runner_name,
    timeout_seconds: node.timeout_seconds,
    ...changes,
  })
}

/** An agent that ended by itself with a final message. */
export function rawResult(
  request: StageRequest,
  finalMessage: string | null,
  changes: Partial<RawResult> = {},
): RawResult {
  return {
    ...blankResult(request, request.runner_name, '2026-03-02T11:00:00.000Z'),
    ending: 'exited',
    exit_code: 0,
    final_message: finalMessage,
    stdout_path: `${RUN_DIR}/stdout.log`,
    ended_at: '2026-03-02T11:01:00.000Z',
    ...changes,
  }
}

/** An accepted result of the node a run stands at; the class is the first the outcome allows. */
export function resultOf(
  plan: Plan,
  run: ActiveRun,
  outcome: string,
  metadata: Record<string, unknown> = {},
  changes: Partial<StageResult> = {},
): StageResult {
  const resultClass = nodeOf(plan, run.plane, run.node_id)?.allowed_result_classes_by_outcome[outcome]?.[0]
  if (!resultClass) throw new Error(`${outcome} is no outcome of ${run.node_id}`)
  return {
    schema_version: '1.0',
    kind: 'stage_result',
    run_id: run.run_id,
    plane: run.plane,
    stage: run.stage_kind_id,
    node_id: run.node_id,
    stage_kind_id: run.stage_kind_id,
    work_item_kind: run.work_item_kind ?? 'spec',
    work_item_id: run.work_item_id ?? run.closure_target_root_spec_id ?? '',
    terminal_result: outcome,
    result_class: resultClass,
    summary_status_marker: `### ${outcome}`,
    success: resultClass === 'success',
    retryable: false,
    exit_code: 0,
    duration_seconds: 60,
    report_artifact: null,
    artifact_paths: [],
    detected_marker: `### ${outcome}`,
    stdout_path: null,
    stderr_path: null,
    runner_name: 'codex_cli',
    model_name: null,
    model_reasoning_effort: null,
    token_usage: null,
    notes: [],
    metadata: { closure_target_root_spec_id: run.closure_target_root_spec_id, ...metadata },
    started_at: '2026-03-02T11:00:00.000Z',
    completed_at: '2026-03-02T11:01:00.000Z',
    ...changes,
  }
}

export interface Report {
  metadata?: Record<string, unknown>
  result?: Partial<StageResult>
  /** Documents handed in, as `<kind>` and text. */
  handIns?: { kind: WorkDocument['kind']; text: string }[]
  /** What a closure stage left. */
  closure?: { verdictWritten: boolean; reportText: string | null }
}

/** One passage through a loop: each report is routed, settled and committed as the engine does it. */
export class Passage {
  readonly workspace: MemoryWorkspace
  readonly decisions: Decision[] = []
  private readonly plan: Plan
  private readonly runId: string
  private stages = 0

  constructor(workspace: MemoryWorkspace, run: ActiveRun) {
    if (!workspace.plan) throw new Error('the workspace has no plan')
    this.workspace = workspace
    this.plan = workspace.plan
    this.runId = run.run_id
    workspace.snapshot = { ...workspace.snapshot, active_runs: [...workspace.snapshot.active_runs, run] }
  }

  /** The run where it stands; undefined once it has ended. */
  get run(): ActiveRun | undefined {
    return this.workspace.snapshot.active_runs.find((run) => run.run_id === this.runId)
  }

  /** Node the run stands at, or `ended`. */
  get at(): string {
    return this.run?.node_id ?? 'ended'
  }

  report(outcome: string, report: Report = {}): Decision {
    const { run } = this
    if (!run) throw new Error('the run has ended')
    const view = this.workspace.view()
    const active = view.snapshot.active_runs.find((candidate) => candidate.run_id === this.runId)!
    const result = deepFreeze(resultOf(this.plan, active, outcome, report.metadata, report.result))
    const decision = deepFreeze(route(graphOf(this.plan, active.plane)!, active, view.counters, result))
    this.stages += 1
    const draft = settle({
      view,
      plan: this.plan,
      run: active,
      request: deepFreeze(requestFor(this.plan, active)),
      result,
      decision,
      item: this.activeItem(active),
      handIns: (report.handIns ?? []).map(({ kind, text }) => ({ document: documentOf(kind, text), text })),
      closure:
        active.closure_target_root_spec_id === null
          ? null
          : (report.closure ?? { verdictWritten: true, reportText: 'Report.\n' }),
      hex: (digits) => sha256(`${this.runId} ${this.stages}`).slice(0, digits),
    })
    this.workspace.commit(draft.finish())
    this.decisions.push(decision)
    return decision
  }

  /** Several reports in a row; the nodes the run stood at after each. */
  reports(...outcomes: string[]): string[] {
    return outcomes.map((outcome) => {
      this.report(outcome)
      return this.at
    })
  }

  private activeItem(run: ActiveRun) {
    if (run.work_item_id === null) return null
    const kind = run.work_item_kind as ItemKind
    const view = this.workspace.view()
    const read = view.read(kind, run.work_item_id, 'active')
    const entry = view.items.find(kind, run.work_item_id).find((place) => place.state === 'active')
    if (!read || !entry) throw new Error(`${kind} ${run.work_item_id} is not active`)
    return { entry, ...read }
  }
}

function documentOf(kind: WorkDocument['kind'], text: string): WorkDocument {
  const parsed = parseDocument(kind, text)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
  return parsed.document
}
