/**
 * A mode with its loops and the config: what is bound to stages that do not exist, may not be overridden, or name
 * things this build does not know. Pure; findings only, each saying how to mend it.
 */
import type { Parsed } from './assets.ts'
import { type Config, configKeys } from './config.ts'
import type { Findings } from './diagnostics.ts'
import type { Loop } from './loop.ts'
import type { Mode } from './mode.ts'
import { didYouMean, nearest } from './nearest.ts'
import type { PlanNode } from './plan.ts'
import { LEVELLED } from './runner-config.ts'
import type { OVERRIDES, StageKind } from './stage.ts'

export const CONFIG_FILE = 'millrace.toml'

type Override = (typeof OVERRIDES)[number]

/** Which override each stage map of a mode stands for. */
const MODE_MAPS = {
  stage_entrypoint_overrides: 'entrypoint_path',
  stage_skill_additions: 'attached_skill_additions',
  stage_model_bindings: 'model_name',
  stage_runner_bindings: 'runner_name',
  stage_permission_bindings: 'permission_level',
  stage_session_bindings: 'continues_session_of',
} as const satisfies Partial<Record<keyof Mode, Override>>

/** Which override each key of a `[stages.<kind>]` section stands for; null: it adds to what the stage kind says. */
const CONFIG_KEYS = {
  runner: 'runner_name',
  model: 'model_name',
  model_reasoning_effort: 'model_reasoning_effort',
  timeout_seconds: 'timeout_seconds',
  entrypoint_path: 'entrypoint_path',
  permission_profile: 'permission_level',
  required_capabilities: null,
} as const satisfies Record<keyof Config['stages'][string], Override | null>

/** Checks what mode and config say about stages against the stage kinds that the loops use. */
export function checkMode(
  mode: Parsed<Mode>,
  loops: readonly Parsed<Loop>[],
  kinds: readonly Parsed<StageKind>[],
  config: Config,
  findings: Findings,
): void {
  const found = new Map(kinds.map((kind) => [kind.value.stage_kind_id, kind.value]))
  const used = loops.flatMap(({ value }) => value.nodes.map((node) => node.stage_kind_id))
  const known: Known = new Map(used.map((stage) => [stage, found.get(stage) ?? null]))
  checkStageMaps(mode, known, findings)
  checkStageSections(mode, known, config, findings)
  checkClaimOrder(mode, loops, findings)
}

/** Stage kinds the loops use, by id; null where the loops name one that is missing or broken. */
type Known = ReadonlyMap<string, StageKind | null>

function checkStageMaps({ value, file }: Parsed<Mode>, known: Known, findings: Findings): void {
  for (const [map, override] of Object.entries(MODE_MAPS) as [keyof typeof MODE_MAPS, Override][]) {
    for (const stage of Object.keys(value[map]).sort()) {
      const at = `${map}.${stage}`
      const kind = known.get(stage)
      if (kind) checkAllowed(kind, override, file.path, at, findings)
      else if (kind === undefined) {
        const mend = didYouMean(nearest(stage, [...known.keys()]), 'remove it')
        const message = `stage ${stage} is not used by the loops of mode ${value.mode_id}; ${mend}`
        findings.error('MODE_STAGE_OUTSIDE_LOOPS', file.path, at, message)
      }
    }
  }
}

function checkStageSections(mode: Parsed<Mode>, known: Known, config: Config, findings: Findings): void {
  const sections: [at: string, stage: string, overrides: Override[]][] = [
    ...Object.entries(config.stages).map(([stage, section]): [string, string, Override[]] => {
      const set = Object.keys(section) as (keyof typeof section)[]
      return [`stages.${stage}`, stage, set.flatMap((key) => CONFIG_KEYS[key] ?? [])]
    }),
    ...LEVELLED.flatMap((section) =>
      Object.keys(config.runners[section].permission_by_stage).map((stage): [string, string, Override[]] => {
        return [`runners.${section}.permission_by_stage.${stage}`, stage, ['permission_level']]
      }),
    ),
  ]
  for (const [at, stage, overrides] of sections.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const kind = known.get(stage)
    if (kind) for (const override of overrides) checkAllowed(kind, override, CONFIG_FILE, at, findings)
    else if (kind === undefined) {
      const mend = didYouMean(nearest(stage, [...known.keys()]), 'remove it')
      findings.warn(
        'CONFIG_STAGE_UNKNOWN',
        CONFIG_FILE,
        at,
        `mode ${mode.value.mode_id} uses no stage ${stage}; ${mend}`,
      )
    }
  }
}

function checkAllowed(kind: StageKind, override: Override, path: string, at: string, findings: Findings): void {
  if (kind.allowed_overrides.includes(override)) return
  const id = kind.stage_kind_id
  const mend = `remove it, or add it to allowed_overrides of ${id}`
  findings.error('NODE_OVERRIDE_NOT_ALLOWED', path, at, `${id} does not allow to override ${override}; ${mend}`)
}

