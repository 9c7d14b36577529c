/**
 * The journal: the only crash-safety code (design §5). A transaction is one checksummed redo record, flushed before
 * anything else is touched; then its operations are applied, flushed together, and the record is retired. Each
 * operation says what it expects to find and what it leaves, so applying one twice, or after a person was here, is
 * safe: what is foreign is kept beside it, never overwritten. A redo log, never history.
 */
import * as path from 'node:path'
import { MillraceError } from '../core/errors.ts'
import { type Files, hashBytes } from './files.ts'

/** Bytes of a document as they travel in a record: UTF-8 text, or base64 where they are not. */
export type Payload = { text: string } | { base64: string }

export type FileOperation =
  /** Writes a temporary sibling and renames it. `expects`: hash of the bytes to replace, or null for absent. */
  | { op: 'put'; path: string; content: Payload; expects: string | null; leaves: string }
  /** Carries the bytes, so that a disk which lost both names loses nothing; null for documents too large to carry. */
  | { op: 'move'; from: string; to: string; content: Payload | null; hash: string }
  | { op: 'append'; path: string; offset: number; content: Payload }
  | { op: 'remove'; path: string; hash: string }

export interface JournalRecord {
  revision: number
  generation: number
  operations: FileOperation[]
}

/** A transaction larger than this is a defect of its caller, not something to split. */
export const RECORD_BYTES_MAX = 8 * 1024 * 1024
const MAGIC = 'millrace-journal 1'

export const payload = (bytes: Uint8Array | string): Payload => {
  if (typeof bytes === 'string') return { text: bytes }
  const text = Buffer.from(bytes).toString('utf8')
  return Buffer.from(text, 'utf8').equals(bytes) ? { text } : { base64: Buffer.from(bytes).toString('base64') }
}
export const bytesOf = (content: Payload): Buffer => ('text' in content ? Buffer.from(content.text, 'utf8') : Buffer.from(content.base64, 'base64'))

export function encodeRecord(record: JournalRecord): Buffer {
  const body = Buffer.from(JSON.stringify(record), 'utf8')
  return Buffer.concat([Buffer.from(`${MAGIC} ${body.length} ${hashBytes(body)}\n`, 'utf8'), body])
}

/** The record in these bytes, or null if they are torn: then the transaction never happened. */
export function decodeRecord(bytes: Uint8Array): JournalRecord | null {
  const buffer = Buffer.from(bytes)
  const newline = buffer.indexOf(10)
  if (newline < 0) return null
  const header = /^millrace-journal 1 (\d+) ([0-9a-f]{64})$/.exec(buffer.toString('latin1', 0, newline))
  const body = buffer.subarray(newline + 1)
  if (!header || body.length !== Number(header[1]) || hashBytes(body) !== header[2]) return null
  return JSON.parse(body.toString('utf8')) as JournalRecord
}

export interface JournalOptions {
  files: Files
  /** Runtime root; every path of a record is relative to it. */
  root: string
  /** File of the pending record, relative to the root. */
  file: string
  generation: number
  /** Throws `lock_lost` once another runtime has taken over. Asked before the record, each operation and retiring. */
  guard: () => void
  /** Ends the process: a commit reported as failed must never be carried out later. */
  onFatal: (error: MillraceError) => never
  /** Told of every file whose foreign bytes were kept beside it. */
  onForeign?: (file: string, keptAs: string) => void
}

export class Journal {
  private readonly options: JournalOptions
  /** A durable record whose operations could not all be applied; nothing else is committed before it is. */
  private pending: JournalRecord | null = null

  constructor(options: JournalOptions) {
    this.options = options
  }

  get degraded(): boolean {
    return this.pending !== null
  }

  /**
   * Carries out one transaction. Throws `conflict` (nothing written) if a precondition no longer holds, the disk error
   * (nothing written) if the record could not be made durable, `degraded` if it could but its operations failed half-way.
   */
  async commit(record: Omit<JournalRecord, 'generation'>): Promise<void> {
    if (this.pending) throw new MillraceError('degraded', 'The last transaction is not applied to the disk yet.', { hint: 'make room or mend the disk; the runtime goes on by itself' })
    checkPreconditions(this.options, record.operations)
    const full: JournalRecord = { ...record, generation: this.options.generation }
    await this.write(full)
    this.pending = full
    await this.carryOut(full)
  }

  private async write(record: JournalRecord): Promise<void> {
    const { files, root, file, guard, onFatal } = this.options
    const bytes = encodeRecord(record)
    if (bytes.length > RECORD_BYTES_MAX) throw new MillraceError('internal', `a transaction of ${bytes.length} bytes is larger than ${RECORD_BYTES_MAX}`)
    const target = path.join(root, file)
    guard()
    try {
      files.write(target, bytes)
      await files.flush([target, path.dirname(target)])
    } catch (error) {
      try {
        if (files.stat(target)) files.unlink(target)
        await files.flush([path.dirname(target)])
      } catch (second) {
        onFatal(new MillraceError('workspace_unwritable', 'The journal record could neither be written nor taken back.', { cause: second }))
      }
      throw error
    }
  }

