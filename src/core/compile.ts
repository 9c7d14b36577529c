/**
 * Compile: assets and config in, a frozen plan or a list of coded findings out. Pure: the same input gives the same
 * plan id at any time and on any machine. What is kept of a failed compile (last known good) is the store's matter.
 */
import { type AssetFamilies, type Assets, brokenFileFor, type Parsed, parseFamilies } from './assets.ts'
import { bindNode } from './bind.ts'
import { checkLoop } from './check-loop.ts'
import { checkStageKind } from './check-stage.ts'
import type { Config } from './config.ts'
import { type Diagnostic, Findings } from './diagnostics.ts'
import { contentId, sha256 } from './ids.ts'
import type { Loop } from './loop.ts'
import { type ClaimOrder, type Mode, RecoveryLimits } from './mode.ts'
import { nearest } from './nearest.ts'
import type { Plan, PlanGraph, PlanTransition } from './plan.ts'
import type { StageKind } from './stage.ts'

export interface CompileInput {
  assets: Assets
  config: Config
  /** Mode to compile instead of `runtime.default_mode`. */
  modeId?: string | undefined
  /** Runners, validators and builtin performers this build knows. */
  runners: readonly string[]
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

export function compile(input: CompileInput): Compiled {
  const findings = new Findings()
  const families = parseFamilies(input.assets, findings, () => new Findings())
  const asked = input.modeId?.trim() || input.config.runtime.default_mode
  const modeId = families.aliases[asked] ?? asked
  const failed = (): Compiled => ({ modeId, plan: null, frozenTexts: new Map(), diagnostics: findings.all })

  const mode = families.modes.get(modeId)
  if (!mode) {
    const broken = brokenFileFor(families, 'modes/', modeId)
    if (broken) findings.all.push(...broken.all)
    else findings.error('MODE_UNKNOWN', `modes/${modeId}.json`, null, unknownMode(modeId, families))
    return failed()
  }
  const loops = selectLoops(mode, families, findings)
  if (findings.failed) return failed()
  for (const { value: loop, file } of loops) {
    for (const node of loop.nodes) {
      if (!families.stageKinds.has(node.stage_kind_id)) {
        const broken = brokenFileFor(families, 'registry/stage_kinds/', node.stage_kind_id)
        if (broken) findings.all.push(...broken.all)
      }
    }
    checkLoop(loop, file.path, families.stageKinds, findings)
  }
  const kinds = usedKinds(loops, families)
  for (const { value, file } of kinds) checkStageKind(value, file.path, findings)
  checkMode(mode, loops, kinds, input, findings)
  if (findings.failed) return failed()

  const graphs = Object.fromEntries(
    loops.map(({ value }) => [value.plane, graphPlan(value, mode, families, input.config)]),
  )
  const { texts, frozenTexts, skillHashes } = resolveTexts(graphs, input, findings)
  checkRunners(graphs, mode, input, findings)
  if (findings.failed) return failed()

  const body = {
    mode_id: modeId,
    loop_ids_by_plane: Object.fromEntries(loops.map(({ value }) => [value.plane, value.loop_id])),
    graphs_by_plane: graphs,
    claim_order: mode.value.claim_order ?? defaultClaimOrder(loops),
    concurrency_policy: mode.value.concurrency_policy ?? null,
    recovery_limits: mode.value.recovery_limits ?? RecoveryLimits.parse({}),
    entrypoint_texts: texts,
    skill_hashes: skillHashes,
  }
  const resolved = resolvedAssets(mode, loops, kinds, graphs, input)
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
      ...loops.map(({ value }) => `graph_loop:${value.loop_id}`),
      ...loops
        .filter(({ value }) => value.completion_behavior)
        .map(({ value }) => `graph_completion_behavior:${value.loop_id}`),
    ],
  }
  return { modeId, plan, frozenTexts, diagnostics: findings.all }
}

function unknownMode(modeId: string, families: AssetFamilies): string {
  const known = [...families.modes.keys(), ...Object.keys(families.aliases)].sort()
  const near = nearest(modeId, known)
  return `there is no mode ${modeId}${near ? `; did you mean ${near}?` : ''} (known: ${known.join(', ')})`
}

