/**
 * Compile: assets and config in, a frozen plan or a list of coded findings out. Pure: the same input gives the same
 * plan id at any time and on any machine. What is kept of a failed compile (last known good) is the store's matter.
 */
import { type AssetFamilies, type Assets, type Parsed, parseFamilies } from './assets.ts'
import { type Bindings, bindNode } from './bind.ts'
import { checkCapabilities } from './check-capabilities.ts'
import { checkLevels } from './check-levels.ts'
import { checkLoop } from './check-loop.ts'
import {
  type BoundNode,
  checkMode,
  checkRegistered,
  checkResolvers,
  checkRunners,
  checkThresholdKeys,
  countIn,
} from './check-mode.ts'
import { checkSessions } from './check-sessions.ts'
import { checkStageKind } from './check-stage.ts'
import type { Config } from './config.ts'
import { type Diagnostic, Findings } from './diagnostics.ts'
import { contentId } from './ids.ts'
import type { Loop } from './loop.ts'
import { type ClaimOrder, RecoveryLimits } from './mode.ts'
import type { Plan, PlanGraph, PlanNode, PlanTransition } from './plan.ts'
import { resolvedAssets, resolveTexts } from './plan-texts.ts'
import { reportRivals, reportUnknownMode, selectLoops, selectProfile, usedKinds } from './used-assets.ts'

export interface CompileInput {
  assets: Assets
  config: Config
  /** Mode to compile instead of `runtime.default_mode`. */
  modeId?: string | undefined
  /** Runners this build knows. */
  runners: readonly string[]
  /** Validators this build knows. */
  validators: readonly string[]
  /** ISO time recorded in the plan; no part of its id. */
  compiledAt: string
}

export interface Compiled {
  /** Canonical mode id, aliases resolved. */
  modeId: string
  plan: Plan | null
  /** Texts to keep beside the plan, by path relative to its folder: entrypoints and skills. */
  frozenTexts: Map<string, string>
  diagnostics: Diagnostic[]
}

/** Reports every finding it can see in one pass; the plan is null if one of them is an error. */
export function compile(input: CompileInput): Compiled {
  const findings = new Findings()
  const families = parseFamilies(input.assets)
  const asked = input.modeId?.trim() || input.config.runtime.default_mode
  const modeId = Object.hasOwn(families.aliases, asked) ? families.aliases[asked]! : asked
  const failed = (): Compiled => ({ modeId, plan: null, frozenTexts: new Map(), diagnostics: findings.all })

  const mode = families.modes.get(modeId)
  if (!mode) {
    reportUnknownMode(modeId, families, findings)
    return failed()
  }
  const loops = selectLoops(mode, families, findings)
  const { kinds, unreadable } = usedKinds(loops.found, families, findings)
  const profile = selectProfile(mode, families, input.config, findings)
  reportRivals([mode, ...loops.found, ...kinds, ...(profile === null ? [] : [profile])], findings)
  for (const { value, file } of loops.found) checkLoop(value, file.path, families.stageKinds, findings, unreadable)
  for (const kind of kinds) {
    checkStageKind(kind.value, kind.file.path, findings)
    checkRegistered(kind, [...input.validators, ...Object.keys(input.config.validators)], findings)
  }
  checkResolvers(loops.found, findings)
  checkThresholdKeys(loops.found, input.config, findings)
  // With a loop missing it is not known which stages the mode may speak of.
  if (loops.complete) checkMode(mode, loops.found, kinds, input.config, findings)
  const bindings = { mode, profile, config: input.config }
  const bound = loops.found.map((loop) => bindLoop(loop, families, bindings))
  const nodes = bound.flat()
  const { texts, frozenTexts, skillHashes } = resolveTexts(nodes, input.assets, findings)
  checkRunners(nodes, mode, { ...input.config.runners, known: input.runners }, findings)
  checkLevels(nodes, mode, input.config, findings)
  checkCapabilities(nodes, input.config.execution_capabilities, findings)
  for (const loop of bound) checkSessions(loop, mode, findings)
  if (findings.failed) return failed()

  const graphs = Object.fromEntries(
    loops.found.map(({ value }, index) => [
      value.plane,
      graphPlan(
        value,
        bound[index]!.map(({ node }) => node),
        input.config,
      ),
    ]),
  )
  const body = {
    mode_id: modeId,
    loop_ids_by_plane: Object.fromEntries(loops.found.map(({ value }) => [value.plane, value.loop_id])),
    graphs_by_plane: graphs,
    claim_order: mode.value.claim_order ?? defaultClaimOrder(loops.found),
    concurrency_policy: mode.value.concurrency_policy ?? null,
    recovery_limits: mode.value.recovery_limits ?? RecoveryLimits.parse({}),
    entrypoint_texts: texts,
    skill_hashes: skillHashes,
  }
  const resolved = resolvedAssets({ mode, loops: loops.found, kinds, profile }, graphs, input.assets)
  const plan: Plan = {
    schema_version: '2.0',
    kind: 'compiled_run_plan',
    compiled_plan_id: contentId(`plan-${modeId}`, body),
    ...body,
    compile_input_fingerprint: {
      mode_id: modeId,
      config_fingerprint: contentId('cfg', input.config),
      assets_fingerprint: contentId(
        'assets',
        resolved.map((asset) => [asset.path, asset.content_sha256]),
      ),
    },
    resolved_assets: resolved,
    compiled_at: input.compiledAt,
    source_refs: [
      `mode:${modeId}`,
      ...(profile === null ? [] : [`model_profile:${profile.value.model_profile_id}`]),
      ...loops.found.map(({ value }) => `graph_loop:${value.loop_id}`),
      ...loops.found
        .filter(({ value }) => value.completion_behavior)
        .map(({ value }) => `graph_completion_behavior:${value.loop_id}`),
    ],
  }
  return { modeId, plan, frozenTexts, diagnostics: findings.all }
}

