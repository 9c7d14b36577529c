/**
 * Binding: what one node of the plan runs with, and where each value came from. Order (design §12):
 * default < stage kind < model profile < node < mode and config; config wins over a shipped mode, a workspace mode wins over config.
 */
import type { Parsed } from './assets.ts'
import { grantsFor } from './capability.ts'
import type { Config } from './config.ts'
import type { Loop } from './loop.ts'
import type { Mode } from './mode.ts'
import { type ModelProfile, modelOf } from './model-profile.ts'
import type { PlanNode } from './plan.ts'
import type { StageKind } from './stage.ts'

const DEFAULT_TIMEOUT_SECONDS = 3600

/** What the nodes of a plan are bound by. */
export interface Bindings {
  mode: Parsed<Mode>
  profile: Parsed<ModelProfile> | null
  config: Config
}

/** The profile that counts: of a shipped mode the config's goes over it, as with every binding. */
export function profileChosen(mode: Parsed<Mode>, config: Config): { id: string; by: 'mode' | 'config' } | null {
  const [ofMode, ofConfig] = [mode.value.model_profile ?? null, config.runtime.model_profile]
  const byConfig = ofConfig !== null && (ofMode === null || mode.file.source === 'package')
  const id = byConfig ? ofConfig : ofMode
  return id === null ? null : { id, by: byConfig ? 'config' : 'mode' }
}

export function bindNode(node: Loop['nodes'][number], kind: StageKind, { mode, profile, config }: Bindings): PlanNode {
  const origins: Record<string, string> = {}
  const section = config.stages[kind.stage_kind_id] ?? {}
  const fromMode = { name: `mode ${mode.value.mode_id}`, wins: mode.file.source === 'workspace' }

  /** First defined value wins; its origin is noted. Candidates come lowest first. */
  const choose = <T>(key: string, ...candidates: [origin: string, value: T | undefined | null][]): T | null => {
    for (const [origin, value] of candidates.reverse()) {
      if (value === undefined || value === null) continue
      origins[key] = origin
      return value
    }
    return null
  }
  /** Mode and config in the order the kind of mode decides. */
  const modeAndConfig = <T>(ofMode: T | undefined, ofConfig: T | undefined): [string, T | undefined][] => {
    const pair: [string, T | undefined][] = [
      [fromMode.name, ofMode],
      [`config stages.${kind.stage_kind_id}`, ofConfig],
    ]
    return fromMode.wins ? pair.reverse() : pair
  }

  const id = kind.stage_kind_id
  const runner = choose(
    'runner_name',
    ['default config runners.default_runner', config.runners.default_runner],
    ['node', node.runner_name],
    ...modeAndConfig(mode.value.stage_runner_bindings[id], section.runner),
  )!
  const ofProfile = profile === null ? null : modelOf(profile.value, runner, id)
  const fromProfile = `model profile ${profile?.value.model_profile_id}`
  const additions = [...new Set([...node.attached_skill_additions, ...(mode.value.stage_skill_additions[id] ?? [])])]
  if (additions.length > 0)
    origins.attached_skill_additions = (mode.value.stage_skill_additions[id] ?? []).length > 0 ? fromMode.name : 'node'
  return {
    node_id: node.node_id,
    stage_kind_id: id,
    plane: kind.plane,
    display_name: kind.display_name,
    entrypoint_path: choose(
      'entrypoint_path',
      ['stage kind', kind.default_entrypoint_path],
      ['node', node.entrypoint_path],
      ...modeAndConfig(mode.value.stage_entrypoint_overrides[id], section.entrypoint_path),
    )!,
    entrypoint_contract_id: `${node.node_id}.contract.v1`,
    running_status_marker: kind.running_status_marker,
    allowed_result_classes_by_outcome: kind.allowed_result_classes_by_outcome,
    failure_outcome: kind.failure_outcome,
    declared_output_artifacts: kind.declared_output_artifacts,
    owed_artifacts_by_outcome: kind.owed_artifacts_by_outcome,
    hand_ins: kind.hand_ins,
    request_blocks: kind.request_blocks,
    validators: kind.validators,
    performer: kind.performer,
    idempotence_policy: kind.idempotence_policy,
    recovery_role: kind.recovery_role,
    closure_role: kind.closure_role,
    keep_background: kind.keep_background,
    required_skill_paths: kind.required_skill_paths,
    attached_skill_additions: additions,
    runner_name: runner,
    model_name: choose(
      'model_name',
      [fromProfile, kind.allowed_overrides.includes('model_name') ? ofProfile?.model : null],
      ['node', node.model_name],
      ...modeAndConfig(mode.value.stage_model_bindings[id], section.model),
    ),
    model_reasoning_effort: choose<string>(
      'model_reasoning_effort',
      [
        fromProfile,
        kind.allowed_overrides.includes('model_reasoning_effort') ? ofProfile?.model_reasoning_effort : null,
      ],
      ['node', node.model_reasoning_effort],
      [`config stages.${id}`, section.model_reasoning_effort],
    ),
    permission_level: choose(
      'permission_level',
      ['node', node.permission_level],
      [fromMode.name, mode.value.stage_permission_bindings[id]],
    ),
    timeout_seconds: choose(
      'timeout_seconds',
      ['default', DEFAULT_TIMEOUT_SECONDS],
      ['node', node.timeout_seconds],
      [`config stages.${id}`, section.timeout_seconds],
    )!,
    continues_session_of: choose(
      'continues_session_of',
      ['node', node.continues_session_of],
      [fromMode.name, mode.value.stage_session_bindings[id]],
    ),
    grants: grantsFor(
      [
        ['stage kind', kind.required_capabilities],
        ['node', node.required_capabilities],
        [`config stages.${id}`, section.required_capabilities ?? []],
      ],
      config.execution_capabilities,
    ),
    denied_outcome: node.denied_outcome ?? kind.denied_outcome ?? null,
    origins,
  }
}
