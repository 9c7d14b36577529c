/** A skill as one zip file: the same bytes for the same files, and read without trusting it. */
import { crc32 } from 'node:zlib'
import { unzipSync, type Zippable, zipSync } from 'fflate'
import { MillraceError } from '../../core/errors.ts'
import { isSkillFile, SKILL_BYTES_MAX, SKILL_FILE, SKILL_FILES_MAX } from '../../core/skill.ts'
import type { SkillFile } from '../../store/skill-folder.ts'
import { checksumsOf } from './zip-checksums.ts'

/** Of the archive itself; what is in it is bounded as any skill is. */
export const ARCHIVE_BYTES_MAX = 2 * 1024 * 1024
/** The first day a zip file can tell, which it does in local time. */
const noTime = (): Date => new Date(1980, 0, 1)
const UNIX = 3
const PLAIN_FILE = (0o100644 << 16) >>> 0
const DEFLATE = 8
const STORED = 0

/** All files below a folder of the skill's name. */
export function archiveOf(skillId: string, files: readonly SkillFile[]): Uint8Array {
  const entries: Zippable = {}
  for (const { path, bytes } of files) {
    entries[`${skillId}/${path}`] = [bytes, { level: 9, mtime: noTime(), os: UNIX, attrs: PLAIN_FILE }]
  }
  return zipSync(entries)
}

/** The files of the skill in an archive, relative to its folder, by path. `name`: as people know it. Throws `asset_invalid`. */
export function filesIn(archive: Uint8Array, name: string): SkillFile[] {
  const refused = (why: string) =>
    new MillraceError('asset_invalid', `${name} ${why}.`, {
      hint: 'give a .zip that `millrace skills export` made, a folder with a SKILL.md, or a SKILL.md',
    })
  const checksums = checksumsOf(archive)
  if (checksums === null) throw refused('is no zip file, or a damaged one')
  /** By name, of what is unpacked; fflate asks for each entry in the order of the directory. */
  const expected = new Map<string, number | undefined>()
  let entries = 0
  let bytes = 0
  let count = 0
  let unpacked: Record<string, Uint8Array>
  try {
    unpacked = unzipSync(archive, {
      filter(file) {
        const checksum = checksums[entries]
        entries += 1
        if (file.name.endsWith('/') || isHidden(file.name)) return false
        if (!file.name.split('/').every(isSkillFile)) throw refused(badName(file.name))
        const isWhole = file.compression === STORED && file.size === file.originalSize
        if (!isWhole && file.compression !== DEFLATE) throw refused('is packed in a way that is not understood')
        bytes += file.originalSize
        count += 1
        if (bytes > SKILL_BYTES_MAX) throw refused(`holds more than ${SKILL_BYTES_MAX} bytes`)
        if (count > SKILL_FILES_MAX) throw refused(`holds more than ${SKILL_FILES_MAX} files`)
        expected.set(file.name, checksum)
        return true
      },
    })
  } catch (error) {
    if (MillraceError.is(error)) throw error
    throw refused('is no zip file, or a damaged one')
  }
  const names = Object.keys(unpacked).sort()
  const torn = names.find((one) => crc32(unpacked[one]!) !== expected.get(one))
  if (torn !== undefined) throw refused(`is damaged: ${shown(torn)} is not what its checksum says`)
  const owns = names.filter((one) => one.split('/').at(-1) === SKILL_FILE)
  if (owns.length !== 1) throw refused(`holds ${owns.length === 0 ? 'no' : 'more than one'} ${SKILL_FILE}`)
  const top = owns[0]!.slice(0, -SKILL_FILE.length)
  if (top.split('/').length > 2 || names.some((one) => !one.startsWith(top)))
    throw refused(`does not have ${SKILL_FILE} at its top, or in the one folder that is there`)
  const files = names.map((one) => ({ path: one.slice(top.length), bytes: unpacked[one]! }))
  const deep = files.find(({ path }) => !isSkillFile(path))
  if (deep !== undefined) throw refused(badName(deep.path))
  return files
}

const badName = (name: string): string => `holds ${shown(name)}, which is no name that a skill's file may have`

const SHOWN_CHARS_MAX = 80

const shown = (name: string): string => JSON.stringify(name.slice(0, SHOWN_CHARS_MAX))

/** What macOS and editors put beside files. */
const isHidden = (name: string): boolean =>
  name.split('/').some((part) => part !== '..' && (part.startsWith('.') || part === '__MACOSX'))