function checkClaimOrder({ value, file }: Parsed<Mode>, loops: readonly Parsed<Loop>[], findings: Findings): void {
  for (const [index, { plane, kinds }] of (value.claim_order?.planes ?? []).entries()) {
    const entries = loops.find((loop) => loop.value.plane === plane)?.value.entry_nodes ?? []
    // A closure target is no work item: it is judged when the queues have drained, never claimed from one.
    const claimable = [...new Set(entries.map((entry) => entry.entry_key))].filter((key) => key !== 'closure_target')
    for (const kind of kinds) {
      if (claimable.includes(kind)) continue
      const mend = claimable.length > 0 ? `it takes ${claimable.join(', ')}` : 'no loop of the mode serves that plane'
      const message = `plane ${plane} takes no ${kind}: ${mend}; correct the claim order, or add an entry to the loop`
      findings.error('MODE_CLAIM_ORDER', file.path, `claim_order.planes.${index}`, message)
    }
  }
}

/** Thresholds that a config key replaces: the key must exist and hold a count. */
export function checkThresholdKeys(loops: readonly Parsed<Loop>[], config: Config, findings: Findings): void {
  const counts = configKeys().flatMap(({ key }) => (countIn(config, key) === null ? [] : [key]))
  for (const { value, file } of loops) {
    value.dynamic_policies.threshold_policies.forEach((policy, index) => {
      const key = policy.threshold_from
      if (key === undefined || countIn(config, key) !== null) return
      const mend = didYouMean(nearest(key, counts), 'name another key, or remove it')
      const at = `threshold_policies.${index} ${policy.policy_id}`
      findings.error(
        'LOOP_DANGLING_REF',
        file.path,
        at,
        `threshold_from: ${key} is no count of ${CONFIG_FILE}; ${mend}`,
      )
    })
  }
}

/** The whole number from 1 that a dotted config key holds; null if it holds anything else or does not exist. */
export function countIn(config: Config, key: string): number | null {
  let at: unknown = config
  for (const part of key.split('.')) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, part)) return null
    at = (at as Record<string, unknown>)[part]
  }
  return typeof at === 'number' && Number.isInteger(at) && at >= 1 ? at : null
}

/** Resolvers that bring parked items back must be registered in this build; without one an item would wait for ever. */
export function checkResolvers(loops: readonly Parsed<Loop>[], findings: Findings): void {
  for (const { value, file } of loops) {
    for (const terminal of value.terminal_states) {
      for (const effect of terminal.effects) {
        if (effect.effect !== 'park_item') continue
        const message = `resolver ${effect.resolver} is not registered; use block_item, and a person brings the item back`
        findings.error('VALIDATOR_UNKNOWN', file.path, terminal.terminal_state_id, message)
      }
    }
  }
}

/** Validators, builtin performers and context blocks a stage kind asks for must be registered in this build. */
export function checkRegistered(kind: Parsed<StageKind>, validators: readonly string[], findings: Findings): void {
  const { value, file } = kind
  for (const name of [...value.validators.before, ...value.validators.after]) {
    if (validators.includes(name)) continue
    const mend = didYouMean(nearest(name, validators), 'remove it')
    findings.error('VALIDATOR_UNKNOWN', file.path, 'validators', `validator ${name} is not registered; ${mend}`)
  }
  for (const { name } of value.request_blocks) {
    const message = `context block ${name} is not registered; remove it`
    findings.error('VALIDATOR_UNKNOWN', file.path, 'request_blocks', message)
  }
  if (value.performer.type === 'builtin') {
    const message = `builtin performer ${value.performer.name} is not registered; let an agent perform the stage`
    findings.error('VALIDATOR_UNKNOWN', file.path, 'performer', message)
  }
}

/** A node with the values it was bound to, and the place it was defined at. */
export interface BoundNode {
  node: PlanNode
  path: string
  at: string
}

/**
 * Every bound runner must be one of this version or of a module; each unknown one is told once, at the place its name
 * comes from.
 */
export function checkRunners(
  bound: readonly BoundNode[],
  mode: Parsed<Mode>,
  { known, modules }: { known: readonly string[] } & Pick<Config['runners'], 'modules'>,
  findings: Findings,
): void {
  const runners = [...known, ...Object.keys(modules)]
  for (const name of Object.keys(modules).filter((name) => known.includes(name))) {
    const message = `${name} is a runner of this version; give the one of the module ${modules[name]} another name`
    findings.error('RUNNER_NAME_TAKEN', CONFIG_FILE, `runners.modules.${name}`, message)
  }
  const told = new Set<string>()
  for (const { node, path, at } of bound) {
    if (runners.includes(node.runner_name)) continue
    const [file, place] = runnerPlace(node, mode, { path, at })
    if (told.has(`${file} ${place} ${node.runner_name}`)) continue
    told.add(`${file} ${place} ${node.runner_name}`)
    const mend = didYouMean(nearest(node.runner_name, runners), `use one of ${runners.join(', ')}`)
    findings.error(
      'RUNNER_UNKNOWN',
      file,
      place,
      `node ${node.node_id} is bound to runner ${node.runner_name}, which is not known; ${mend}`,
    )
  }
}

function runnerPlace(node: PlanNode, mode: Parsed<Mode>, own: { path: string; at: string }): [string, string] {
  const origin = node.origins.runner_name ?? ''
  if (origin === 'node') return [own.path, own.at]
  if (origin.startsWith('mode ')) return [mode.file.path, `stage_runner_bindings.${node.stage_kind_id}`]
  if (origin.startsWith('config ')) return [CONFIG_FILE, `stages.${node.stage_kind_id}.runner`]
  return [CONFIG_FILE, 'runners.default_runner']
}
