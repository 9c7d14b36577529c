/**
 * Permission levels: what an agent may do without asking, resolved stage → model → default, and which levels each runner
 * can be held to. What a level means for each harness is a table in docs/runners.md.
 */
import type { Config } from './config.ts'
import type { PermissionLevel } from './stage.ts'

/** The part of a runner's config that says which level applies. */
type Permissions = Pick<
  Config['runners']['codex'],
  'permission_default' | 'permission_by_stage' | 'permission_by_model'
>

interface Honoured {
  /** Section of the config, below `runners`; null for a runner that has no levels to choose. */
  section: 'codex' | 'pi' | 'claude' | 'acp' | null
  levels: readonly PermissionLevel[]
}

const ALL: readonly PermissionLevel[] = ['basic', 'elevated', 'maximum']

/** A program without a sandbox or questions of its own can be held to nothing but the rights of its user. */
const HONOURED: Readonly<Record<string, Honoured>> = {
  codex_cli: { section: 'codex', levels: ALL },
  claude_code: { section: 'claude', levels: ALL },
  acp: { section: 'acp', levels: ALL },
  pi_rpc: { section: 'pi', levels: ['maximum'] },
  command: { section: null, levels: ['maximum'] },
}

/** Levels a runner can be held to; null if it does not care, as a runner of tests. */
export const honouredLevels = (runner: string): readonly PermissionLevel[] | null =>
  Object.hasOwn(HONOURED, runner) ? HONOURED[runner]!.levels : null

/** What the config says of a runner's levels, in its section and under `stages`; null if there is no such section. */
export function permissionsOf(config: Config, runner: string): Permissions | null {
  const section = Object.hasOwn(HONOURED, runner) ? HONOURED[runner]!.section : null
  if (section === null) return null
  const { permission_default, permission_by_model, permission_by_stage } = config.runners[section]
  const profiles = Object.entries(config.stages).flatMap(([stage, { permission_profile }]) =>
    permission_profile === undefined ? [] : [[stage, permission_profile]],
  )
  return {
    permission_default,
    permission_by_model,
    permission_by_stage: { ...permission_by_stage, ...Object.fromEntries(profiles) },
  }
}

/** By stage kind, then by model, then what node or mode say, then the default. */
export function permissionLevel(
  permissions: Permissions,
  stage: { stage_kind_id: string; model_name: string | null; permission_level: PermissionLevel | null },
): PermissionLevel {
  return (
    own(permissions.permission_by_stage, stage.stage_kind_id) ??
    own(permissions.permission_by_model, stage.model_name) ??
    stage.permission_level ??
    permissions.permission_default
  )
}

/** A stage as far as its level goes: a node of a plan, or a request. */
type LevelledStage = Parameters<typeof permissionLevel>[1] & { runner_name: string }

interface PermissionInForce {
  level: PermissionLevel
  /** What says so: a key of the config; `stage` for what node or mode say; `runner` for one that has no other. */
  origin: string
}

/** The level a stage runs at; null if its runner does not care. */
export function permissionInForce(config: Config, stage: LevelledStage): PermissionInForce | null {
  const honoured = Object.hasOwn(HONOURED, stage.runner_name) ? HONOURED[stage.runner_name]! : null
  if (honoured === null) return null
  const profile = own(config.stages, stage.stage_kind_id)?.permission_profile
  if (profile !== undefined) return { level: profile, origin: `stages.${stage.stage_kind_id}.permission_profile` }
  const permissions = permissionsOf(config, stage.runner_name)
  if (permissions === null) {
    return stage.permission_level === null
      ? { level: 'maximum', origin: 'runner' }
      : { level: stage.permission_level, origin: 'stage' }
  }
  const level = permissionLevel(permissions, stage)
  const key = (name: string) => `runners.${honoured.section}.${name}`
  if (own(permissions.permission_by_stage, stage.stage_kind_id) !== undefined)
    return { level, origin: key(`permission_by_stage.${stage.stage_kind_id}`) }
  if (own(permissions.permission_by_model, stage.model_name) !== undefined)
    return { level, origin: key(`permission_by_model.${stage.model_name}`) }
  return { level, origin: stage.permission_level === null ? key('permission_default') : 'stage' }
}

/** Runners that can be held to a level. */
export const runnersHonouring = (level: PermissionLevel): string[] =>
  Object.keys(HONOURED).filter((runner) => HONOURED[runner]!.levels.includes(level))

const own = <T>(table: Readonly<Record<string, T>>, key: string | null): T | undefined =>
  key !== null && Object.hasOwn(table, key) ? table[key] : undefined
