/** Where a skill to be installed comes from: a folder, a file or an archive of this machine. */
import * as path from 'node:path'
import { MillraceError } from '../../core/errors.ts'
import { SKILL_BYTES_MAX, SKILL_FILE } from '../../core/skill.ts'
import { readSkillFolder, type SkillFile } from '../../store/skill-folder.ts'
import type { Context } from '../context.ts'
import { ARCHIVE_BYTES_MAX, filesIn } from './archive.ts'

const KINDS = 'a folder with a SKILL.md, a SKILL.md, or a .zip that `millrace skills export` made'

/** `from`: the absolute path that was meant. Throws `file_unreadable`, `asset_invalid`, and `usage` for what lies elsewhere. */
export function filesAt({ files }: Context, source: string): { from: string; files: SkillFile[] } {
  const from = path.resolve(source)
  const stat = files.stat(from)
  if (stat === null && /^[a-z][a-z0-9+.-]*:\/\/|^[\w.-]+@[\w.-]+:/i.test(source))
    throw new MillraceError('usage', `${source} lies elsewhere, and Millrace fetches no skills.`, {
      hint: `get it onto this machine, read it, then give ${KINDS}`,
    })
  if (stat === null)
    throw new MillraceError('file_unreadable', `There is no ${from}.`, { hint: `give ${KINDS}; nothing is fetched` })
  if (stat.kind === 'directory') return { from, files: readSkillFolder(files, from, 'refuse') }
  if (stat.kind !== 'file')
    throw new MillraceError('asset_invalid', `${from} is a link or no plain file.`, { hint: `give ${KINDS}` })
  const isArchive = /\.zip$/i.test(from)
  const bytesMax = isArchive ? ARCHIVE_BYTES_MAX : SKILL_BYTES_MAX
  if (stat.bytes > bytesMax) throw new MillraceError('asset_invalid', `${from} is larger than ${bytesMax} bytes.`)
  const bytes = files.read(from) ?? new Uint8Array()
  if (isArchive) return { from, files: filesIn(bytes, from) }
  if (path.basename(from) === SKILL_FILE) return { from, files: [{ path: SKILL_FILE, bytes }] }
  throw new MillraceError('asset_invalid', `${from} is no skill.`, { hint: `give ${KINDS}` })
}
