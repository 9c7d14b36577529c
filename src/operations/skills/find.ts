/** The skills there are: those of the package, the workspace's own laid over them, and which stages use each. */
import * as path from 'node:path'
import { type AssetFamilies, type AssetFile, type Assets, NOT_TEXT, parseFamilies } from '../../core/assets.ts'
import { MillraceError } from '../../core/errors.ts'
import { sha256 } from '../../core/ids.ts'
import { didYouMean, nearest } from '../../core/nearest.ts'
import { filesOfSkill, type ReadSkill, readSkill, SKILL_FILE, skillIdOf, skillRevision } from '../../core/skill.ts'
import { readAssets } from '../../store/catalogue.ts'
import { AT, isInitialised } from '../../store/layout.ts'
import { type Context, placesIn } from '../context.ts'
import type { SkillUse } from '../schemas/skills.ts'

export interface KnownSkill {
  id: string
  file: AssetFile
  read: ReadSkill
  used_by: SkillUse[]
  /** Its files, relative to its folder. */
  files: () => string[]
  /** Hash that names its state, as runs record it. */
  revision: () => string
}

/** By id, then by path. Needs no workspace. */
export function skillsOf(context: Context): KnownSkill[] {
  const places = placesIn(context)
  const own = isInitialised(context.files, places) ? places : null
  const assets = readAssets(context.files, context.packageRoot, own)
  const uses = usesIn(parseFamilies(assets))
  const isSkill = (file: string) =>
    file.startsWith(`${AT.skills}/`) && (path.posix.basename(file) === SKILL_FILE || uses.has(file))
  return [...assets.files.values()]
    .filter((file) => isSkill(file.path))
    .map((file) => ({
      id: skillIdOf(file.path),
      file,
      read: readSkill(file.text),
      used_by: uses.get(file.path) ?? [],
      files: () =>
        filesOfSkill(file.path, [...assets.files.keys()]).map((one) =>
          path.posix.relative(path.posix.dirname(file.path), one),
        ),
      revision: () => revisionOf(file.path, assets),
    }))
    .sort((a, b) => (`${a.id} ${a.file.path}` < `${b.id} ${b.file.path}` ? -1 : 1))
}

function revisionOf(skill: string, assets: Assets): string {
  const texts = filesOfSkill(skill, [...assets.files.keys()]).map((path) => assets.files.get(path)!)
  return skillRevision(
    skill,
    Object.fromEntries(texts.filter(({ text }) => text !== NOT_TEXT).map(({ path, text }) => [path, sha256(text)])),
  )
}

/** Which stage kinds load a skill, by its path: because they require or suggest it, or a loop or a mode attaches it. */
function usesIn(families: AssetFamilies): Map<string, SkillUse[]> {
  const uses = new Map<string, SkillUse[]>()
  const add = (skill: string, stage_kind_id: string, as: SkillUse['as'], by: string | null) =>
    uses.set(skill, [...(uses.get(skill) ?? []), { stage_kind_id, as, by }])
  for (const { value } of families.stageKinds.values()) {
    for (const skill of value.required_skill_paths) add(skill, value.stage_kind_id, 'required', null)
    for (const skill of value.suggested_skill_paths) add(skill, value.stage_kind_id, 'suggested', null)
  }
  for (const { value } of families.loops.values())
    for (const node of value.nodes)
      for (const skill of node.attached_skill_additions)
        add(skill, node.stage_kind_id, 'attached', `loop ${value.loop_id}`)
  for (const { value } of families.modes.values())
    for (const [stage, skills] of Object.entries(value.stage_skill_additions))
      for (const skill of skills) add(skill, stage, 'attached', `mode ${value.mode_id}`)
  return uses
}

/** The skill of an id, or of a path below skills/, which tells two of one id apart. Throws `asset_unknown`, `item_ambiguous`. */
export function requireKnown(skills: readonly KnownSkill[], asked: string): KnownSkill {
  const placeOf = ({ file }: KnownSkill) => file.path.replace(/\/SKILL\.md$/, '')
  const wanted = asked.replace(/\/(SKILL\.md)?$/, '')
  const isPlace = wanted.includes('/')
  const place = wanted.startsWith(`${AT.skills}/`) ? wanted : `${AT.skills}/${wanted}`
  const meant = skills.filter((one) => (isPlace ? placeOf(one) === place : one.id === wanted))
  if (meant.length > 1)
    throw new MillraceError('item_ambiguous', `${meant.length} skills are called ${wanted}.`, {
      hint: `say which: ${meant.map(placeOf).join(', ')}`,
    })
  if (meant[0] !== undefined) return meant[0]
  const ids = skills.map(({ id }) => id)
  throw new MillraceError('asset_unknown', `There is no skill ${asked}.`, {
    hint: didYouMean(nearest(wanted, ids), `there are: ${ids.join(', ')}`),
  })
}

/** The folder a skill's files lie in, on the disk. */
export const folderOf = (context: Context, { file }: KnownSkill): string => {
  const own = placesIn(context).at(file.path)
  const isOwn = context.files.stat(own) !== null
  return path.dirname(isOwn ? own : path.join(context.packageRoot, file.path))
}
