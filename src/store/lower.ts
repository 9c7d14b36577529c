/**
 * Lowering: from the changes of a decision to file operations with what they expect and leave. Reads what is needed
 * for the expectations, writes nothing. Whatever of ours a person has edited is kept beside before it is replaced.
 */

import * as nodePath from 'node:path'
import { type Approval, approvalFile } from '../core/approval.ts'
import type { Change } from '../core/changes.ts'
import { deliveryText } from '../core/delivery.ts'
import { absurd, MillraceError } from '../core/errors.ts'
import { canonicalJson } from '../core/ids.ts'
import type { ItemKind, ItemState } from '../core/item.ts'
import type { Snapshot } from '../core/state.ts'
import { bytesOf, type FileOperation, payload } from './file-operation/file-operation.ts'
import { type Files, hashBytes } from './files.ts'
import type { ItemIndex, WrittenItem } from './items.ts'
import {
  AT,
  blockFile,
  deliveryFile,
  itemFile,
  itemFolder,
  type Places,
  runFolder,
  stampOf,
  statusFile,
  targetFile,
} from './layout.ts'
import { look, sizeOf } from './look.ts'

/** Documents above this are moved without being carried in the record. */
const CARRIED_BYTES_MAX = 1024 * 1024 + 4096

export interface Lowered {
  operations: FileOperation[]
  items: WrittenItem[]
  snapshot: Snapshot
}

export interface LowerPorts {
  files: Files
  places: Places
  index: ItemIndex
  /** Hash of what we last wrote to, or read from, a file of ours. */
  known: ReadonlyMap<string, string>
  now: string
}

export function lower(ports: LowerPorts, changes: readonly Change[], current: Snapshot): Lowered {
  const lowering = new Lowering(ports, current.revision + 1)
  let snapshot = current
  for (const change of changes) {
    if (change.change === 'state.set') snapshot = change.snapshot
    else lowering.take(change)
  }
  return lowering.finish({ ...snapshot, revision: current.revision + 1 })
}

/** Why an item is not added; file systems differ in whether case makes two names. */
export const idTaken = ({ kind, id }: { kind: ItemKind; id: string }): MillraceError =>
  new MillraceError('item_exists', `A ${kind} with the id ${id} exists already.`, {
    hint: `see it with: millrace queue show ${id}; or choose another id`,
  })

class Lowering {
  private readonly ports: LowerPorts
  private readonly revision: number
  private readonly operations: FileOperation[] = []
  private readonly items: WrittenItem[] = []
  private readonly lines = new Map<string, string>()
  /** Puts of this transaction, by path: a path is written once. */
  private readonly puts = new Map<string, FileOperation & { op: 'put' }>()
  /** `<kind>/<id>`, case-folded, of the items this very transaction adds. */
  private readonly added = new Set<string>()

  constructor(ports: LowerPorts, revision: number) {
    this.ports = ports
    this.revision = revision
  }

  take(change: Exclude<Change, { change: 'state.set' }>): void {
    switch (change.change) {
      case 'item.add':
        if (this.ports.index.isTaken(change.kind, change.id) || !this.addsFirst(change.kind, change.id)) {
          throw idTaken(change)
        }
        this.create(itemFile(change.kind, change.id, change.state), change.text)
        this.wrote(change.kind, change.state, `${change.id}.md`, false)
        return
      case 'item.move': {
        const from = itemFile(change.kind, change.id, change.from)
        this.moveItem(from, itemFile(change.kind, change.id, change.to), change.hash)
        if (change.to !== 'blocked') this.forgetBlock(change.kind, change.id)
        this.wrote(change.kind, change.from, `${change.id}.md`, true)
        this.wrote(change.kind, change.to, `${change.id}.md`, false)
        return
      }
      case 'item.archive':
        this.moveItem(itemFile(change.kind, change.id, change.from), change.file, change.hash)
        this.forgetBlock(change.kind, change.id)
        // The archived name is found by the next look at its folder.
        this.wrote(change.kind, change.from, `${change.id}.md`, true)
        return
      case 'item.rewrite':
        this.rewrite(itemFile(change.kind, change.id, change.state), change.text, change.hash)
        this.wrote(change.kind, change.state, `${change.id}.md`, false)
        return
      case 'item.drop_copy':
        this.push({ op: 'remove', path: itemFile(change.kind, change.id, change.state), hash: change.hash })
        this.wrote(change.kind, change.state, `${change.id}.md`, true)
        return
      case 'item.set_aside':
        this.setAside(change)
        return
      case 'block.put':
        this.put(blockFile(change.block.work_item_kind, change.block.work_item_id), json(change.block))
        return
      case 'counters.set':
        this.put(AT.counters, json(change.counters))
        return
      case 'order.set':
        this.put(AT.order, json(change.order))
        return
      case 'config.set':
        this.push({
          op: 'put',
          path: AT.config,
          content: { text: change.text },
          expects: change.hash,
          leaves: hashBytes(change.text),
        })
        return
      case 'file.put':
        this.putOver(change)
        return
      case 'file.move':
        this.move(change.from, change.to, change.hash)
        return
      case 'status.set':
        this.put(statusFile(change.plane), `${change.marker}\n`)
        return
      case 'closure.put':
        this.put(targetFile(change.target.root_spec_id), json(change.target))
        return
      case 'approval.put':
        this.putApproval(change.approval)
        return
      case 'artifact.put':
        this.put(`${runFolder(change.run_id)}/${change.file}`, change.text)
        return
      case 'document.put':
        if (change.once && this.ports.files.stat(this.ports.places.at(change.path)) !== null) return
        this.put(change.path, change.text)
        return
      case 'line.append':
        this.line(change.path, canonicalJson(change.record))
        return
      case 'event.append':
        this.line(
          AT.events,
          canonicalJson({
            schema_version: '1.0',
            kind: 'runtime_event',
            event_type: change.event_type,
            occurred_at: this.ports.now,
            data: change.data,
          }),
        )
        return
      case 'delivery.add':
        this.create(deliveryFile('pending', change.delivery.delivery_id), deliveryText(change.delivery))
        return
      case 'delivery.update':
        this.updateDelivery(change)
        return
      case 'delivery.forget':
        this.remove(deliveryFile(change.state, change.delivery_id))
        return
      case 'command.discard':
        this.remove(`${AT.incoming}/${change.file}`)
        return
      case 'log.rotate':
        this.rotateLog(change.path)
        return
      case 'command.archive':
        this.archive(change)
        return
      case 'path.discard':
        this.push({
          op: 'discard',
          path: change.path,
          to: `${AT.trash}/${nodePath.basename(change.path)}.${this.revision}`,
        })
        return
      default:
        absurd(change)
    }
  }