  /** Applies a durable record, flushes what it touched and retires it. */
  private async carryOut(record: JournalRecord): Promise<void> {
    const { files, root, file, guard, onFatal } = this.options
    try {
      const touched = new Set<string>()
      for (const operation of record.operations) {
        guard()
        applyOperation(this.options, operation, record.revision, touched)
      }
      await files.flush([...touched])
      guard()
      const target = path.join(root, file)
      if (files.stat(target)) files.unlink(target)
      await files.flush([path.dirname(target)])
      this.pending = null
    } catch (error) {
      if (MillraceError.is(error) && error.code === 'lock_lost') throw error
      // After EIO the kernel may have dropped dirty pages: only a new process that writes every byte again can be trusted.
      if ((error as NodeJS.ErrnoException).code === 'EIO') onFatal(new MillraceError('workspace_unwritable', 'The disk reported an input/output error.', { cause: error }))
      throw new MillraceError('degraded', `A transaction could not be applied to the disk: ${(error as Error).message}.`, { hint: 'make room or mend the disk; the runtime goes on by itself', cause: error })
    }
  }

  /**
   * Brings the workspace to the state of the last durable transaction. `snapshotRevision`: of the snapshot on disk,
   * null if it is unreadable or absent. Gives what was done. Idempotent.
   */
  async recover(snapshotRevision: () => number | null): Promise<'clean' | 'applied' | 'retired' | 'torn'> {
    const { files, root, file } = this.options
    const target = path.join(root, file)
    const bytes = files.read(target)
    if (bytes === null) {
      this.pending = null
      return 'clean'
    }
    const record = decodeRecord(bytes)
    const revision = snapshotRevision()
    if (record !== null && (revision === null || record.revision >= revision)) {
      this.pending = record
      await this.carryOut(record)
      return 'applied'
    }
    this.options.guard()
    files.unlink(target)
    await files.flush([path.dirname(target)])
    this.pending = null
    return record === null ? 'torn' : 'retired'
  }
}

/** Present means listed by its folder under exactly that name, whatever the case rules of the file system. */
function isPresent(files: Files, file: string): boolean {
  return files.stat(file) !== null && (files.list(path.dirname(file)) ?? []).includes(path.basename(file))
}

function checkPreconditions({ files, root }: JournalOptions, operations: readonly FileOperation[]): void {
  const conflict = (file: string, what: string) => {
    throw new MillraceError('conflict', `${file} ${what}; nothing was written.`, { hint: 'run the command again' })
  }
  /** Paths this very transaction has already left in another state. */
  const settled = new Map<string, 'there' | 'gone'>()
  for (const operation of operations) {
    const target = operation.op === 'move' ? operation.to : operation.path
    const at = path.join(root, target)
    if (operation.op === 'put' && !settled.has(target)) {
      const bytes = files.read(at)
      if ((bytes === null ? null : hashBytes(bytes)) !== operation.expects) conflict(target, operation.expects === null ? 'exists already' : 'was changed meanwhile')
    } else if (operation.op === 'append') {
      const size = files.stat(at)?.bytes ?? 0
      if (!settled.has(target) && size !== operation.offset) conflict(target, 'was changed meanwhile')
    } else if (operation.op === 'move') {
      const bytes = files.read(path.join(root, operation.from))
      if (settled.get(operation.from) === 'gone' || bytes === null || hashBytes(bytes) !== operation.hash) conflict(operation.from, 'was changed meanwhile')
      if (settled.get(target) === 'there' || (settled.get(target) !== 'gone' && files.stat(at) !== null)) conflict(target, 'exists already')
      settled.set(operation.from, 'gone')
    } else if (operation.op === 'remove') {
      const bytes = files.read(at)
      if (bytes === null || hashBytes(bytes) !== operation.hash) conflict(target, 'was changed meanwhile')
    }
    settled.set(target, operation.op === 'remove' ? 'gone' : 'there')
  }
}

/** Applies one operation, however much of it is done already. `touched` collects what must be flushed. */
export function applyOperation(options: Pick<JournalOptions, 'files' | 'root' | 'onForeign'>, operation: FileOperation, revision: number, touched: Set<string>): void {
  const { files, root } = options
  const at = (relative: string) => path.join(root, relative)
  const touch = (file: string, contentToo = true) => {
    if (contentToo) touched.add(file)
    touched.add(path.dirname(file))
  }
  switch (operation.op) {
    case 'put': {
      const target = at(operation.path)
      const bytes = bytesOf(operation.content)
      const found = files.read(target)
      if (found !== null && hashBytes(found) !== operation.leaves) {
        if (hashBytes(found) !== operation.expects && !isTorn(found, bytes)) keepForeign(options, operation.path, revision, touched)
        putFile(files, target, bytes, touched)
      } else if (found === null) putFile(files, target, bytes, touched)
      touch(target)
      return
    }
    case 'move': {
      const from = at(operation.from)
      const to = at(operation.to)
      moveFile(options, operation, from, to, revision, touched)
      touch(to)
      touch(from, false)
      return
    }
    case 'append': {
      const target = at(operation.path)
      const bytes = bytesOf(operation.content)
      appendFile(files, target, operation.offset, bytes, touched)
      touch(target)
      return
    }
    case 'remove': {
      const target = at(operation.path)
      const found = files.read(target)
      if (found === null) return touch(target, false)
      if (hashBytes(found) !== operation.hash) keepForeign(options, operation.path, revision, touched)
      files.unlink(target)
      touch(target, false)
    }
  }
}

