/** A skill as one file, to be carried elsewhere. */
import * as path from 'node:path'
import { MillraceError } from '../../core/errors.ts'
import { sha256 } from '../../core/ids.ts'
import type { Operation } from '../../core/operation.ts'
import { requireSkill, SKILL_FILE } from '../../core/skill.ts'
import { readSkillFolder } from '../../store/skill-folder.ts'
import type { Context } from '../context.ts'
import type { SkillsExportOutput } from '../schemas/skills.ts'
import { archiveOf } from './archive.ts'
import { skillField } from './fields.ts'
import { folderOf, requireKnown, skillsOf } from './find.ts'

interface ExportInput {
  skill_id: string
  output?: string
  force?: boolean
}

export const skillsExport: Operation<Context, ExportInput, SkillsExportOutput> = {
  name: 'skills export',
  flavour: 'read',
  summary: 'Write a skill as one .zip file.',
  description:
    'Packs the files of a skill into a zip archive that `skills install` takes: the same files give the same bytes. The archive is written outside of the workspace’s state and nothing else is changed; a different file that lies there already stays, unless --force is given.',
  input: [
    skillField,
    {
      name: 'output',
      type: 'text',
      placeholder: 'FILE',
      description: 'Archive to write (default: ID.zip in the current folder).',
    },
    { name: 'force', type: 'flag', description: 'Also over a file that holds something else.' },
  ],
  examples: [
    { command: 'millrace skills export marathon-qa-audit', does: 'write marathon-qa-audit.zip here' },
    { command: 'millrace skills export checker-core --output ../checker.zip', does: 'write it elsewhere' },
  ],
  output: async () => (await import('../schemas.ts')).skillsExportSchema(),
  async run(context, { skill_id, output, force }) {
    const known = requireKnown(skillsOf(context), skill_id)
    if (path.posix.basename(known.file.path) !== SKILL_FILE)
      throw new MillraceError('asset_invalid', `${known.file.path} is a text without a folder of its own.`, {
        hint: `make it a skill first: a folder that holds it as ${SKILL_FILE}`,
      })
    const { id } = requireSkill(known.file.text, known.file.path)
    const files = readSkillFolder(context.files, folderOf(context, known))
    const archive = archiveOf(id, files)
    const target = path.resolve(output ?? `${id}.zip`)
    return {
      skill_id: id,
      output: target,
      bytes: archive.length,
      sha256: sha256(archive),
      files: files.map((file) => file.path),
      written: await write(context, target, archive, force === true),
    }
  },
}

/** False if the very same bytes lay there. Throws `file_exists`, `file_unreadable`. */
async function write({ files, clock }: Context, target: string, bytes: Uint8Array, force: boolean): Promise<boolean> {
  const stat = files.stat(target)
  if (stat?.kind === 'file' && stat.bytes === bytes.length && sha256(files.read(target) ?? '') === sha256(bytes))
    return false
  if (stat !== null && (!force || stat.kind !== 'file'))
    throw new MillraceError('file_exists', `${target} is there already and holds something else.`, {
      hint:
        stat.kind === 'file' ? 'name another with --output, or replace it with --force' : 'name another with --output',
    })
  if (files.stat(path.dirname(target))?.kind === undefined)
    throw new MillraceError('file_unreadable', `There is no folder ${path.dirname(target)}.`, {
      hint: 'make it, or name a file in a folder that is there',
    })
  const temporary = path.join(path.dirname(target), `.${path.basename(target)}.${clock.hex(8)}.tmp`)
  files.write(temporary, bytes, { exclusive: true, mode: 0o644 })
  files.rename(temporary, target)
  return true
}
