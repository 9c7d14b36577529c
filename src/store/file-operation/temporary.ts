/** Files are written under a temporary name beside their own, which then takes their name: nobody sees half of one. */
import * as path from 'node:path'
import { type Files, unlinkIfThere } from '../files.ts'
import type { Applying, FileOperation } from './file-operation.ts'

/** Creates the folder of a file; every folder that was created, and its parent, must be flushed too. */
export function makeParent(files: Files, target: string, touched: Set<string>): void {
  const created = files.makeFolder(path.dirname(target))
  if (created === null) return
  const top = path.dirname(created)
  for (let folder = path.dirname(target); folder.length >= top.length; folder = path.dirname(folder)) {
    touched.add(folder)
    if (folder === top) return
  }
}

/** Writes a file whole, over whatever has its name. */
export function writeWhole(applying: Applying, target: string, bytes: Uint8Array | string): void {
  applying.files.rename(writeTemporary(applying, target, bytes), target)
}

/** Writes a sibling of the file, in the folder of which it makes what is missing; gives its path. */
export function writeTemporary(
  { files, generation, touched }: Applying,
  target: string,
  bytes: Uint8Array | string,
  mode?: number,
): string {
  makeParent(files, target, touched)
  const temporary = temporaryOf(target, generation)
  const options = { exclusive: true, ...(mode === undefined ? {} : { mode }) }
  try {
    files.write(temporary, bytes, options)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    // Left by a crash, and perhaps a second name of the very file: it is never written in place.
    unlinkIfThere(files, temporary)
    files.write(temporary, bytes, options)
  }
  return temporary
}

export const temporaryOf = (target: string, generation: number): string =>
  path.join(path.dirname(target), `${temporaryStart(target)}${generation}.tmp-millrace`)

const temporaryStart = (target: string): string => `.${path.basename(target).slice(0, 200)}.`

/** Whether a name is that of a half-written file: of a transaction, or of `init`. */
export const isTemporary = (name: string): boolean => /^\..+\.(\d+\.tmp-millrace|tmp-init)$/.test(name)

/**
 * Removes the temporary files that other generations left beside what an operation writes. A holder that was stopped
 * right before it renamed one, and wakes after it was succeeded, then finds nothing to rename.
 */
export function dropTemporaries({ files, root, generation }: Applying, operation: FileOperation): void {
  if (operation.op !== 'put' && operation.op !== 'move') return
  const target = path.join(root, operation.op === 'put' ? operation.path : operation.to)
  const start = temporaryStart(target)
  for (const name of files.list(path.dirname(target)) ?? []) {
    const number = name.startsWith(start) ? /^(\d+)\.tmp-millrace$/.exec(name.slice(start.length))?.[1] : undefined
    if (number !== undefined && Number(number) !== generation)
      unlinkIfThere(files, path.join(path.dirname(target), name))
  }
}
