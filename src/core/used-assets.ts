/** The assets a mode is made of; what is missing, broken or declared twice among them is reported. */
import { type AssetFamilies, brokenAliases, brokenFileFor, type Parsed } from './assets.ts'
import { profileChosen } from './bind.ts'
import { CONFIG_FILE } from './check-mode.ts'
import type { Config } from './config.ts'
import type { Findings } from './diagnostics.ts'
import type { Loop } from './loop.ts'
import type { Mode } from './mode.ts'
import type { ModelProfile } from './model-profile.ts'
import { didYouMean, nearest } from './nearest.ts'
import type { StageKind } from './stage.ts'

/** A mode that is not there, or cannot be read. */
export function reportUnknownMode(modeId: string, families: AssetFamilies, findings: Findings): void {
  const broken = brokenFileFor(families, 'modes/', modeId)
  if (broken) findings.all.push(...broken.all)
  else {
    const known = [...families.modes.keys(), ...Object.keys(families.aliases)].sort()
    const mend = didYouMean(nearest(modeId, known), `use one of ${known.join(', ')}`)
    findings.error('MODE_UNKNOWN', `modes/${modeId}.json`, null, `there is no mode ${modeId}; ${mend}`)
    findings.all.push(...(brokenAliases(families)?.all ?? []))
  }
}

/** Ids that more than one file declares. */
export function reportRivals(
  used: readonly Parsed<Mode | Loop | StageKind | ModelProfile>[],
  findings: Findings,
): void {
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
export function selectProfile(
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
    const mend = didYouMean(nearest(chosen.id, known), `use one of ${known.join(', ')}`)
    const [file, at] = chosen.by === 'mode' ? [mode.file.path, 'model_profile'] : [CONFIG_FILE, 'runtime.model_profile']
    findings.error('MODEL_PROFILE_UNKNOWN', file, at, `there is no model profile ${chosen.id}; ${mend}`)
  }
  return null
}

/** The loops of a mode, in the order of their planes; `complete` if none is missing. */
export function selectLoops(
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
      const mend = didYouMean(nearest(id, known), `use one of ${known.join(', ')}`)
      findings.error('LOOP_UNKNOWN', file.path, at, `loop ${id} does not exist; ${mend}`)
    }
    return []
  })
  return { found, complete: found.length === planes.length && planes.length > 0 }
}

/** Stage kinds the loops name; `unreadable` are those whose file is broken, which is reported here. */
export function usedKinds(
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
