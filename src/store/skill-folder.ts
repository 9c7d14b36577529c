/** The files of a skill as they lie in a folder: bounded, without links, and without what hides. */
import * as path from 'node:path'
import { MillraceError } from '../core/errors.ts'
import { isSkillFile, SKILL_BYTES_MAX, SKILL_DEPTH_MAX, SKILL_FILE, SKILL_FILES_MAX } from '../core/skill.ts'
import type { Files } from './files.ts'

export interface SkillFile {
  /** Relative to the folder of the skill, with `/`. */
  path: string
  bytes: Uint8Array
}

/**
 * All files of the skill in a folder, by path. A skill in a folder below is one of its own: left out, or where the folder
 * comes from elsewhere refused. Throws `asset_invalid`.
 */
export function readSkillFolder(
  files: Files,
  folder: string,
  below: 'leave out' | 'refuse' = 'leave out',
): SkillFile[] {
  const found: SkillFile[] = []
  let bytes = 0
  const walk = (relative: string, depth: number) => {
    for (const name of (files.list(path.join(folder, relative)) ?? []).sort()) {
      if (name.startsWith('.')) continue
      const child = relative === '' ? name : `${relative}/${name}`
      const at = path.join(folder, child)
      const stat = files.stat(at)
      if (stat === null) continue
      if (stat.kind === 'directory') {
        if (files.stat(path.join(at, SKILL_FILE)) === null) {
          if (depth >= SKILL_DEPTH_MAX) throw refused(at, `lies more than ${SKILL_DEPTH_MAX} folders deep`)
          walk(child, depth + 1)
        } else if (below === 'refuse') throw refused(at, 'is another skill inside of this one')
        continue
      }
      if (stat.kind !== 'file') throw refused(at, 'is a link or no plain file; a skill consists of files and folders')
      if (!isSkillFile(child)) throw refused(at, 'has a name that a skill cannot carry to every machine')
      bytes += stat.bytes
      if (bytes > SKILL_BYTES_MAX) throw refused(folder, `holds more than ${SKILL_BYTES_MAX} bytes`)
      if (found.length >= SKILL_FILES_MAX) throw refused(folder, `holds more than ${SKILL_FILES_MAX} files`)
      found.push({ path: child, bytes: files.read(at) ?? new Uint8Array() })
    }
  }
  walk('', 1)
  return found.sort((a, b) => (a.path < b.path ? -1 : 1))
}

const refused = (file: string, why: string): MillraceError =>
  new MillraceError('asset_invalid', `${file} ${why}.`, { hint: 'take it out, then run the command again' })
