/**
 * Compile: assets and config in, a frozen plan or a list of coded findings out. Pure: the same input gives the same
 * plan id at any time and on any machine. What is kept of a failed compile (last known good) is the store's matter.
 */
import {
  type AssetFamilies,
  type Assets,
  brokenAliases,
  brokenFileFor,
  NOT_TEXT,
  type Parsed,
  parseFamilies,
} from './assets.ts'
import { type Bindings, bindNode, profileChosen } from './bind.ts'
import { checkCapabilities } from './check-capabilities.ts'
import { checkLevels } from './check-levels.ts'
import { checkLoop } from './check-loop.ts'
import {
  type BoundNode,
  CONFIG_FILE,
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
import { contentId, sha256 } from './ids.ts'
import type { Loop } from './loop.ts'
import { type ClaimOrder, type Mode, RecoveryLimits } from './mode.ts'
import type { ModelProfile } from './model-profile.ts'
import { nearest } from './nearest.ts'
import type { Plan, PlanGraph, PlanNode, PlanTransition } from './plan.ts'
import { filesOfSkill } from './skill.ts'
import type { StageKind } from './stage.ts'

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

function reportUnknownMode(modeId: string, families: AssetFamilies, findings: Findings): void {
  const broken = brokenFileFor(families, 'modes/', modeId)
  if (broken) findings.all.push(...broken.all)
  else {
    const known = [...families.modes.keys(), ...Object.keys(families.aliases)].sort()
    const near = nearest(modeId, known)
    const mend = near ? `did you mean ${near}?` : `use one of ${known.join(', ')}`
    findings.error('MODE_UNKNOWN', `modes/${modeId}.json`, null, `there is no mode ${modeId}; ${mend}`)
    findings.all.push(...(brokenAliases(families)?.all ?? []))
  }
}

function reportRivals(used: readonly Parsed<Mode | Loop | StageKind | ModelProfile>[], findings: Findings): void {
  for (const { value, file, rivals } of used) {
    const id = idOf(value)
    for (const path of rivals)
      findings.error('ASSET_DUPLICATE', path, null, `the id ${id} is declared in ${file.path} too; rename one`)
  }
}

function idOf(value: Mode | Loop | StageKind | ModelProfile): string {
  if ('mode_id' in value) return value.mode_id
  if ('loop_id' in value) return value.loop_id
  return 'model_profile_id' in value ? value.model_profile_id : value.stage_kind_id
}

/** The profile of the models, if one is chosen; one that is missing or broken is reported. */
function selectProfile(
  mode: Parsed<Mode>,
  families: AssetFamilies,
  config: Config,
  findings: Findings,
): Parsed<ModelProfile> | null {
  const chosen = profileChosen(mode, config)
  const found = chosen === null ? null : (families.modelProfiles.get(chosen.id) ?? null)
  if (chosen === null || found !== null) return found
  const broken = brokenFileFor(families, 'registry/model_profiles/', chosen.id)
  if (broken) findings.all.push(...broken.all)
  else {
    const known = [...families.modelProfiles.keys()].sort()
    const near = nearest(chosen.id, known)
    const mend = near ? `did you mean ${near}?` : `use one of ${known.join(', ')}`
    const [file, at] = chosen.by === 'mode' ? [mode.file.path, 'model_profile'] : [CONFIG_FILE, 'runtime.model_profile']
    findings.error('MODEL_PROFILE_UNKNOWN', file, at, `there is no model profile ${chosen.id}; ${mend}`)
  }
  return null
}

/** The loops of a mode, in the order of their planes; `complete` if none is missing. */
function selectLoops(
  mode: Parsed<Mode>,
  families: AssetFamilies,
  findings: Findings,
): { found: Parsed<Loop>[]; complete: boolean } {
  const { value, file } = mode
  const ids: Record<string, string> = { ...value.loop_ids_by_plane }
  if (value.execution_loop_id) ids.execution ??= value.execution_loop_id
  if (value.planning_loop_id) ids.planning ??= value.planning_loop_id
  const planes = Object.keys(ids).sort()
  if (planes.length === 0)
    findings.error('MODE_LOOP_MISSING', file.path, 'loop_ids_by_plane', 'select a loop for at least one plane')
  const found = planes.flatMap((plane) => {
    const at = `loop_ids_by_plane.${plane}`
    const id = ids[plane]!
    const loop = families.loops.get(id)
    if (loop?.value.plane === plane) return [loop]
    const broken = loop ? undefined : brokenFileFor(families, 'graphs/', id)
    if (loop) {
      const serves = loop.value.plane
      const message = `loop ${id} serves plane ${serves}; put it there, or choose a loop of plane ${plane}`
      findings.error('LOOP_PLANE_MISMATCH', file.path, at, message)
    } else if (broken) findings.all.push(...broken.all)
    else {
      const known = [...families.loops.keys()]
      const near = nearest(id, known)
      const mend = near ? `did you mean ${near}?` : `use one of ${known.join(', ')}`
      findings.error('LOOP_UNKNOWN', file.path, at, `loop ${id} does not exist; ${mend}`)
    }
    return []
  })
  return { found, complete: found.length === planes.length && planes.length > 0 }
}

/** Stage kinds the loops name; `unreadable` are those whose file is broken, which is reported here. */
function usedKinds(
  loops: readonly Parsed<Loop>[],
  families: AssetFamilies,
  findings: Findings,
): { kinds: Parsed<StageKind>[]; unreadable: Set<string> } {
  const kinds: Parsed<StageKind>[] = []
  const unreadable = new Set<string>()
  for (const id of new Set(loops.flatMap(({ value }) => value.nodes.map((node) => node.stage_kind_id)))) {
    const kind = families.stageKinds.get(id)
    const broken = kind ? undefined : brokenFileFor(families, 'registry/stage_kinds/', id)
    if (kind) kinds.push(kind)
    else if (broken) {
      unreadable.add(id)
      findings.all.push(...broken.all)
    }
  }
  return { kinds, unreadable }
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

/** Texts of entrypoints and hashes of skills. A missing entrypoint or required skill is an error, others a warning. */
function resolveTexts(bound: readonly BoundNode[], assets: Assets, findings: Findings) {
  const texts: Record<string, string> = {}
  const skillHashes: Record<string, string> = {}
  const frozenTexts = new Map<string, string>()
  const textOf = (path: string, need: string): string | undefined => {
    const text = assets.files.get(path)?.text
    if (text === NOT_TEXT)
      findings.error('ASSET_UNREADABLE', path, null, `${need}, but it is not UTF-8 text; replace it`)
    return text
  }
  for (const { node } of bound) {
    const path = node.entrypoint_path
    const need = `node ${node.node_id} needs this entrypoint`
    const entrypoint = textOf(path, need)
    if (entrypoint === undefined)
      findings.error('ASSET_UNREADABLE', path, null, `${need}, but it is missing; create it or choose another`)
    else {
      texts[path] = entrypoint
      frozenTexts.set(path, entrypoint)
    }
    const required = new Set(node.required_skill_paths)
    for (const skill of new Set([...required, ...node.attached_skill_additions])) {
      const need = `node ${node.node_id} ${required.has(skill) ? 'requires' : 'has'} this skill`
      const text = textOf(skill, need)
      skillHashes[skill] = text === undefined ? 'missing' : sha256(text)
      if (text !== undefined) {
        for (const [path, beside] of textsOf(skill, assets)) {
          frozenTexts.set(path, beside)
          skillHashes[path] = sha256(beside)
        }
      } else if (required.has(skill))
        findings.error('ASSET_UNREADABLE', skill, null, `${need}, but it is missing; create it`)
      else findings.warn('SKILL_MISSING', skill, null, `${need} attached, but it is not there yet; create it`)
    }
  }
  return { texts, frozenTexts, skillHashes }
}

/** The files of a skill that are text: what `SKILL.md` points to is found beside it, also where it is frozen. */
const textsOf = (skill: string, assets: Assets): [path: string, text: string][] =>
  filesOfSkill(skill, [...assets.files.keys()]).flatMap((path) => {
    const text = assets.files.get(path)?.text
    return text === undefined || (text === NOT_TEXT && path !== skill) ? [] : [[path, text]]
  })

/** Assets a plan is made of, beside texts. */
interface Used {
  mode: Parsed<Mode>
  loops: readonly Parsed<Loop>[]
  kinds: readonly Parsed<StageKind>[]
  profile: Parsed<ModelProfile> | null
}

function resolvedAssets(
  { mode, loops, kinds, profile }: Used,
  graphs: Record<string, PlanGraph>,
  assets: Assets,
): Plan['resolved_assets'] {
  const rows: Plan['resolved_assets'] = []
  const add = (family: Plan['resolved_assets'][number]['asset_family'], id: string, path: string) => {
    const file = assets.files.get(path)
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
  if (profile !== null) add('model_profile', profile.value.model_profile_id, profile.file.path)
  for (const { value, file } of kinds) add('stage_kind', value.stage_kind_id, file.path)
  const nodes = Object.values(graphs).flatMap((graph) => graph.nodes)
  for (const path of new Set(nodes.map((node) => node.entrypoint_path))) add('entrypoint', path, path)
  const skills = nodes.flatMap((node) => [...node.required_skill_paths, ...node.attached_skill_additions])
  const beside = skills.flatMap((skill) => textsOf(skill, assets).map(([path]) => path))
  for (const path of new Set([...skills, ...beside])) add('skill', path, path)
  return rows.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
}
