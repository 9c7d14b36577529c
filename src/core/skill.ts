/**
 * Skills: advice an agent loads, a folder whose `SKILL.md` begins with front matter (spec 04 §17). Read here are the
 * shipped form (`asset_id`) and the portable one (`name`), in the subset of YAML that both are written in.
 */
import { MillraceError } from './errors.ts'
import { canonicalJson, sha256 } from './ids.ts'

export interface Skill {
  id: string
  title: string
  description: string
  version: string | null
  capability_type: string | null
  /** Stage kinds it says it is for. */
  recommended_for_stages: string[]
}

export interface SkillFault {
  /** Line of the file, from 1. */
  line: number
  message: string
}

export type ReadSkill = { ok: true; skill: Skill } | { ok: false; faults: SkillFault[] }

/** The file that makes a folder a skill. */
export const SKILL_FILE = 'SKILL.md'
/** Of all files of a skill together: they travel in one command. */
export const SKILL_BYTES_MAX = 1024 * 1024
export const SKILL_FILES_MAX = 100
/** Folders below each other, that of the skill counted. */
export const SKILL_DEPTH_MAX = 6
const ID_CHARS_MAX = 64
const DESCRIPTION_CHARS_MAX = 1024
const LINES_MAX = 20_000
const NAME_CHARS_MAX = 120

const SKILL_ID = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/
/** A name in a skill's folder: nothing hidden, no way out of it, and the same on every file system. */
const FILE_NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9._ @+-]*[A-Za-z0-9_@+-])?$/

export const isSkillId = (value: string): boolean => value.length <= ID_CHARS_MAX && SKILL_ID.test(value)

/** Whether a path with `/` may be one of a skill's files, relative to its folder. */
export function isSkillFile(path: string): boolean {
  const names = path.split('/')
  return names.length <= SKILL_DEPTH_MAX && names.every((name) => name.length <= NAME_CHARS_MAX && FILE_NAME.test(name))
}

/** Where the skill of that file lies and what it is called: the name of its folder, or of the file where it has none. */
export function skillIdOf(path: string): string {
  const names = path.split('/')
  const last = names.pop() ?? ''
  return last === SKILL_FILE ? (names.at(-1) ?? '') : last.replace(/\.md$/, '')
}

/** Of some paths those of the files of a skill: all in its folder, but for what lies in the folder of another below. */
export function filesOfSkill(skill: string, paths: readonly string[]): string[] {
  if (!skill.endsWith(`/${SKILL_FILE}`)) return [skill]
  const folder = skill.slice(0, -SKILL_FILE.length)
  const inside = paths.filter((path) => path.startsWith(folder))
  const others = inside.filter((path) => path !== skill && path.endsWith(`/${SKILL_FILE}`))
  const isOthers = (path: string) => others.some((other) => path.startsWith(other.slice(0, -SKILL_FILE.length)))
  return inside.filter((path) => !isOthers(path)).sort()
}

/**
 * What tells one state of a skill from another: the SHA-256 of its text, or of the hashes of all its files where it has
 * more. `hashes`: by path.
 */
export function skillRevision(skill: string, hashes: Readonly<Record<string, string>>): string {
  const files = filesOfSkill(skill, Object.keys(hashes))
  if (files.length < 2) return hashes[skill] ?? 'missing'
  const folder = skill.slice(0, -SKILL_FILE.length)
  return sha256(canonicalJson(files.map((file) => [file.slice(folder.length), hashes[file]])))
}

/** Members that belong to stage kinds: advice that claims them would be believed by somebody. */
const NOT_FOR_SKILLS = ['required_result_set', 'contract_id', 'contract_compatibility']

