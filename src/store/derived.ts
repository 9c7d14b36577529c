/**
 * Derived copies: what reading many files came to, kept in one. They make reading quick and do nothing else: nothing is
 * decided by one, whatever is wrong with one makes it count as absent, and each may be deleted at any time.
 */
import * as path from 'node:path'
import type { FileStat, Files } from './files.ts'
import type { Places } from './layout.ts'

/**
 * A file that is read this soon after it changed may change again within the same tick of the disk's clock, and look as
 * it did. The coarsest clock still in use ticks every two seconds.
 */
const SETTLED_AFTER_MS = 3000
/** A disk whose clock differs from ours by more than this does not let us tell what is settled. */
const SKEW_MS_MAX = 1000

/** Differs from every earlier one of the same path if the file was changed, replaced or renamed, once that has settled. */
export const stampOf = (stat: FileStat): string => `${stat.bytes} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.inode}`

/** Whether a change after `readAtMs` would show in the stamp. */
export const isSettled = (stat: FileStat, readAtMs: number): boolean =>
  readAtMs - Number(stat.ctimeNs) / 1e6 > SETTLED_AFTER_MS

/** Puts a copy in place; false where that does not work out, which is no trouble. `file` is relative to the runtime root. */
export function writeDerived(files: Files, places: Places, file: string, text: string, nowMs: number): boolean {
  const target = places.at(file)
  const temporary = path.join(path.dirname(target), `.${path.basename(target)}.tmp-millrace`)
  try {
    files.makeFolder(path.dirname(target))
    files.write(temporary, text)
    const writtenMs = Number(files.stat(temporary)?.ctimeNs) / 1e6
    const isInStep = Math.abs(writtenMs - nowMs) <= SKEW_MS_MAX
    if (isInStep) files.rename(temporary, target)
    else files.unlink(temporary)
    return isInStep
  } catch {
    return false
  }
}
