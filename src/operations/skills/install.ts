/** Installing a skill from this machine into the workspace. Whoever holds the lock writes it; nothing is fetched. */
import * as path from 'node:path'
import { MillraceError } from '../../core/errors.ts'
import type { Operation } from '../../core/operation.ts'
import { requireSkill, SKILL_FILE } from '../../core/skill.ts'
import { payload } from '../../store/file-operation/file-operation.ts'
import { readText, utf8 } from '../../store/files.ts'
import { AT } from '../../store/layout.ts'
import { readSkillFolder } from '../../store/skill-folder.ts'
import { type Context, placesIn, requireWorkspace } from '../context.ts'
import { type Issued, issue } from '../issue.ts'
import { reloaded } from '../reload.ts'
import { skillsOf } from './find.ts'
import { filesAt } from './source.ts'

interface InstallInput {
  source: string
  force?: boolean
  update?: boolean
}

export const skillsInstall: Operation<Context, InstallInput, Issued> = {
  name: 'skills install',
  flavour: 'change',
  summary: 'Put a skill into the workspace.',
  description:
    'Takes a folder with a SKILL.md, a SKILL.md alone, or a .zip that `skills export` made, checks it, and puts its files into skills/ of the workspace, with a row in skills_index.md and a line in skill_operations.jsonl. A skill that is there already, a shipped one too, is replaced only with --update (or --force), in its place; the files it had are kept below skills/.replaced/. Links are refused, and nothing is fetched from elsewhere. Stages choose from the index; one always loads it where stage_skill_additions of a mode names it. Runs that are under way keep the text they began with.',
  input: [
    {
      name: 'source',
      type: 'text',
      positional: true,
      required: true,
      placeholder: 'REF',
      description: 'Folder with a SKILL.md, a SKILL.md, or a .zip of an exported skill.',
    },
    { name: 'update', type: 'flag', description: 'Replace the skill of that id; its old files are kept.' },
    { name: 'force', type: 'flag', description: 'The same as --update.' },
  ],
  examples: [
    { command: 'millrace skills install ../our-skills/release-notes', does: 'install a folder' },
    { command: 'millrace skills install release-notes.zip --update', does: 'replace it by a newer one' },
    { command: 'millrace skills install release-notes.zip --dry-run', does: 'see which files would be written' },
  ],
  output: async () => (await import('../schemas.ts')).issuedSchema(),
  async run(context, { source, force, update }) {
    requireWorkspace(context)
    const { from, files } = filesAt(context, source)
    const own = files.find((file) => file.path === SKILL_FILE)
    if (own === undefined) throw noSkill(from)
    const { id } = requireSkill(
      textOf(own.bytes, from),
      path.basename(from) === SKILL_FILE ? from : `${from}: ${SKILL_FILE}`,
    )
    const known = skillsOf(context).filter((skill) => skill.id === id)
    const mayReplace = force === true || update === true
    if (known.length > 1)
      throw new MillraceError(
        'skill_exists',
        `${known.length} skills are called ${id}; which one is meant cannot be told.`,
        {
          hint: `leave one of them: ${known.map(({ file }) => file.path).join(', ')}`,
        },
      )
    if (known[0] !== undefined && !mayReplace)
      throw new MillraceError(
        'skill_exists',
        `There is a skill ${id} already: ${known[0].file.path} (${known[0].file.source}).`,
        {
          hint: 'give --update to replace it; what it holds now is kept',
        },
      )
    const folder = known[0] === undefined ? `${AT.skills}/${id}` : path.posix.dirname(known[0].file.path)
    requireOwnFolder(context, folder)
    const issued = await issue(context, 'install_skill', {
      skill_id: id,
      folder,
      files: files.map(({ path, bytes }) => ({ path, ...payload(bytes) })),
      ...(mayReplace ? { replaces: filesNow(context, folder) } : {}),
      ...packagedIndex(context),
      source: from,
    })
    return reloaded(context, issued, 'the next stage that starts is given it')
  },
}

/** What a link leads to is nothing that a command may write. */
function requireOwnFolder(context: Context, folder: string): void {
  const [places, { files }] = [placesIn(context), context]
  for (let part = folder; part !== '.'; part = path.posix.dirname(part)) {
    const stat = files.stat(places.at(part))
    if (stat !== null && stat.kind !== 'directory')
      throw new MillraceError('asset_invalid', `${places.at(part)} is a link or no folder; nothing was written.`, {
        hint: 'put a folder of its own in its place',
      })
  }
}

const filesNow = (context: Context, folder: string): string[] =>
  readSkillFolder(context.files, placesIn(context).at(folder)).map((file) => file.path)

/** The index to begin with, where the workspace has none. */
function packagedIndex(context: Context): { index?: string } {
  if (context.files.stat(placesIn(context).at(AT.skillsIndex)) !== null) return {}
  const index = readText(context.files, path.join(context.packageRoot, AT.skillsIndex))
  return index === null ? {} : { index }
}

function textOf(bytes: Uint8Array, from: string): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new MillraceError('asset_invalid', `${SKILL_FILE} of ${from} is not UTF-8 text.`)
  }
}

const noSkill = (from: string): MillraceError =>
  new MillraceError('asset_invalid', `${from} holds no ${SKILL_FILE}.`, {
    hint: 'give a folder with a SKILL.md, a SKILL.md, or a .zip that `millrace skills export` made',
  })