/** What the text of a `SKILL.md` says of itself, or everything that is wrong with it. */
export function readSkill(text: string): ReadSkill {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/, LINES_MAX)
  const faults: SkillFault[] = []
  const { fields, end } = frontMatter(lines, faults)
  if (faults.length > 0) return { ok: false, faults }
  const fault = (name: string, message: string) => faults.push({ line: fields.get(name)?.line ?? 1, message })
  const textOf = (name: string): string | null => {
    const value = fields.get(name)?.value
    return typeof value === 'string' && value !== '' ? value : null
  }
  const [assetId, name] = [textOf('asset_id'), textOf('name')]
  const id = assetId ?? name ?? ''
  if (id === '') fault('name', 'asset_id (or name) is missing: the id of the skill')
  else if (!isSkillId(id))
    fault(
      assetId === null ? 'name' : 'asset_id',
      `the id is lower-case words joined by ".", "_" or "-", at most ${ID_CHARS_MAX} characters`,
    )
  if (assetId !== null && name !== null && assetId !== name) fault('name', 'asset_id and name differ')
  if ((textOf('asset_type') ?? 'skill') !== 'skill') fault('asset_type', 'asset_type of a skill is skill')
  if ((textOf('advisory_only') ?? 'true') !== 'true') fault('advisory_only', 'a skill is advisory_only: true')
  const description = textOf('description') ?? ''
  if (description === '') fault('description', 'description is missing: one sentence by which the skill is chosen')
  if (description.length > DESCRIPTION_CHARS_MAX)
    fault('description', `description is longer than ${DESCRIPTION_CHARS_MAX} characters`)
  for (const one of NOT_FOR_SKILLS)
    if (fields.has(one)) fault(one, `a skill has no ${one}: what a stage owes is said by its stage kind`)
  const title = headingOf(lines, end)
  if (title === null) faults.push({ line: end + 1, message: 'there is no heading: "# " and the title' })
  if (title === null || faults.length > 0) return { ok: false, faults }
  const stages = fields.get('recommended_for_stages')?.value
  return {
    ok: true,
    skill: {
      id,
      title,
      description,
      version: textOf('version'),
      capability_type: textOf('capability_type'),
      recommended_for_stages: Array.isArray(stages) ? stages : [],
    },
  }
}

/** The skill in a text, or `asset_invalid` with the first thing that is wrong with it. `file`: as people know it. */
export function requireSkill(text: string, file: string): Skill {
  const read = readSkill(text)
  if (read.ok) return read.skill
  const [first, ...more] = read.faults
  const others = more.length === 0 ? '' : ` (and ${more.length} more)`
  throw new MillraceError('asset_invalid', `${file}, line ${first!.line}: ${first!.message}${others}.`, {
    hint: 'see how another one begins with `millrace skills show ID --text`',
  })
}

interface Field {
  value: string | string[]
  line: number
}

const KEY = /^([A-Za-z][\w-]*):(?:\s+(.*))?$/s
const ITEM = /^\s+-\s+(.*)$|^-\s+(.*)$/s
const MARK = /^---\s*$/

/** The fields between the two marks, and the index of the line behind them. */
function frontMatter(lines: readonly string[], faults: SkillFault[]): { fields: Map<string, Field>; end: number } {
  const fields = new Map<string, Field>()
  const closing = MARK.test(lines[0] ?? '') ? lines.findIndex((line, at) => at > 0 && MARK.test(line)) : -1
  if (closing < 0) {
    faults.push({ line: 1, message: 'the file does not begin with front matter between two lines "---"' })
    return { fields, end: 0 }
  }
  for (let at = 1; at < closing; at++) {
    const line = lines[at]!
    if (/^\s*(#|$)/.test(line)) continue
    const [, key, rest = ''] = KEY.exec(line) ?? []
    if (key === undefined) {
      faults.push({ line: at + 1, message: 'front matter has lines "key: value" only' })
      continue
    }
    if (fields.has(key)) faults.push({ line: at + 1, message: `${key} is there twice` })
    let below = at + 1
    while (below < closing && /^(\s|-\s|$)/.test(lines[below]!)) below++
    fields.set(key, { value: fieldValue(rest.trim(), lines.slice(at + 1, below)), line: at + 1 })
    at = below - 1
  }
  return { fields, end: closing + 1 }
}

/** `below`: the lines that belong to the value as well. */
function fieldValue(rest: string, below: readonly string[]): string | string[] {
  if (/^[>|][+-]?$/.test(rest)) return joined(below)
  const items = below.flatMap((line) => {
    const [, indented, flush] = ITEM.exec(line) ?? []
    const item = indented ?? flush
    return item === undefined ? [] : [scalar(item.trim())]
  })
  if (rest === '' || rest.startsWith('#')) return items.length > 0 ? items : joined(below)
  if (rest.startsWith('[') && rest.endsWith(']')) {
    return rest
      .slice(1, -1)
      .split(',')
      .map((one) => scalar(one.trim()))
      .filter((one) => one !== '')
  }
  return [scalar(rest), joined(below)].filter((part) => part !== '').join(' ')
}

const joined = (lines: readonly string[]): string =>
  lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' ')

function scalar(text: string): string {
  const quote = text[0]
  const closing = quote === '"' || quote === "'" ? text.indexOf(quote, 1) : -1
  if (closing > 0) return text.slice(1, closing)
  const comment = text.search(/\s#/)
  return comment < 0 ? text : text.slice(0, comment).trimEnd()
}

/** The first heading behind the front matter, outside of code. */
function headingOf(lines: readonly string[], from: number): string | null {
  let isCode = false
  for (const line of lines.slice(from)) {
    if (/^\s*(```|~~~)/.test(line)) isCode = !isCode
    const title = isCode || !line.startsWith('# ') ? '' : line.slice(2).trim()
    if (title !== '') return title
  }
  return null
}