  private putApproval(approval: Approval): void {
    const { approval_id, status } = approval
    this.put(approvalFile(status === 'pending' ? 'pending' : 'resolved', approval_id), json(approval))
    const pending = approvalFile('pending', approval_id)
    const asked = status === 'pending' ? null : this.read(pending)
    if (asked !== null) this.push({ op: 'remove', path: pending, hash: hashBytes(asked) })
  }

  /** A record of why it is blocked would mislead once the item lies there again, put by other hands. */
  private forgetBlock(kind: ItemKind, id: string): void {
    const path = blockFile(kind, id)
    const found = look(this.ports.files, this.ports.places.at(path))
    if (found !== null && found !== 'other') this.push({ op: 'remove', path, hash: found.hash })
  }

  private remove(path: string): void {
    const bytes = this.ports.files.read(this.ports.places.at(path))
    if (bytes !== null) this.push({ op: 'remove', path, hash: hashBytes(bytes) })
  }

  private updateDelivery({ delivery, from, to, hash }: Change & { change: 'delivery.update' }): void {
    const before = deliveryFile(from, delivery.delivery_id)
    const text = deliveryText(delivery)
    if (from === to) {
      this.push({ op: 'put', path: before, content: { text }, expects: hash, leaves: hashBytes(text) })
      return
    }
    this.put(deliveryFile(to, delivery.delivery_id), text)
    this.push({ op: 'remove', path: before, hash })
  }

  /** `<name>.<stamp>.<revision>.jsonl`; the live name is free for the next line. */
  private rotateLog(path: string): void {
    const bytes = this.ports.files.read(this.ports.places.at(path))
    if (bytes === null) return
    this.moveItem(path, path.replace(/jsonl$/, `${stampOf(this.ports.now)}.${this.revision}.jsonl`), hashBytes(bytes))
  }

  finish(snapshot: Snapshot): Lowered {
    this.put(AT.snapshot, json(snapshot))
    const last = this.operations.pop()!
    for (const [path, text] of this.lines) {
      const offset = sizeOf(this.ports.files, this.ports.places.at(path))
      const content = { text: this.isLineOpen(path, offset) ? `\n${text}` : text }
      this.push({ op: 'append', path, offset, content })
    }
    this.operations.push(last)
    return { operations: this.operations, items: this.items, snapshot }
  }

  /** Somebody has left the last line unfinished: ours would be lost in it. */
  private isLineOpen(path: string, bytes: number): boolean {
    const { files, places } = this.ports
    return bytes > 0 && files.readRange(places.at(path), bytes - 1, 1)?.at(0) !== NEWLINE
  }

  private wrote(kind: ItemKind, state: ItemState, name: string, gone: boolean): void {
    this.items.push({ kind, state, name, gone })
  }

  private addsFirst(kind: ItemKind, id: string): boolean {
    const key = `${kind}/${id.toLowerCase()}`
    if (this.added.has(key)) return false
    this.added.add(key)
    return true
  }

  private push(operation: FileOperation): void {
    this.operations.push(operation)
    if (operation.op === 'put') this.puts.set(operation.path, operation)
  }

  private create(path: string, text: string): void {
    this.push({ op: 'put', path, content: { text }, expects: null, leaves: hashBytes(text) })
  }

  /** New text for a document; one that this transaction writes or moves already is written, at its new place, only once. */
  private rewrite(path: string, text: string, hash: string): void {
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
    this.push({ op: 'put', path, content: { text }, expects: hash, leaves: hashBytes(text) })
  }