function selectLoops(mode: Parsed<Mode>, families: AssetFamilies, findings: Findings): Parsed<Loop>[] {
  const { value, file } = mode
  const ids: Record<string, string> = { ...value.loop_ids_by_plane }
  if (value.execution_loop_id) ids.execution ??= value.execution_loop_id
  if (value.planning_loop_id) ids.planning ??= value.planning_loop_id
  if (Object.keys(ids).length === 0)
    findings.error('MODE_LOOP_MISSING', file.path, 'loop_ids_by_plane', 'select a loop for at least one plane')
  const loops: Parsed<Loop>[] = []
  for (const [plane, loopId] of Object.entries(ids).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const loop = families.loops.get(loopId)
    if (!loop) {
      const broken = brokenFileFor(families, 'graphs/', loopId)
      if (broken) findings.all.push(...broken.all)
      else
        findings.error(
          'LOOP_UNKNOWN',
          file.path,
          `loop_ids_by_plane.${plane}`,
          `loop ${loopId} does not exist; known: ${[...families.loops.keys()].join(', ')}`,
        )
    } else if (loop.value.plane !== plane) {
      findings.error(
        'LOOP_PLANE_MISMATCH',
        file.path,
        `loop_ids_by_plane.${plane}`,
        `loop ${loopId} serves plane ${loop.value.plane}`,
      )
    } else loops.push(loop)
  }
  return loops
}

function usedKinds(loops: Parsed<Loop>[], families: AssetFamilies): Parsed<StageKind>[] {
  const ids = new Set(loops.flatMap(({ value }) => value.nodes.map((node) => node.stage_kind_id)))
  return [...ids].flatMap((id) => families.stageKinds.get(id) ?? [])
}

function checkMode(
  mode: Parsed<Mode>,
  loops: Parsed<Loop>[],
  kinds: Parsed<StageKind>[],
  input: CompileInput,
  findings: Findings,
): void {
  const { value, file } = mode
  const known = new Set(kinds.map((kind) => kind.value.stage_kind_id))
  for (const map of [
    'stage_entrypoint_overrides',
    'stage_skill_additions',
    'stage_model_bindings',
    'stage_runner_bindings',
    'stage_permission_bindings',
  ] as const) {
    for (const stage of Object.keys(value[map]).sort()) {
      if (!known.has(stage))
        findings.error(
          'MODE_STAGE_OUTSIDE_LOOPS',
          file.path,
          `${map}.${stage}`,
          `stage ${stage} is not used by the loops of mode ${value.mode_id}`,
        )
    }
  }
  for (const stage of Object.keys(input.config.stages).sort()) {
    if (!known.has(stage))
      findings.warn(
        'CONFIG_STAGE_UNKNOWN',
        'millrace.toml',
        `stages.${stage}`,
        `mode ${value.mode_id} uses no stage ${stage}${hint(nearest(stage, [...known]))}`,
      )
  }
  for (const stage of Object.keys(input.config.runners.codex.permission_by_stage)) {
    if (!known.has(stage))
      findings.warn(
        'CONFIG_STAGE_UNKNOWN',
        'millrace.toml',
        `runners.codex.permission_by_stage.${stage}`,
        `mode ${value.mode_id} uses no stage ${stage}${hint(nearest(stage, [...known]))}`,
      )
  }
  for (const [index, entry] of (value.claim_order?.planes ?? []).entries()) {
    const loop = loops.find((candidate) => candidate.value.plane === entry.plane)
    for (const kind of entry.kinds) {
      if (!loop?.value.entry_nodes.some((node) => node.entry_key === kind))
        findings.error(
          'MODE_CLAIM_ORDER',
          file.path,
          `claim_order.planes.${index}`,
          `no loop on plane ${entry.plane} has an entry for ${kind}`,
        )
    }
  }
  for (const { value: kind, file: kindFile } of kinds) {
    for (const name of [...kind.validators.before, ...kind.validators.after]) {
      if (!input.validators.includes(name))
        findings.error('VALIDATOR_UNKNOWN', kindFile.path, 'validators', `validator ${name} is not registered`)
    }
    if (kind.performer.type === 'builtin')
      findings.error(
        'VALIDATOR_UNKNOWN',
        kindFile.path,
        'performer',
        `builtin performer ${kind.performer.name} is not registered`,
      )
  }
}

function hint(near: string | null): string {
  return near ? `; did you mean ${near}?` : ''
}

function graphPlan(loop: Loop, mode: Parsed<Mode>, families: AssetFamilies, config: Config): PlanGraph {
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
    })),
  )
  return {
    loop_id: loop.loop_id,
    plane: loop.plane,
    nodes: loop.nodes.map((node) => bindNode(node, families.stageKinds.get(node.stage_kind_id)!.value, mode, config)),
    entries: loop.entry_nodes.map((entry) => ({
      entry_key: entry.entry_key,
      when: entry.when ?? null,
      node_id: entry.node_id,
    })),
    transitions: transitions.sort((a, b) => a.priority - b.priority),
    resume_policies: loop.dynamic_policies.resume_policies,
    threshold_policies: loop.dynamic_policies.threshold_policies.map((policy) => ({
      ...policy,
      threshold: thresholdFrom(config, policy.threshold_from) ?? policy.threshold,
    })),
    terminal_states: loop.terminal_states,
    completion_behavior: loop.completion_behavior ?? null,
  }
}

