/**
 * The five file operations of a transaction, and how to apply one however much of it is done already: as left → done;
 * as expected, or torn by a crash → do it; anything else is foreign and is kept beside. In which order they are applied
 * and when they count as durable is the journal's part.
 */
import * as path from 'node:path'
import type { FileContent } from '../core/changes.ts'
import { integer, maybe, orNull, record, type Shape, text } from '../core/shape.ts'
import { type FileStat, type Files, hashBytes } from './files.ts'

export type FileOperation =
  /**
   * Writes a temporary sibling, which then takes the name. `expects`: hash of the bytes to replace, or null for absent.
   * `mode`: permission bits, as far as the umask lets them.
   */
  | { op: 'put'; path: string; content: FileContent; expects: string | null; leaves: string; mode?: number | undefined }
  /** Carries the bytes, so that a disk which lost both names loses nothing; null for documents too large to carry. */
  | { op: 'move'; from: string; to: string; content: FileContent | null; hash: string }
  | { op: 'append'; path: string; offset: number; content: FileContent }
  | { op: 'remove'; path: string; hash: string }
  /** Takes a file or folder away whole, with all that is in it, to a name of its own where what goes is kept until it is deleted. */
  | { op: 'discard'; path: string; to: string }

const isPayload = (value: unknown): boolean => record({ text })(value) || record({ base64: text })(value)
const content = (value: unknown): value is unknown => isPayload(value)
const SHAPES: Readonly<Record<FileOperation['op'], Shape<unknown>>> = {
  put: record({ path: text, content, expects: orNull(text), leaves: text, mode: maybe(integer) }),
  move: record({ from: text, to: text, content: orNull(content), hash: text }),
  append: record({ path: text, offset: integer, content }),
  remove: record({ path: text, hash: text }),
  discard: record({ path: text, to: text }),
}

/** Whether a value that was read is an operation. */
export function isOperation(value: unknown): value is FileOperation {
  if (!record({ op: text })(value) || !Object.hasOwn(SHAPES, value.op)) return false
  return SHAPES[value.op as FileOperation['op']](value)
}

export const payload = (bytes: Uint8Array | string): FileContent => {
  if (typeof bytes === 'string') return { text: bytes }
  const text = Buffer.from(bytes).toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? { text } : { base64: Buffer.from(bytes).toString('base64') }
}

export const bytesOf = (content: FileContent): Buffer =>
  'text' in content ? Buffer.from(content.text, 'utf8') : Buffer.from(content.base64, 'base64')

export interface Applying {
  files: Files
  /** Every path of an operation is relative to it. */
  root: string
  /** Of the transaction; part of the name foreign bytes are kept under. */
  revision: number
  /** Of the lock of whoever applies it; part of the names of temporary files. */
  generation: number
  /** Collects what must be flushed before the record may be retired. */
  touched: Set<string>
  /** Told of every file whose foreign bytes were kept beside it. */
  onForeign?: ((file: string, keptAs: string) => void) | undefined
  /** Told of every file that was appended to behind foreign bytes. */
  onGap?: ((file: string) => void) | undefined
}

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