function moveFile(options: Pick<JournalOptions, 'files' | 'root' | 'onForeign'>, operation: FileOperation & { op: 'move' }, from: string, to: string, revision: number, touched: Set<string>): void {
  const { files } = options
  const source = isPresent(files, from) ? files.stat(from) : null
  const target = isPresent(files, to) ? files.stat(to) : null
  if (source && target && source.inode === target.inode && source.device === target.device) return files.unlink(from)
  const hashOf = (file: string) => hashBytes(files.read(file) ?? new Uint8Array())
  if (target) {
    if (hashOf(to) === operation.hash) {
      // Moved already. A source that is there again is somebody's new file: it stays where they put it.
      return
    }
    const carried = operation.content ? bytesOf(operation.content) : null
    if (!carried || !isTorn(files.read(to) ?? new Uint8Array(), carried)) keepForeign(options, operation.to, revision, touched)
    files.unlink(to)
  }
  if (source && hashOf(from) !== operation.hash) {
    const carried = operation.content ? bytesOf(operation.content) : null
    if (!carried) return files.rename(from, to)
    if (!isTorn(files.read(from) ?? new Uint8Array(), carried)) keepForeign(options, operation.from, revision, touched)
    files.unlink(from)
    return putFile(files, to, carried, touched)
  }
  if (!source) {
    if (operation.content) putFile(files, to, bytesOf(operation.content), touched)
    return
  }
  makeParent(files, to, touched)
  try {
    files.link(from, to)
    files.unlink(from)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS' && code !== 'EMLINK') throw error
    files.rename(from, to) // no hard links on this file system; the destination was free a moment ago
  }
}

/** Creates the folder of a file; every folder that was created, and its parent, must be flushed too. */
function makeParent(files: Files, target: string, touched: Set<string>): void {
  const created = files.makeFolder(path.dirname(target))
  if (created === null) return
  for (let folder = path.dirname(target); folder.length >= path.dirname(created).length; folder = path.dirname(folder)) touched.add(folder)
}

function putFile(files: Files, target: string, bytes: Uint8Array, touched: Set<string>): void {
  makeParent(files, target, touched)
  const temporary = path.join(path.dirname(target), `.${path.basename(target).slice(0, 200)}.tmp-millrace`)
  files.write(temporary, bytes)
  files.rename(temporary, target)
}

function appendFile(files: Files, target: string, offset: number, bytes: Buffer, touched: Set<string>): void {
  makeParent(files, target, touched)
  const size = files.stat(target)?.bytes ?? 0
  if (size >= offset) {
    const there = Buffer.from(files.readRange(target, offset, bytes.length) ?? new Uint8Array())
    if (there.length === bytes.length && there.equals(bytes)) return
    if (size <= offset + bytes.length && isTorn(there, bytes)) files.truncate(target, offset)
  }
  files.append(target, bytes)
}

/** Whether found bytes are what a crash may leave of ours: a prefix, possibly followed by zeros. */
export function isTorn(found: Uint8Array, ours: Uint8Array): boolean {
  if (found.length > ours.length) return false
  let at = 0
  while (at < found.length && found[at] === ours[at]) at++
  while (at < found.length && found[at] === 0) at++
  return at === found.length
}

/** Keeps what a person left in our way, under a name of its own, with a note on why. */
function keepForeign({ files, root, onForeign }: Pick<JournalOptions, 'files' | 'root' | 'onForeign'>, relative: string, revision: number, touched: Set<string>): void {
  const target = path.join(root, relative)
  const kept = `${relative}.conflict-${revision}`
  const keptAt = path.join(root, kept)
  if (files.stat(keptAt) === null) {
    const bytes = files.read(target) ?? new Uint8Array()
    files.write(keptAt, bytes)
    const findings = { file: relative, kept_as: kept, revision, found: `The file had been changed by someone while a transaction was being carried out; their bytes are in ${path.basename(kept)}.` }
    files.write(`${keptAt}.findings.json`, `${JSON.stringify(findings, null, 2)}\n`)
    onForeign?.(relative, kept)
  }
  touched.add(keptAt)
  touched.add(`${keptAt}.findings.json`)
  touched.add(path.dirname(keptAt))
}
