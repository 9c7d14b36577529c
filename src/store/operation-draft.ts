/**
 * The file operations of a transaction in the making: a path is written once, and the lines of a file are one append.
 * Reads what is needed for what they expect, writes nothing.
 */
import type { Change } from '../core/changes.ts'
import { MillraceError } from '../core/errors.ts'
import { canonicalJson } from '../core/ids.ts'
import { bytesOf, type FileOperation, payload } from './file-operation/file-operation.ts'
import { type Files, hashBytes } from './files.ts'
import { AT, type Places } from './layout.ts'
import { look, sizeOf } from './look.ts'

/** Files above this are moved without being carried in the record. */
const CARRIED_BYTES_MAX = 1024 * 1024 + 4096
const NEWLINE = 10

export interface DraftPorts {
  files: Files
  places: Places
  /** Hash of what we last wrote to, or read from, a file of ours. */
  known: ReadonlyMap<string, string>
  now: string
}

export class OperationDraft {
  private readonly ports: DraftPorts
  private readonly revision: number
  private readonly operations: FileOperation[] = []
  /** What is to be appended, by path. */
  private readonly lines = new Map<string, string>()
  /** Puts of this transaction, by path: a path is written once. */
  private readonly puts = new Map<string, FileOperation & { op: 'put' }>()

  constructor(ports: DraftPorts, revision: number) {
    this.ports = ports
    this.revision = revision
  }

  push(operation: FileOperation): void {
    this.operations.push(operation)
    if (operation.op === 'put') this.puts.set(operation.path, operation)
  }

  /** A file where none may be. */
  create(path: string, text: string): void {
    this.replace(path, text, null)
  }

  /** Replaces a file of ours. Bytes in it that are not the ones we know are a person's: they are kept beside it. */
  put(path: string, text: string): void {
    const earlier = this.puts.get(path)
    const leaves = hashBytes(text)
    if (earlier !== undefined) {
      Object.assign(earlier, { content: { text }, leaves })
      return
    }
    const found = this.read(path)
    const expects = found === null ? null : hashBytes(found)
    if (found !== null && expects !== leaves && this.ports.known.get(path) !== expects) this.keep(path, found, expects!)
    this.push({ op: 'put', path, content: { text }, expects, leaves })
  }

  private keep(path: string, found: Uint8Array, hash: string): void {
    for (let number = 1; ; number++) {
      const kept = `${path}.conflict-${this.revision}${number === 1 ? '' : `.${number}`}`
      const there = this.read(kept)
      if (there !== null && hashBytes(there) !== hash) continue
      if (there === null) this.push({ op: 'put', path: kept, content: payload(found), expects: null, leaves: hash })
      this.event('foreign_edit_kept', { path, kept_as: kept })
      return
    }
  }

  /** Replaces a file a person may have edited, if it still is what was read; what it held is kept where that is asked. */
  putOver({ path, content, mode, hash, keep }: Change & { change: 'file.put' }): void {
    if (hash !== null && keep)
      this.push({ op: 'put', path: keep, content: payload(this.readPresent(path)), expects: null, leaves: hash })
    const leaves = hashBytes(bytesOf(content))
    this.push({ op: 'put', path, content, expects: hash, leaves, ...(mode === null ? {} : { mode }) })
  }

  /** New text for a document; one that this transaction writes or moves already is written, at its new place, only once. */
  rewrite(path: string, text: string, hash: string): void {
    const earlier = this.puts.get(path)
    if (earlier) {
      Object.assign(earlier, { content: { text }, leaves: hashBytes(text) })
      return
    }
    const moved = this.operations.find((operation) => operation.op === 'move' && operation.to === path)
    if (moved?.op === 'move') {
      this.operations.splice(this.operations.indexOf(moved), 1)
      this.create(path, text)
      this.push({ op: 'remove', path: moved.from, hash: moved.hash })
      return
    }
    this.replace(path, text, hash)
  }

  /** New text for a file that must hold the bytes of this hash; null: none may be there. */
  replace(path: string, text: string, hash: string | null): void {
    this.push({ op: 'put', path, content: { text }, expects: hash, leaves: hashBytes(text) })
  }

  move(from: string, to: string, hash: string): void {
    const bytes = this.readPresent(from)
    this.push({ op: 'move', from, to, content: bytes.length <= CARRIED_BYTES_MAX ? payload(bytes) : null, hash })
  }

  /** Moves a document that this transaction may write already: then it is written at its new place. */
  moveDocument(from: string, to: string, hash: string): void {
    const rewritten = this.puts.get(from)
    if (rewritten === undefined || rewritten.expects === null) {
      this.move(from, to, hash)
      return
    }
    this.puts.delete(from)
    this.operations.splice(this.operations.indexOf(rewritten), 1)
    this.push({ ...rewritten, path: to, expects: null })
    this.push({ op: 'remove', path: from, hash: rewritten.expects })
  }

  /** Removes a file as it is now; nothing if it is gone. */
  remove(path: string): void {
    const bytes = this.ports.files.read(this.ports.places.at(path))
    if (bytes !== null) this.push({ op: 'remove', path, hash: hashBytes(bytes) })
  }

  /** Appends a line of JSON. */
  line(path: string, record: unknown): void {
    this.lines.set(path, `${this.lines.get(path) ?? ''}${canonicalJson(record)}\n`)
  }

  /** Appends to the event log. */
  event(event_type: string, data: Readonly<Record<string, unknown>>): void {
    const { now } = this.ports
    this.line(AT.events, { schema_version: '1.0', kind: 'runtime_event', event_type, occurred_at: now, data })
  }

  /** Bytes of a file, null if it is gone; `conflict` if something else has its place. */
  read(path: string): Uint8Array | null {
    const found = look(this.ports.files, this.ports.places.at(path))
    if (found !== 'other') return found?.bytes ?? null
    throw new MillraceError('conflict', `${path} is not a plain file; nothing was written.`, {
      hint: 'move it away, then run the command again',
    })
  }

  /** Bytes of a file; `conflict` if it is gone. */
  readPresent(path: string): Uint8Array {
    const bytes = this.read(path)
    if (bytes !== null) return bytes
    throw new MillraceError('conflict', `${path} is not there any more; nothing was written.`, {
      hint: 'run the command again',
    })
  }

  /** All of them in order; what is to be appended comes before the last one, which says that the rest has happened. */
  finish(): FileOperation[] {
    const last = this.operations.pop()!
    for (const [path, text] of this.lines) {
      const offset = sizeOf(this.ports.files, this.ports.places.at(path))
      const content = { text: this.isLineOpen(path, offset) ? `\n${text}` : text }
      this.push({ op: 'append', path, offset, content })
    }
    return [...this.operations, last]
  }

  /** Somebody has left the last line unfinished: ours would be lost in it. */
  private isLineOpen(path: string, bytes: number): boolean {
    const { files, places } = this.ports
    return bytes > 0 && files.readRange(places.at(path), bytes - 1, 1)?.at(0) !== NEWLINE
  }
}