/** Somebody else may take a file away at any moment; gone is gone. */
export function unlinkIfThere(files: Files, file: string): void {
  try {
    files.unlink(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** A plain file (a link to one is read through), or `other` for a folder, a device or a link to nowhere. */
export type Found = { stat: FileStat; bytes: Uint8Array; hash: string } | 'other' | null

/** What lies at a path; null if nothing does. */
export function look(files: Files, file: string): Found {
  const stat = files.stat(file)
  if (stat === null) return null
  const real = stat.kind === 'link' ? files.realpath(file) : file
  const kind = real === file ? stat.kind : real === null ? 'other' : files.stat(real)?.kind
  const bytes = kind === 'file' ? files.read(file) : null
  if (bytes === null) return kind === 'file' ? null : 'other'
  return { stat, bytes, hash: hashBytes(bytes) }
}

/** Bytes of a file, or of the file that a link leads to; 0 if there is none. */
export function sizeOf(files: Files, file: string): number {
  const stat = files.stat(file)
  const real = stat?.kind === 'link' ? files.realpath(file) : null
  return (real === null ? stat : files.stat(real))?.bytes ?? 0
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
    const code = String((error as NodeJS.ErrnoException).code)
    if (code === 'EEXIST' || NO_LINKS.has(code)) return false
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

/** Errors of a file system that has no hard links, or none from here to there. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'])

async function relink(applying: Applying, from: string, to: string, carried: Buffer | null): Promise<void> {
  const { files, touched } = applying
  makeParent(files, to, touched)
  try {
    files.link(from, to)
    // The record can't bring it back, so the new name is made durable before the old one goes.
    if (carried === null) await files.flush([...touched])
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code)
    if (!NO_LINKS.has(code)) throw error
    // The destination was free a moment ago. A rename can't cross devices either; then the carried bytes are written.
    if (code !== 'EXDEV' || carried === null) {
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

/**
 * What is left to do of an append: cut the file to `keep` bytes, then write `add`; null if it is done. `gap`: foreign
 * bytes are in the way, or bytes are missing; then it is written at the end, on a line of its own.
 */
export function appendStep(
  size: number,
  read: (offset: number, length: number) => Uint8Array,
  offset: number,
  bytes: Buffer,
): { keep: number; add: Buffer; gap: boolean } | null {
  if (size === offset) return { keep: size, add: bytes, gap: false }
  if (size > offset) {
    const there = read(offset, bytes.length)
    if (bytes.equals(there)) return null
    if (size <= offset + bytes.length && isTorn(there, bytes)) return { keep: offset, add: bytes, gap: false }
  }
  const tailAt = Math.max(0, size - bytes.length)
  const tail = Buffer.from(read(tailAt, bytes.length))
  if (tail.equals(bytes) && (tailAt === 0 || read(tailAt - 1, 1)[0] === NEWLINE)) return null
  const torn = tornEnd(tail, bytes, size > tail.length)
  if (torn > 0) return { keep: size - torn, add: bytes, gap: true }
  const ownLine = size === 0 || tail.at(-1) === NEWLINE
  return { keep: size, add: ownLine ? bytes : Buffer.concat([Buffer.from('\n'), bytes]), gap: true }
}

const NEWLINE = 10

/** Length of the longest torn copy of `ours` that begins a line and ends the tail. */
function tornEnd(tail: Buffer, ours: Buffer, cut: boolean): number {
  const after = (from: number) => tail.indexOf(NEWLINE, from) + 1 || tail.length
  for (let start = cut ? after(0) : 0; start < tail.length; start = after(start)) {
    if (isTorn(tail.subarray(start), ours)) return tail.length - start
  }
  return 0
}

/** Whether found bytes are what a crash may leave of ours: a prefix, possibly followed by zeros. */
export function isTorn(found: Uint8Array, ours: Uint8Array): boolean {
  if (found.length > ours.length) return false
  let at = 0
  while (at < found.length && found[at] === ours[at]) at++
  while (at < found.length && found[at] === 0) at++
  return at === found.length
}

/**
 * Present means listed by its folder under exactly that name. Only where the file also answers to the name in other
 * letters (a file system that folds case) is the folder listed: that takes long in a large one.
 */
function isPresent(files: Files, file: string): boolean {
  const stat = files.stat(file)
  if (stat === null) return false
  const [folder, name] = [path.dirname(file), path.basename(file)]
  const swapped = name.replace(/[a-z]/gi, (letter) => (letter < 'a' ? letter.toLowerCase() : letter.toUpperCase()))
  const other = files.stat(path.join(folder, swapped))
  return other === null || !isSameFile(stat, other) || (files.list(folder) ?? []).includes(name)
}

const isSameFile = (a: FileStat, b: FileStat): boolean => a.inode === b.inode && a.device === b.device

/** Creates the folder of a file; every folder that was created, and its parent, must be flushed too. */
function makeParent(files: Files, target: string, touched: Set<string>): void {
  const created = files.makeFolder(path.dirname(target))
  if (created === null) return
  const top = path.dirname(created)
  for (let folder = path.dirname(target); folder.length >= top.length; folder = path.dirname(folder)) {
    touched.add(folder)
    if (folder === top) return
  }
}

function writeWhole(applying: Applying, target: string, bytes: Uint8Array | string): void {
  applying.files.rename(writeTemporary(applying, target, bytes), target)
}

/** Writes a sibling of the file, in the folder of which it makes what is missing; gives its path. */
function writeTemporary(
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

const temporaryOf = (target: string, generation: number): string =>
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

/** Different foreign bytes met at one path by one transaction, over all attempts to apply it. */
const KEPT_MAX = 100

/**
 * Keeps what a person left in our way under a name of its own, with a note on why. Durable when it returns, so that
 * whatever takes its place can be written. A file stays where it is as well; anything else is moved out of the way.
 */
async function keepForeign(applying: Applying, relative: string): Promise<void> {
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
    writeWhole(applying, findings, `${JSON.stringify(note, null, 2)}\n`)
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
    if (!NO_LINKS.has(String((error as NodeJS.ErrnoException).code))) throw error
    writeWhole(applying, keptAt, bytes)
  }
}