/** The number a dotted config key holds, if it is one. */
function thresholdFrom(config: Config, key: string | undefined): number | null {
  let at: unknown = config
  for (const part of key?.split('.') ?? []) at = (at as Record<string, unknown> | undefined)?.[part]
  return typeof at === 'number' ? at : null
}

function defaultClaimOrder(loops: Parsed<Loop>[]): ClaimOrder {
  return {
    fairness: 'strict',
    planes: loops.map(({ value }) => ({
      plane: value.plane,
      kinds: [...new Set(value.entry_nodes.map((entry) => entry.entry_key).filter((key) => key !== 'closure_target'))],
    })),
  }
}

function resolveTexts(graphs: Record<string, PlanGraph>, input: CompileInput, findings: Findings) {
  const texts: Record<string, string> = {}
  const skillHashes: Record<string, string> = {}
  const frozenTexts = new Map<string, string>()
  const textOf = (path: string) => input.assets.files.get(path)?.text
  for (const node of Object.values(graphs).flatMap((graph) => graph.nodes)) {
    const entrypoint = textOf(node.entrypoint_path)
    if (entrypoint === undefined)
      findings.error(
        'ASSET_UNREADABLE',
        node.entrypoint_path,
        null,
        `node ${node.node_id} needs this entrypoint; create it or choose another`,
      )
    else {
      texts[node.entrypoint_path] = entrypoint
      frozenTexts.set(node.entrypoint_path, entrypoint)
    }
    for (const [paths, needed] of [
      [node.required_skill_paths, true],
      [node.attached_skill_additions, false],
    ] as const) {
      for (const path of paths) {
        const text = textOf(path)
        skillHashes[path] = text === undefined ? 'missing' : sha256(text)
        if (text !== undefined) frozenTexts.set(path, text)
        else if (needed)
          findings.error('ASSET_UNREADABLE', path, null, `node ${node.node_id} requires this skill; create it`)
        else findings.warn('SKILL_MISSING', path, null, `attached to node ${node.node_id} but not there yet`)
      }
    }
  }
  return { texts, frozenTexts, skillHashes }
}

function checkRunners(
  graphs: Record<string, PlanGraph>,
  mode: Parsed<Mode>,
  input: CompileInput,
  findings: Findings,
): void {
  const told = new Set<string>()
  for (const node of Object.values(graphs).flatMap((graph) => graph.nodes)) {
    if (input.runners.includes(node.runner_name) || told.has(node.runner_name)) continue
    told.add(node.runner_name)
    const origin = node.origins.runner_name ?? 'default'
    findings.error(
      'RUNNER_UNKNOWN',
      origin.includes('config') ? 'millrace.toml' : mode.file.path,
      node.node_id,
      `runner ${node.runner_name} (from ${origin}) is not known; known: ${input.runners.join(', ')}${hint(nearest(node.runner_name, input.runners))}`,
    )
  }
}

function resolvedAssets(
  mode: Parsed<Mode>,
  loops: Parsed<Loop>[],
  kinds: Parsed<StageKind>[],
  graphs: Record<string, PlanGraph>,
  input: CompileInput,
): Plan['resolved_assets'] {
  const rows: Plan['resolved_assets'] = []
  const add = (family: Plan['resolved_assets'][number]['asset_family'], id: string, path: string) => {
    const file = input.assets.files.get(path)
    rows.push({
      asset_family: family,
      logical_id: `${family}:${id}`,
      path,
      source: file?.source ?? 'package',
      content_sha256: file ? sha256(file.text) : 'missing',
    })
  }
  add('mode', mode.value.mode_id, mode.file.path)
  for (const { value, file } of loops) add('graph_loop', value.loop_id, file.path)
  for (const { value, file } of kinds) add('stage_kind', value.stage_kind_id, file.path)
  const nodes = Object.values(graphs).flatMap((graph) => graph.nodes)
  for (const path of new Set(nodes.map((node) => node.entrypoint_path))) add('entrypoint', path, path)
  for (const path of new Set(nodes.flatMap((node) => [...node.required_skill_paths, ...node.attached_skill_additions])))
    add('skill', path, path)
  return rows.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}
