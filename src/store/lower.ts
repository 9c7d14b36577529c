/**
 * Lowering: from the changes of a decision to file operations with what they expect and leave. Reads what is needed
 * for the expectations, writes nothing. Whatever of ours a person has edited is kept beside before it is replaced.
 */
import { canonicalJson } from '../core/ids.ts'
import { absurd, MillraceError } from '../core/errors.ts'
import type { Change } from '../core/changes.ts'
import type { ItemKind, ItemState } from '../core/item.ts'
import type { Snapshot } from '../core/state.ts'
import { type Files, hashBytes } from './files.ts'
import type { ItemIndex } from './items.ts'
import { type FileOperation, payload } from './journal.ts'
import { AT, itemFile, itemFolder, type Places, runFolder, statusFile, targetFile } from './layout.ts'

/** Documents above this are moved without being carried in the record. */
const CARRIED_BYTES_MAX = 1024 * 1024 + 4096

export interface WrittenItem {
  kind: ItemKind
  state: ItemState
  name: string
  gone: boolean
}

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
  hex: (digits: number) => string
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

class Lowering {
  private readonly ports: LowerPorts
  private readonly revision: number
  private readonly operations: FileOperation[] = []
  private readonly items: WrittenItem[] = []
  private readonly lines = new Map<string, string>()
  private readonly put_ = new Map<string, number>()

  constructor(ports: LowerPorts, revision: number) {
    this.ports = ports
    this.revision = revision
  }

  take(change: Exclude<Change, { change: 'state.set' }>): void {
    switch (change.change) {
      case 'item.add':
        if (this.ports.index.isTaken(change.kind, change.id)) {
          throw new MillraceError('item_exists', `A ${change.kind} with the id ${change.id} exists already.`, { hint: `see it with: millrace queue show ${change.id}; or choose another id` })
        }
        this.create(itemFile(change.kind, change.id, change.state), change.text)
        return this.wrote(change.kind, change.state, `${change.id}.md`, false)
      case 'item.move': {
        const from = itemFile(change.kind, change.id, change.from)
        const to = change.to === 'cancelled' ? this.archiveName(change) : itemFile(change.kind, change.id, change.to)
        this.move(from, to, change.hash)
        this.wrote(change.kind, change.from, `${change.id}.md`, true)
        return this.wrote(change.kind, change.to, to.split('/').pop()!, false)
      }
      case 'item.rewrite':
        this.operations.push({ op: 'put', path: itemFile(change.kind, change.id, change.state), content: { text: change.text }, expects: change.hash, leaves: hashBytes(change.text) })
        return this.wrote(change.kind, change.state, `${change.id}.md`, false)
      case 'item.drop_copy':
        this.operations.push({ op: 'remove', path: itemFile(change.kind, change.id, change.state), hash: change.hash })
        return this.wrote(change.kind, change.state, `${change.id}.md`, true)
      case 'item.set_aside':
        return this.setAside(change)
      case 'counters.set':
        return this.put(AT.counters, json(change.counters))
      case 'status.set':
        return this.put(statusFile(change.plane), `${change.marker}\n`)
      case 'closure.put':
        return this.put(targetFile(change.target.root_spec_id), json(change.target))
      case 'artifact.put':
        return this.put(`${runFolder(change.run_id)}/${change.file}`, change.text)
      case 'document.put':
        if (change.once && this.ports.files.stat(this.ports.places.at(change.path)) !== null) return
        return this.put(change.path, change.text)
      case 'line.append':
        return this.line(change.path, canonicalJson(change.record))
      case 'event.append':
        return this.line(AT.events, canonicalJson({ schema_version: '1.0', kind: 'runtime_event', event_type: change.event_type, occurred_at: this.ports.now, data: change.data }))
      case 'command.archive':
        return this.archive(change)
      default:
        return absurd(change)
    }
  }

  finish(snapshot: Snapshot): Lowered {
    this.put(AT.snapshot, json(snapshot))
    const last = this.operations.pop()!
    for (const [path, text] of this.lines) this.operations.push({ op: 'append', path, offset: this.ports.files.stat(this.ports.places.at(path))?.bytes ?? 0, content: { text } })
    this.operations.push(last)
    return { operations: this.operations, items: this.items, snapshot }
  }

  private wrote(kind: ItemKind, state: ItemState, name: string, gone: boolean): void {
    this.items.push({ kind, state, name, gone })
  }

