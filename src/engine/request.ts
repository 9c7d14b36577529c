/** Building a stage request: everything an agent is told, from plan, run and item. Absolute paths, nothing inlined. */

import { closurePaths } from '../core/completion.ts'
import { MillraceError } from '../core/errors.ts'
import type { ItemKind } from '../core/item.ts'
import { graphOf, nodeOf, type Plan, skillsGiven } from '../core/plan.ts'
import type { StageRequest } from '../core/request.ts'
import { resumeTargets } from '../core/route.ts'
import { type Continuation, FRESH } from '../core/session.ts'
import type { OwedArtifact } from '../core/stage.ts'
import type { ActiveRun, ClosureTarget } from '../core/state.ts'
import { AT, itemFile, type Places, planFolder, runFolder, statusFile } from '../store/layout.ts'

export function buildRequest(
  places: Places,
  plan: Plan,
  run: ActiveRun,
  target: ClosureTarget | null,
  requestId: string,
  bootId: string,
  continued: Continuation = FRESH,
): StageRequest {
  const node = nodeOf(plan, run.plane, run.node_id)
  const graph = graphOf(plan, run.plane)
  if (!node || !graph)
    throw new MillraceError('routing_failed', `node ${run.node_id} is not part of the plan ${plan.compiled_plan_id}`)
  if (run.closure_target_root_spec_id !== null && target === null)
    throw new MillraceError(
      'routing_failed',
      `the closure target ${run.closure_target_root_spec_id} is not there any more`,
    )
  if (target === null && run.work_item_id === null)
    throw new MillraceError('routing_failed', `run ${run.run_id} has neither a work item nor a closure target`, {
      hint: 'end it with `millrace control cancel`',
    })
  const run_dir = places.at(runFolder(run.run_id))
  const frozen = (path: string) => places.at(`${planFolder(plan.compiled_plan_id)}/${path}`)
  const inWorkspace = (relative: string) => `${places.root}/${relative}`
  const closure = target
    ? {
        closure_target_path: places.at(`${AT.targets}/${target.root_spec_id}.json`),
        closure_target_root_spec_id: target.root_spec_id,
        closure_target_root_idea_id: target.root_idea_id,
        canonical_root_spec_path: inWorkspace(target.root_spec_path),
        canonical_seed_idea_path: inWorkspace(target.root_idea_path),
        preferred_rubric_path: inWorkspace(target.rubric_path),
        preferred_verdict_path: inWorkspace(closurePaths(target.root_spec_id, target.root_idea_id).verdict),
        preferred_report_path: `${run_dir}/${node.stage_kind_id}_report.md`,
      }
    : {
        closure_target_path: null,
        closure_target_root_spec_id: null,
        closure_target_root_idea_id: null,
        canonical_root_spec_path: null,
        canonical_seed_idea_path: null,
        preferred_rubric_path: null,
        preferred_verdict_path: null,
        preferred_report_path: null,
      }
  const places_of = {
    '{rubric}': closure.preferred_rubric_path,
    '{verdict}': closure.preferred_verdict_path,
    '{report}': closure.preferred_report_path,
  } as Record<string, string | null>
  const resolve = (artifact: OwedArtifact): OwedArtifact => ({
    ...artifact,
    path: places_of[artifact.path] ?? `${run_dir}/${artifact.path}`,
  })
  const isRepair = node.recovery_role !== null
  return {
    schema_version: '1.0',
    kind: 'stage_request',
    request_id: requestId,
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
    entrypoint_path: frozen(node.entrypoint_path),
    entrypoint_contract_id: node.entrypoint_contract_id,
    required_skill_paths: node.required_skill_paths.map(frozen),
    attached_skill_paths: node.attached_skill_additions
      .filter((path) => plan.skill_hashes[path] !== 'missing')
      .map(frozen),
    skill_revisions: skillsGiven(plan, node),
    active_work_item_kind: run.work_item_kind,
    active_work_item_id: run.work_item_id,
    active_work_item_path:
      run.work_item_id === null
        ? null
        : places.at(itemFile(run.work_item_kind as ItemKind, run.work_item_id, 'active')),
    ...closure,
    workspace_root: places.root,
    run_dir,
    outbox_dir: `${run_dir}/outbox/${requestId}`,
    terminal_result_path: `${run_dir}/runner_terminal_result.${requestId}.json`,
    owed_artifacts_by_outcome: Object.fromEntries(
      Object.entries(node.owed_artifacts_by_outcome).map(([outcome, owed]) => [outcome, owed.map(resolve)]),
    ),
    hand_ins: node.hand_ins,
    summary_status_path: places.at(statusFile(run.plane)),
    runtime_snapshot_path: places.at(AT.snapshot),
    recovery_counters_path: places.at(AT.counters),
    preferred_troubleshoot_report_path: target ? null : `${run_dir}/troubleshoot_report.md`,
    runtime_error_code: isRepair ? (run.runtime_error?.code ?? null) : null,
    runtime_error_report_path: isRepair ? (run.runtime_error?.report_path ?? null) : null,
    runtime_error_catalog_path: null,
    failure_class: run.failure_class,
    previous_attempt: run.previous_attempt,
    ...continued,
    resume_targets: resumeTargets(graph, run.node_id),
    boot_id: bootId === '' ? null : bootId,
    runner_name: node.runner_name,
    model_name: node.model_name,
    model_reasoning_effort: node.model_reasoning_effort,
    permission_level: node.permission_level,
    timeout_seconds: node.timeout_seconds,
    keep_background: node.keep_background,
  }
}
