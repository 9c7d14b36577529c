/**
 * Applying an operation, however much of it is done already: as left → done; as expected, or torn by a crash → do it;
 * anything else is foreign and is kept beside. In which order they are applied and when they count as durable is the
 * journal's part.
 */
import * as path from 'node:path'
import { type FileStat, type Files, isWithoutLinks, unlinkIfThere } from '../files.ts'
import { type Found, isPresent, isSameFile, look, sizeOf } from '../look.ts'
import { appendStep, isTorn } from './append-step.ts'
import { type Applying, bytesOf, type FileOperation } from './file-operation.ts'
import { keepForeign } from './foreign.ts'
import { makeParent, temporaryOf, writeTemporary, writeWhole } from './temporary.ts'

/** Applies one operation. Idempotent; flushes only foreign bytes, before what they are in the way of is written. */
export async function applyOperation(applying: Applying, operation: FileOperation): Promise<void> {
  switch (operation.op) {
    case 'put':
      return put(applying, operation)
    case 'move':
      return move(applying, operation)
    case 'append':
      return append(applying, operation)
    case 'remove':
      return remove(applying, operation)
    case 'discard':
      return discard(applying, operation)
  }
}

async function put(applying: Applying, operation: FileOperation & { op: 'put' }): Promise<void> {
  const { files, root, touched } = applying
  const target = path.join(root, operation.path)
  const bytes = bytesOf(operation.content)
  const found = look(files, target)
  touched.add(target).add(path.dirname(target))
  if (found !== null && found !== 'other' && found.hash === operation.leaves) {
    // Its second name, where a crash came between making the one and taking away the other.
    const second = temporaryOf(target, applying.generation)
    if (files.stat(second) !== null) unlinkIfThere(files, second)
    return
  }
  if (found === 'other' || (found !== null && found.hash !== operation.expects && !isTorn(found.bytes, bytes))) {
    await keepForeign(applying, operation.path)
  }
  const temporary = writeTemporary(applying, target, bytes, operation.mode)
  // What a person saved while it was written is kept too: a link refuses a name that is taken since.
  if (found === null && linked(files, temporary, target)) return unlinkIfThere(files, temporary)
  if (found === null || found === 'other' || isChanged(files, target, found.stat))
    await keepForeign(applying, operation.path)
  files.rename(temporary, target)
}

/** True once `to` is a second name of the file; false if the name is taken, or the file system has no links. */
function linked(files: Files, from: string, to: string): boolean {
  try {
    files.link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' || isWithoutLinks(error)) return false
    throw error
  }
}

function isChanged(files: Files, file: string, before: FileStat): boolean {
  const now = files.stat(file)
  return now !== null && (now.mtimeNs !== before.mtimeNs || now.bytes !== before.bytes || !isSameFile(now, before))
}

async function remove(applying: Applying, operation: FileOperation & { op: 'remove' }): Promise<void> {
  const { files, root, touched } = applying
  const target = path.join(root, operation.path)
  const found = look(files, target)
  touched.add(path.dirname(target))
  if (found === null) return
  if (found === 'other' || found.hash !== operation.hash) await keepForeign(applying, operation.path)
  unlinkIfThere(files, target)
}

/** A power failure may leave both names, or none: then what is left of it goes too, or is gone already. */
function discard({ files, root, touched }: Applying, operation: FileOperation & { op: 'discard' }): void {
  const from = path.join(root, operation.path)
  const to = path.join(root, operation.to)
  touched.add(path.dirname(to)).add(path.dirname(from))
  if (files.stat(from) === null) return
  makeParent(files, to, touched)
  files.rename(from, freeName(files, to))
}

/** The name, or the first like it that nothing has: every recovery that is cut short may leave another. */
function freeName(files: Files, wanted: string): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? wanted : `${wanted}.again${number === 2 ? '' : `-${number - 1}`}`
    if (files.stat(name) === null) return name
  }
}

async function move(applying: Applying, operation: FileOperation & { op: 'move' }): Promise<void> {
  const { files, root, touched } = applying
  const from = path.join(root, operation.from)
  const to = path.join(root, operation.to)
  const carried = operation.content === null ? null : bytesOf(operation.content)
  const isOurs = (found: Exclude<Found, 'other' | null>) => carried !== null && isTorn(found.bytes, carried)
  const target = isPresent(files, to) ? look(files, to) : null
  let source = isPresent(files, from) ? look(files, from) : null
  touched.add(to).add(path.dirname(to)).add(path.dirname(from))
  if (target !== null && target !== 'other') {
    if (source !== null && source !== 'other' && isSameFile(source.stat, target.stat)) {
      unlinkIfThere(files, from)
      source = null
    }
    // Moved already. A source that is there again is somebody's new file: it stays where they put it.
    if (target.hash === operation.hash) return
  }
  // Nothing to put there: what a person made of the document at its destination is all there is.
  if (source === null && carried === null) return
  if (target !== null) {
    if (target === 'other' || !isOurs(target)) await keepForeign(applying, operation.to)
    unlinkIfThere(files, to)
  }
  if (source !== null && source !== 'other' && (source.hash === operation.hash || carried === null)) {
    return relink(applying, from, to, carried)
  }
  if (source !== null) {
    if (source === 'other' || !isOurs(source)) await keepForeign(applying, operation.from)
    unlinkIfThere(files, from)
  }
  if (carried !== null) writeWhole(applying, to, carried)
}

async function relink(applying: Applying, from: string, to: string, carried: Buffer | null): Promise<void> {
  const { files, touched } = applying
  makeParent(files, to, touched)
  try {
    files.link(from, to)
    // The record can't bring it back, so the new name is made durable before the old one goes.
    if (carried === null) await files.flush([...touched])
  } catch (error) {
    if (!isWithoutLinks(error)) throw error
    // The destination was free a moment ago. A rename can't cross devices either; then the carried bytes are written.
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV' || carried === null) {
      files.rename(from, to)
      return
    }
    writeWhole(applying, to, carried)
  }
  unlinkIfThere(files, from)
}

async function append(applying: Applying, operation: FileOperation & { op: 'append' }): Promise<void> {
  const { files, root, touched, onGap } = applying
  const target = path.join(root, operation.path)
  const bytes = bytesOf(operation.content)
  const kind = files.stat(target)?.kind ?? 'file'
  if (kind !== 'file' && look(files, target) === 'other') await keepForeign(applying, operation.path)
  makeParent(files, target, touched)
  touched.add(target).add(path.dirname(target))
  for (let attempt = 1; attempt <= APPENDS_MAX; attempt++) {
    const size = sizeOf(files, target)
    const read = (at: number, length: number) => files.readRange(target, at, length) ?? Buffer.alloc(0)
    const step = appendStep(size, read, operation.offset, bytes)
    if (step === null) return
    if (step.keep < size) files.truncate(target, step.keep)
    files.append(target, step.add)
    if (step.gap) onGap?.(operation.path)
    // Somebody else may have written in the same moment, and ours may stand behind half a line of theirs.
    if (sizeOf(files, target) === step.keep + step.add.length) return
  }
}

/** Others that write into a log of ours do so now and then, not in every moment. */
const APPENDS_MAX = 5
