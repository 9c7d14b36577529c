/**
 * The journal: the only crash-safety code (design §5). A transaction is one checksummed redo record, flushed before
 * anything else is touched; then its operations are applied, flushed together, and the record is retired. Each
 * operation says what it expects to find and what it leaves, so applying one twice, or after a person was here, is
 * safe: what is foreign is kept beside it, never overwritten. A redo log, never history.
 */
import * as path from 'node:path'
import { MillraceError } from '../core/errors.ts'
import { integer, listOf, record, type Shape } from '../core/shape.ts'
import { applyOperation } from './file-operation/apply.ts'
import { type Applying, type FileOperation, isOperation } from './file-operation/file-operation.ts'
import { dropTemporaries } from './file-operation/temporary.ts'
import { hashBytes, unlinkIfThere } from './files.ts'
import { guarded } from './guarded.ts'
import { look, sizeOf } from './look.ts'

export interface JournalRecord {
  revision: number
  generation: number
  operations: FileOperation[]
}

/** A transaction larger than this is a defect of its caller, not something to split. */
export const RECORD_BYTES_MAX = 8 * 1024 * 1024

export function encodeRecord(record: JournalRecord): Buffer {
  const body = Buffer.from(JSON.stringify(record), 'utf8')
  return Buffer.concat([Buffer.from(`millrace-journal 1 ${body.length} ${hashBytes(body)}\n`, 'utf8'), body])
}

/** The record in these bytes, or null if they are torn: then the transaction never happened. Throws `state_newer`, `state_corrupt`. */
export function decodeRecord(bytes: Uint8Array): JournalRecord | null {
  const buffer = Buffer.from(bytes)
  const newline = buffer.indexOf(10)
  const first = newline < 0 ? '' : buffer.toString('latin1', 0, newline)
  const header = /^millrace-journal (\d+) (\d+) ([0-9a-f]{64})$/.exec(first)
  if (!header) return null
  if (header[1] !== '1') {
    throw new MillraceError(
      'state_newer',
      `The journal holds a transaction of format ${header[1]}; this version of Millrace knows 1.`,
      { hint: 'use the newer Millrace that wrote it' },
    )
  }
  const body = buffer.subarray(newline + 1)
  if (body.length !== Number(header[2]) || hashBytes(body) !== header[3]) return null
  return recordIn(body.toString('utf8'))
}

const isRecord: Shape<JournalRecord> = record({
  revision: integer,
  generation: integer,
  operations: listOf(isOperation),
})

/** The checksum holds, so somebody wrote exactly this: it is neither torn nor to be thrown away. */
function recordIn(text: string): JournalRecord {
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return value
  } catch {
    // told below
  }
  throw new MillraceError('state_corrupt', 'The journal holds a transaction that Millrace cannot have written.', {
    hint: 'look at the newest of state/journal*.json, then move it away',
  })
}

export interface JournalOptions extends Pick<Applying, 'files' | 'root' | 'onForeign' | 'onGap'> {
  /** File of the pending record, relative to the root; of this generation alone (see pending.ts). */
  file: string
  generation: number
  /** Throws `lock_lost` once another runtime has taken over. Asked right before every call that changes something. */
  guard: () => void
  /** Ends the process: a commit reported as failed must never be carried out later. */
  onFatal: (error: MillraceError) => never
}

export class Journal {
  private readonly options: JournalOptions
  private readonly file: string
  /** A durable record whose operations could not all be applied; nothing else is committed before it is. */
  private pending: JournalRecord | null = null
  private busy = false

  constructor(options: JournalOptions) {
    this.options = { ...options, files: guarded(options.files, options.guard) }
    this.file = path.join(options.root, options.file)
  }

  get degraded(): boolean {
    return this.pending !== null
  }

  /**
   * Carries out one transaction. Throws `conflict` (nothing written) if a precondition no longer holds, the disk error
   * (nothing written) if the record could not be made durable, `degraded` if it could but its operations failed half-way.
   */
  commit(record: Omit<JournalRecord, 'generation'>): Promise<void> {
    return this.alone(async () => {
      if (this.pending)
        throw new MillraceError('degraded', 'The last transaction is not applied to the disk yet.', RETRIED)
      checkPaths(record.operations)
      checkPreconditions(this.options, record.operations)
      const full: JournalRecord = { ...record, generation: this.options.generation }
      await this.write(full)
      await this.checkNotWithdrawn(full)
      this.pending = full
      await this.carryOut(full)
    })
  }

  /**
   * Brings the workspace to the state of the last durable transaction. `snapshotRevision`: of the snapshot on disk,
   * null if it is unreadable or absent. Gives what was done. Idempotent. Throws as the second half of `commit`.
   */
  recover(snapshotRevision: () => number | null): Promise<'clean' | 'applied' | 'retired' | 'torn'> {
    return this.alone(async () => {
      const bytes = this.options.files.read(this.file)
      // What this very process made durable is carried out, whatever became of the record since.
      const record = this.pending ?? (bytes === null ? null : decodeRecord(bytes))
      if (record === null && bytes === null) return 'clean'
      const revision = snapshotRevision()
      if (record !== null && (this.pending !== null || revision === null || record.revision >= revision)) {
        this.pending = record
        await this.carryOut(record)
        return 'applied'
      }
      await this.retire()
      return record === null ? 'torn' : 'retired'
    })
  }

