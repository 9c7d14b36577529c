/** What a plan chooses: what each node runs with, and where every value came from. Pure. */
import { graphOf, type Plan, type PlanNode } from '../../core/plan.ts'
import { graphsHash } from '../../core/transition.ts'
import type { Selection, SelectionExplanation } from '../schemas/selection.ts'

const nodesIn = (plan: Plan, planes: readonly string[]): PlanNode[] =>
  planes.flatMap((plane) => graphOf(plan, plane)?.nodes ?? [])

/** Of the nodes of these lanes. */
export function selectionOf(plan: Plan, planes: readonly string[]): Selection {
  const prompt = (node: PlanNode) =>
    plan.resolved_assets.find((asset) => asset.asset_family === 'entrypoint' && asset.path === node.entrypoint_path)
  return {
    compiled_plan_id: plan.compiled_plan_id,
    content_hash: graphsHash(plan),
    compiled_at: plan.compiled_at,
    mode_id: plan.mode_id,
    loop_ids_by_plane: plan.loop_ids_by_plane,
    stage_bindings: nodesIn(plan, planes).map((node) => ({
      plane: node.plane,
      node_id: node.node_id,
      stage_kind_id: node.stage_kind_id,
      runner_name: node.runner_name,
      model_name: node.model_name,
      model_reasoning_effort: node.model_reasoning_effort,
      permission_level: node.permission_level,
      timeout_seconds: node.timeout_seconds,
      continues_session_of: node.continues_session_of,
      entrypoint_path: node.entrypoint_path,
      entrypoint_source: prompt(node)?.source ?? null,
      skills: [...node.required_skill_paths, ...node.attached_skill_additions],
    })),
  }
}

export function explanationOf(plan: Plan, planes: readonly string[]): SelectionExplanation {
  return nodesIn(plan, planes).flatMap((node) =>
    Object.entries(node.origins).map(([key, origin]) => ({
      plane: node.plane,
      node_id: node.node_id,
      key,
      value: (node as unknown as Record<string, string | number | string[] | null>)[key] ?? null,
      origin,
    })),
  )
}
