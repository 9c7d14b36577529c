/** The texts a plan gives to its stages, and the record of every file it was made from. */
import { type Assets, NOT_TEXT, type Parsed } from './assets.ts'
import type { BoundNode } from './check-mode.ts'
import type { Findings } from './diagnostics.ts'
import { sha256 } from './ids.ts'
import type { Loop } from './loop.ts'
import type { Mode } from './mode.ts'
import type { ModelProfile } from './model-profile.ts'
import type { Plan, PlanGraph } from './plan.ts'
import { filesOfSkill } from './skill.ts'
import type { StageKind } from './stage.ts'

/** Texts of entrypoints and hashes of skills. A missing entrypoint or required skill is an error, others a warning. */
export function resolveTexts(bound: readonly BoundNode[], assets: Assets, findings: Findings) {
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

/** Which file of whom each asset of the plan is, and the hash of its text. */
export function resolvedAssets(
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
