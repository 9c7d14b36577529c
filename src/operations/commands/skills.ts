/** The command that puts the files of a skill into the workspace, new or in place of others, and lists it in the index. */
import { type Change, Draft, type FileContent } from '../../core/changes.ts'
import { MillraceError } from '../../core/errors.ts'
import { sha256 } from '../../core/ids.ts'
import type { ChangeOperation } from '../../core/operation.ts'
import { text as isText, listOf, maybe, record } from '../../core/shape.ts'
import {
  isSkillFile,
  isSkillId,
  requireSkill,
  SKILL_BYTES_MAX,
  SKILL_FILE,
  SKILL_FILES_MAX,
  type Skill,
  skillIdOf,
} from '../../core/skill.ts'
import { withIndexRow } from '../../core/skill-index.ts'
import type { View } from '../../core/view.ts'
import { AT, stampOf } from '../../store/layout.ts'
import { named } from './interventions.ts'
import { done, only, text, unchanged } from './payload.ts'

interface SentFile {
  path: string
  content: FileContent
}

/**
 * `folder`: where it belongs, relative to the runtime root. `replaces`: the files that lie there now, if they may be
 * replaced; those that are not among the new ones go too. `index`: the index to begin with where the workspace has none.
 */
export const installSkill: ChangeOperation = (context, payload) => {
  only(payload, 'skill_id', 'folder', 'files', 'replaces', 'index', 'source')
  const { view } = context
  const skillId = text(payload, 'skill_id')
  const folder = folderIn(text(payload, 'folder'), skillId)
  const files = filesIn(payload.files)
  const source = text(payload, 'source')
  const own = files.find(({ path }) => path === SKILL_FILE)
  if (own === undefined || !('text' in own.content)) throw misfit(`a ${SKILL_FILE} that is text`)
  const skill = requireSkill(own.content.text, SKILL_FILE)
  if (skill.id !== skillId) throw misfit(`files of the skill ${skillId}, not of ${skill.id}`)

  const replaced = replacedIn(payload.replaces)
  const at = (path: string) => `${folder}/${path}`
  const old = [...files, ...(replaced ?? []).map((path) => ({ path }))].filter(
    ({ path }) => view.hashOf(named(at(path))) !== null,
  )
  const kept = `${AT.skills}/.replaced/${skillId}.${stampOf(view.now)}.${context.hex(8)}`
  const changes = [
    ...files.flatMap(({ path, content }) => put(view, at(path), content, `${kept}/${path}`)),
    ...(replaced ?? [])
      .filter((path) => !files.some((file) => file.path === path))
      .flatMap((path) => takenAway(view, at(path), `${kept}/${path}`)),
  ]
  if (changes.length === 0) return unchanged(`${skillId} is installed already, with the same files`)
  if (old.length > 0 && replaced === null)
    throw new MillraceError('skill_exists', `The skill ${skillId} is there already, in ${named(folder)}.`, {
      hint: 'give --update to replace it; what it holds now is kept',
    })

  const wasKept = changes.some((one) => one.change === 'file.move' || (one.change === 'file.put' && one.hash !== null))
  const operation = replaced === null ? 'install' : 'update'
  const file = at(SKILL_FILE)
  const what = {
    skill_id: skillId,
    source,
    destination: named(file),
    sha256: sha256(own.content.text),
    kept_as: wasKept ? named(kept) : null,
  }
  const draft = new Draft(view)
  draft.add(...changes, ...listed(view, payload, skill, file))
  draft.add({
    change: 'line.append',
    path: AT.skillOperations,
    record: { at: view.now, operation, ...what, actor: context.issuer },
  })
  draft.event('skill_installed', { operation, ...what })
  const told = what.kept_as === null ? '' : `; what it held is kept in ${what.kept_as}`
  return done(draft, `${operation === 'install' ? 'installed' : 'updated'} the skill ${skillId}${told}`, {
    artifact_path: named(file),
    skill_id: skillId,
    files: files.length,
    sha256: what.sha256,
    kept_as: what.kept_as,
  })
}

/** The index with a row for the skill; the packaged one, which whoever sent the command has read, where there is none. */
function listed(view: View, payload: Record<string, unknown>, skill: Skill, file: string): Change[] {
  const index = view.readFile(named(AT.skillsIndex))
  const given = payload.index ?? ''
  if (typeof given !== 'string' || given.length > SKILL_BYTES_MAX) throw misfit('index as text')
  // Nothing is put in the place of an index that is no text.
  if (index === null && view.hashOf(named(AT.skillsIndex)) !== null) return []
  const text = withIndexRow(index ?? given, {
    id: skill.id,
    description: skill.description,
    stages: skill.recommended_for_stages,
    path: file.slice(AT.skills.length + 1),
  })
  return put(view, AT.skillsIndex, { text }, null)
}

/** Nothing where it holds these very bytes. */
function put(view: View, path: string, content: FileContent, keep: string | null): Change[] {
  const hash = view.hashOf(named(path))
  if (hash === sha256('text' in content ? content.text : Buffer.from(content.base64, 'base64'))) return []
  return [{ change: 'file.put', path, content, mode: null, hash, keep: hash === null ? null : keep }]
}

function takenAway(view: View, from: string, to: string): Change[] {
  const hash = view.hashOf(named(from))
  return hash === null ? [] : [{ change: 'file.move', from, to, hash }]
}

const misfit = (needs: string): MillraceError =>
  new MillraceError('mailbox_invalid', `The command install_skill needs ${needs}.`, {
    hint: 'install skills with `millrace skills install`',
  })

function folderIn(folder: string, skillId: string): string {
  const [top, ...below] = folder.split('/')
  if (!isSkillId(skillId)) throw misfit('a skill_id that is one')
  if (top !== AT.skills || !isSkillFile(below.join('/')) || skillIdOf(`${folder}/${SKILL_FILE}`) !== skillId)
    throw misfit(`a folder below ${AT.skills}/ that is called ${skillId}`)
  return folder
}

const isSent = listOf(record({ path: isText, text: maybe(isText), base64: maybe(isText) }))

function filesIn(value: unknown): SentFile[] {
  if (!isSent(value) || value.length === 0 || value.length > SKILL_FILES_MAX)
    throw misfit(`between 1 and ${SKILL_FILES_MAX} files, each with path and text (or base64)`)
  const folded = value.map(({ path }) => path.toLowerCase())
  if (value.some(({ path }) => !isSkillFile(path)) || new Set(folded).size < folded.length)
    throw misfit('files with safe paths, no two of which differ only in case')
  const files = value.map(({ path, text, base64 }): SentFile => {
    if (typeof text === 'string') return { path, content: { text } }
    return { path, content: { base64: Buffer.from(base64 ?? '', 'base64').toString('base64') } }
  })
  const bytes = files.reduce((sum, { content }) => sum + bytesIn(content), 0)
  if (bytes > SKILL_BYTES_MAX) throw misfit(`files of at most ${SKILL_BYTES_MAX} bytes`)
  return files
}

const bytesIn = (content: FileContent): number =>
  'text' in content ? Buffer.byteLength(content.text) : Buffer.byteLength(content.base64, 'base64')

function replacedIn(value: unknown): string[] | null {
  if (value === undefined) return null
  if (!listOf(isText)(value) || value.length > SKILL_FILES_MAX || !value.every(isSkillFile))
    throw misfit('replaces to list files by safe paths')
  return value
}