  private moveItem(from: string, to: string, hash: string): void {
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

  private read(path: string): Uint8Array | null {
    const found = look(this.ports.files, this.ports.places.at(path))
    if (found !== 'other') return found?.bytes ?? null
    throw new MillraceError('conflict', `${path} is not a plain file; nothing was written.`, {
      hint: 'move it away, then run the command again',
    })
  }

  private readPresent(path: string): Uint8Array {
    const bytes = this.read(path)
    if (bytes !== null) return bytes
    throw new MillraceError('conflict', `${path} is not there any more; nothing was written.`, {
      hint: 'run the command again',
    })
  }

  private move(from: string, to: string, hash: string): void {
    const bytes = this.readPresent(from)
    this.push({ op: 'move', from, to, content: bytes.length <= CARRIED_BYTES_MAX ? payload(bytes) : null, hash })
  }

  /** Replaces a file of ours. Bytes in it that are not the ones we know are a person's: they are kept beside it. */
  private put(path: string, text: string): void {
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

  /** Replaces a file a person may have edited, if it still is what was read; what it held is kept where that is asked. */
  private putOver({ path, content, mode, hash, keep }: Change & { change: 'file.put' }): void {
    if (hash !== null && keep)
      this.push({ op: 'put', path: keep, content: payload(this.readPresent(path)), expects: null, leaves: hash })
    const leaves = hashBytes(bytesOf(content))
    this.push({ op: 'put', path, content, expects: hash, leaves, ...(mode === null ? {} : { mode }) })
  }

  private keep(path: string, found: Uint8Array, hash: string): void {
    for (let number = 1; ; number++) {
      const kept = `${path}.conflict-${this.revision}${number === 1 ? '' : `.${number}`}`
      const there = this.read(kept)
      if (there !== null && hashBytes(there) !== hash) continue
      if (there === null) this.push({ op: 'put', path: kept, content: payload(found), expects: null, leaves: hash })
      this.take({ change: 'event.append', event_type: 'foreign_edit_kept', data: { path, kept_as: kept } })
      return
    }
  }

  private line(path: string, record: string): void {
    this.lines.set(path, `${this.lines.get(path) ?? ''}${record}\n`)
  }

  /** `<name>.invalid`, or `.invalid.1`, … (spec 01 §2.2); the findings file beside it says line and field. */
  private setAside(change: Change & { change: 'item.set_aside' }): void {
    const folder = itemFolder(change.kind, change.state)
    const taken = new Set(this.ports.files.list(this.ports.places.at(folder)) ?? [])
    let name = `${change.file}.invalid`
    for (let number = 1; taken.has(name); number++) name = `${change.file}.invalid.${number}`
    this.move(`${folder}/${change.file}`, `${folder}/${name}`, change.hash)
    this.wrote(change.kind, change.state, change.file, true)
    this.put(
      `${folder}/${name}.findings.json`,
      json({ file: change.file, set_aside_as: name, at: this.ports.now, findings: change.findings }),
    )
    this.line(
      `${folder}/invalid-artifacts.jsonl`,
      canonicalJson({
        at: this.ports.now,
        error: change.findings.join('; '),
        quarantine_name: name,
        source_name: change.file,
      }),
    )
  }

  private archive(change: Change & { change: 'command.archive' }): void {
    const incoming = `${AT.incoming}/${change.file}`
    const bytes = this.readPresent(incoming)
    const head = {
      schema_version: '1.0',
      kind: 'mailbox_archive',
      disposition: change.disposition,
      archived_at: this.ports.now,
    }
    const { result } = change
    const error = change.error === null ? {} : { error: change.error }
    // Whoever waits for a command that was carried out reads what came of it.
    const done = change.disposition === 'processed' ? { result } : {}
    this.put(
      `${change.disposition === 'processed' ? AT.processed : AT.failed}/${change.file}`,
      withEnvelope(bytes, (envelope) => json({ ...head, envelope, result, ...error })) ??
        json({ ...head, ...done, ...error, raw_payload: rawPayload(bytes) }),
    )
    this.push({ op: 'remove', path: incoming, hash: hashBytes(bytes) })
  }
}

const NEWLINE = 10

/** Of an archive, as it stands in a record: what the command itself writes must fit beside it. */
const ARCHIVE_CHARS_MAX = 3 * 1024 * 1024
const RAW_PAYLOAD_BYTES_MAX = 100_000

/** What `write` makes of the envelope; null where there is none, or none that can be written as part of a record. */
function withEnvelope(bytes: Uint8Array, write: (envelope: unknown) => string): string | null {
  if (bytes.length > ARCHIVE_CHARS_MAX) return null
  try {
    const archive = write(JSON.parse(Buffer.from(bytes).toString('utf8')))
    return JSON.stringify(archive).length <= ARCHIVE_CHARS_MAX ? archive : null
  } catch {
    return null // no JSON, or nested so deep that it cannot be written again
  }
}

const rawPayload = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(0, RAW_PAYLOAD_BYTES_MAX)).toString('utf8')

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