  /** Two transactions at once would be decided on the same view: a defect of the caller. */
  private async alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.busy) throw new MillraceError('internal', 'a transaction was begun before the one before it had ended')
    this.busy = true
    try {
      return await work()
    } finally {
      this.busy = false
    }
  }

  private async write(record: JournalRecord): Promise<void> {
    const { files } = this.options
    const bytes = encodeRecord(record)
    if (bytes.length > RECORD_BYTES_MAX) {
      throw new MillraceError('internal', `a transaction of ${bytes.length} bytes is larger than ${RECORD_BYTES_MAX}`)
    }
    try {
      files.write(this.file, bytes)
      await files.flush([this.file, path.dirname(this.file)])
    } catch (error) {
      if (!isLost(error)) await this.takeBack()
      throw error
    }
  }

  private async takeBack(): Promise<void> {
    try {
      await this.retire()
    } catch (cause) {
      // Whoever took over decides what becomes of it.
      if (isLost(cause)) throw cause
      const what = 'The journal record could neither be written nor taken back.'
      this.options.onFatal(new MillraceError('workspace_unwritable', what, { cause }))
    }
  }

  private async retire(): Promise<void> {
    const { files } = this.options
    unlinkIfThere(files, this.file)
    await files.flush([path.dirname(this.file)])
  }

  /**
   * Whoever posted a command may take it back until the record is there: they unlink it and then look for a record, we
   * write the record and then look for it. At least one of us sees the other (see `withdraw` in mailbox.ts).
   */
  private async checkNotWithdrawn(record: JournalRecord): Promise<void> {
    const { files, root } = this.options
    const removed = record.operations.flatMap((operation) => (operation.op === 'remove' ? operation.path : []))
    const gone = removed.find((file) => files.stat(path.join(root, file)) === null)
    if (gone === undefined) return
    await this.takeBack()
    throw conflict(gone, 'was taken away meanwhile')
  }

  /** Applies a durable record, flushes what it touched and retires it. */
  private async carryOut(record: JournalRecord): Promise<void> {
    const { files, guard, onFatal } = this.options
    try {
      const applying: Applying = { ...this.options, revision: record.revision, touched: new Set() }
      for (const operation of record.operations) {
        if (record.generation !== this.options.generation) dropTemporaries(applying, operation)
        await applyOperation(applying, operation)
      }
      await files.flush([...applying.touched])
      await this.retire()
      this.pending = null
    } catch (error) {
      if (isLost(error)) throw error
      // What a successor has moved away fails us in many ways; there is only one reason for them.
      guard()
      if ((error as NodeJS.ErrnoException).code === 'EIO') {
        // The kernel may have dropped dirty pages: only a new process that writes every byte again can be trusted.
        onFatal(new MillraceError('workspace_unwritable', 'The disk reported an input/output error.', { cause: error }))
      }
      const what = `A transaction could not be applied to the disk: ${(error as Error).message}.`
      throw new MillraceError('degraded', what, { ...RETRIED, cause: error })
    }
  }
}

const isLost = (error: unknown): boolean => MillraceError.is(error) && error.code === 'lock_lost'

const RETRIED = { hint: 'make room or mend the disk; the runtime goes on by itself' }

function conflict(file: string, what: string): MillraceError {
  return new MillraceError('conflict', `${file} ${what}; nothing was written.`, { hint: 'run the command again' })
}

/** A path belongs to one operation of a record: only then is "already as left" told from "foreign" when it is replayed. */
function checkPaths(operations: readonly FileOperation[]): void {
  const seen = new Set<string>()
  for (const operation of operations) {
    for (const file of pathsOf(operation)) {
      if (seen.has(file)) throw new MillraceError('internal', `a transaction has two operations on ${file}`)
      seen.add(file)
    }
  }
}

function pathsOf(operation: FileOperation): string[] {
  if (operation.op === 'move') return [operation.from, operation.to]
  return operation.op === 'discard' ? [operation.path, operation.to] : [operation.path]
}

function checkPreconditions({ files, root }: JournalOptions, operations: readonly FileOperation[]): void {
  const expect = (file: string, hash: string | null) => {
    const found = look(files, path.join(root, file))
    if (found === 'other') throw conflict(file, 'is not a plain file')
    if (hash === null && found !== null) throw conflict(file, 'exists already')
    if (hash !== (found?.hash ?? null)) throw conflict(file, 'was changed meanwhile')
  }
  for (const operation of operations) {
    switch (operation.op) {
      case 'put':
        expect(operation.path, operation.expects)
        break
      case 'remove':
        expect(operation.path, operation.hash)
        break
      case 'move':
        expect(operation.from, operation.hash)
        if (files.stat(path.join(root, operation.to)) !== null) throw conflict(operation.to, 'exists already')
        break
      case 'discard':
        if (files.stat(path.join(root, operation.path)) === null)
          throw conflict(operation.path, 'was taken away meanwhile')
        if (files.stat(path.join(root, operation.to)) !== null) throw conflict(operation.to, 'exists already')
        break
      case 'append': {
        const size = sizeOf(files, path.join(root, operation.path))
        if (size !== operation.offset) throw conflict(operation.path, 'was changed meanwhile')
      }
    }
  }
}