/** The nodes of a loop whose stage kind is known, bound. */
function bindLoop(loop: Parsed<Loop>, families: AssetFamilies, bindings: Bindings): BoundNode[] {
  return loop.value.nodes.flatMap((node, index) => {
    const kind = families.stageKinds.get(node.stage_kind_id)?.value
    if (!kind) return []
    return [{ node: bindNode(node, kind, bindings), path: loop.file.path, at: `nodes.${index} ${node.node_id}` }]
  })
}

function graphPlan(loop: Loop, nodes: PlanNode[], config: Config): PlanGraph {
  const transitions: PlanTransition[] = loop.edges.flatMap((edge) =>
    edge.on_outcomes.map((outcome) => ({
      edge_id: edge.edge_id,
      source_node_id: edge.from_node_id,
      outcome,
      target_node_id: edge.to_node_id ?? null,
      terminal_state_id: edge.terminal_state_id ?? null,
      kind: edge.kind,
      priority: edge.priority,
      max_attempts: edge.max_attempts ?? null,
      approval: edge.approval ?? null,
    })),
  )
  return {
    loop_id: loop.loop_id,
    plane: loop.plane,
    nodes,
    entries: loop.entry_nodes.map((entry) => ({
      entry_key: entry.entry_key,
      when: entry.when ?? null,
      node_id: entry.node_id,
    })),
    transitions: transitions.sort((a, b) => a.priority - b.priority),
    resume_policies: loop.dynamic_policies.resume_policies,
    threshold_policies: loop.dynamic_policies.threshold_policies.map((policy) => ({
      ...policy,
      threshold: (policy.threshold_from && countIn(config, policy.threshold_from)) || policy.threshold,
    })),
    terminal_states: loop.terminal_states,
    completion_behavior: loop.completion_behavior ?? null,
  }
}

function defaultClaimOrder(loops: readonly Parsed<Loop>[]): ClaimOrder {
  return {
    fairness: 'strict',
    planes: loops.flatMap(({ value }) => {
      const kinds = [...new Set(value.entry_nodes.map((entry) => entry.entry_key))]
      const claimable = kinds.filter((key) => key !== 'closure_target')
      return claimable.length > 0 ? [{ plane: value.plane, kinds: claimable }] : []
    }),
  }
}
