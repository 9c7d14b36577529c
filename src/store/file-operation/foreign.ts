/** What somebody else left where a transaction writes is kept, whatever becomes of the transaction. */
import * as path from 'node:path'
import { jsonText } from '../../core/json.ts'
import { isWithoutLinks } from '../files.ts'
import { type Found, look } from '../look.ts'
import type { Applying } from './file-operation.ts'
import { writeWhole } from './temporary.ts'

/** Different foreign bytes met at one path by one transaction, over all attempts to apply it. */
const KEPT_MAX = 100

/**
 * Keeps what a person left in our way under a name of its own, with a note on why. Durable when it returns, so that
 * whatever takes its place can be written. A file stays where it is as well; anything else is moved out of the way.
 */
export async function keepForeign(applying: Applying, relative: string): Promise<void> {
  const { files, root, revision, onForeign } = applying
  const target = path.join(root, relative)
  const found = look(files, target)
  if (found === null) return
  const kept = keptName(applying, relative, found)
  const keptAt = path.join(root, kept)
  const findings = `${keptAt}.findings.json`
  if (files.stat(keptAt) === null) {
    if (found === 'other') files.rename(target, keptAt)
    else linkOrCopy(applying, target, keptAt, found.bytes)
  }
  if (files.stat(findings) === null) {
    const what = `This had been changed by someone while a transaction was being carried out; what they left is in ${path.basename(kept)}.`
    const note = { file: relative, kept_as: kept, revision, found: what }
    writeWhole(applying, findings, jsonText(note))
  }
  await files.flush([...(found === 'other' ? [] : [keptAt]), findings, path.dirname(keptAt)])
  onForeign?.(relative, kept)
}

/** `<name>.conflict-<revision>`, numbered if something else is kept under it; the one in use if it is kept already. */
function keptName({ files, root, revision }: Applying, relative: string, found: Exclude<Found, null>): string {
  for (let number = 1; number <= KEPT_MAX; number++) {
    const kept = `${relative}.conflict-${revision}${number === 1 ? '' : `.${number}`}`
    const there = look(files, path.join(root, kept))
    if (there === null || (there !== 'other' && found !== 'other' && there.hash === found.hash)) return kept
  }
  throw new Error(`${relative} was changed by others more than ${KEPT_MAX} times during one transaction`)
}

/** A link costs nothing and can't be torn; a copy where there are no links. */
function linkOrCopy(applying: Applying, target: string, keptAt: string, bytes: Uint8Array): void {
  try {
    applying.files.link(target, keptAt)
  } catch (error) {
    if (!isWithoutLinks(error)) throw error
    writeWhole(applying, keptAt, bytes)
  }
}