  private create(path: string, text: string): void {
    this.operations.push({ op: 'put', path, content: { text }, expects: null, leaves: hashBytes(text) })
  }

  private read(path: string): Uint8Array | null {
    return this.ports.files.read(this.ports.places.at(path))
  }

  private move(from: string, to: string, hash: string): void {
    const bytes = this.read(from)
    if (bytes === null) throw new MillraceError('conflict', `${from} is not there any more; nothing was written.`, { hint: 'run the command again' })
    this.operations.push({ op: 'move', from, to, content: bytes.length <= CARRIED_BYTES_MAX ? payload(bytes) : null, hash })
  }

  /** Replaces a file of ours. Bytes in it that are not the ones we know are a person's: they are kept beside it. */
  private put(path: string, text: string): void {
    const earlier = this.put_.get(path)
    const leaves = hashBytes(text)
    if (earlier !== undefined) {
      const operation = this.operations[earlier] as FileOperation & { op: 'put' }
      this.operations[earlier] = { ...operation, content: { text }, leaves }
      return
    }
    const found = this.read(path)
    const expects = found === null ? null : hashBytes(found)
    const known = this.ports.known.get(path)
    if (found !== null && expects !== leaves && known !== expects) {
      const kept = `${path}.conflict-${this.revision}`
      if (this.ports.files.stat(this.ports.places.at(kept)) === null) {
        const bytes = payload(found)
        this.operations.push({ op: 'put', path: kept, content: bytes, expects: null, leaves: expects! })
        this.take({ change: 'event.append', event_type: 'foreign_edit_kept', data: { path, kept_as: kept } })
      }
    }
    this.put_.set(path, this.operations.length)
    this.operations.push({ op: 'put', path, content: { text }, expects, leaves })
  }

  private line(path: string, record: string): void {
    this.lines.set(path, `${this.lines.get(path) ?? ''}${record}\n`)
  }

  private archiveName(change: Change & { change: 'item.move' }): string {
    const stamp = this.ports.now.replace(/[-:]|\.\d+/g, '')
    const sourceState = itemFolder(change.kind, change.from).split('/').pop()
    return `${itemFolder(change.kind, 'cancelled')}/${change.id}.${stamp}.${this.ports.hex(8)}.${sourceState}.md`
  }

  /** `<name>.invalid`, or `.invalid.1`, … (spec 01 §2.2); the findings file beside it says line and field. */
  private setAside(change: Change & { change: 'item.set_aside' }): void {
    const folder = itemFolder(change.kind, change.state)
    const taken = new Set(this.ports.files.list(this.ports.places.at(folder)) ?? [])
    let name = `${change.file}.invalid`
    for (let number = 1; taken.has(name); number++) name = `${change.file}.invalid.${number}`
    this.move(`${folder}/${change.file}`, `${folder}/${name}`, change.hash)
    this.wrote(change.kind, change.state, change.file, true)
    this.put(`${folder}/${name}.findings.json`, json({ file: change.file, set_aside_as: name, at: this.ports.now, findings: change.findings }))
    this.line(`${folder}/invalid-artifacts.jsonl`, canonicalJson({ at: this.ports.now, error: change.findings.join('; '), quarantine_name: name, source_name: change.file }))
  }

  private archive(change: Change & { change: 'command.archive' }): void {
    const incoming = `${AT.incoming}/${change.file}`
    const bytes = this.read(incoming)
    if (bytes === null) throw new MillraceError('conflict', `${incoming} is not there any more; nothing was written.`, { hint: 'run the command again' })
    const raw = Buffer.from(bytes).toString('utf8')
    let envelope: unknown
    try {
      envelope = JSON.parse(raw)
    } catch {
      envelope = undefined
    }
    const head = { schema_version: '1.0', kind: 'mailbox_archive', disposition: change.disposition, archived_at: this.ports.now }
    const body = envelope === undefined ? { error: change.error, raw_payload: raw.slice(0, 100_000) } : { envelope, result: change.result, ...(change.error === null ? {} : { error: change.error }) }
    this.put(`${change.disposition === 'processed' ? AT.processed : AT.failed}/${change.file}`, json({ ...head, ...body }))
    this.operations.push({ op: 'remove', path: incoming, hash: hashBytes(bytes) })
  }
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
