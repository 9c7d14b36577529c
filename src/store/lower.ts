/**
 * Lowering: from the changes of a decision to file operations with what they expect and leave. Reads what is needed
 * for the expectations, writes nothing.
 */
import * as nodePath from 'node:path'
import { type Approval, approvalFile } from '../core/approval.ts'
import type { Change } from '../core/changes.ts'
import { deliveryText } from '../core/delivery.ts'
import { absurd, MillraceError } from '../core/errors.ts'
import type { ItemKind, ItemState } from '../core/item.ts'
import { jsonText } from '../core/json.ts'
import type { Snapshot } from '../core/state.ts'
import { archiveText } from './command-archive.ts'
import type { FileOperation } from './file-operation/file-operation.ts'
import { hashBytes } from './files.ts'
import type { ItemIndex, WrittenItem } from './items.ts'
import {
  AT,
  blockFile,
  deliveryFile,
  itemFile,
  itemFolder,
  runFolder,
  stampOf,
  statusFile,
  targetFile,
} from './layout.ts'
import { look } from './look.ts'
import { type DraftPorts, OperationDraft } from './operation-draft.ts'

export interface Lowered {
  operations: FileOperation[]
  items: WrittenItem[]
  snapshot: Snapshot
}

export interface LowerPorts extends DraftPorts {
  index: ItemIndex
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
  private readonly draft: OperationDraft
  private readonly items: WrittenItem[] = []
  /** `<kind>/<id>`, case-folded, of the items this very transaction adds. */
  private readonly added = new Set<string>()

  constructor(ports: LowerPorts, revision: number) {
    this.ports = ports
    this.revision = revision
    this.draft = new OperationDraft(ports, revision)
  }

  take(change: Exclude<Change, { change: 'state.set' }>): void {
    switch (change.change) {
      case 'item.add':
        if (this.ports.index.isTaken(change.kind, change.id) || !this.addsFirst(change.kind, change.id)) {
          throw idTaken(change)
        }
        this.draft.create(itemFile(change.kind, change.id, change.state), change.text)
        this.wrote(change.kind, change.state, `${change.id}.md`, false)
        return
      case 'item.move': {
        const from = itemFile(change.kind, change.id, change.from)
        this.draft.moveDocument(from, itemFile(change.kind, change.id, change.to), change.hash)
        if (change.to !== 'blocked') this.forgetBlock(change.kind, change.id)
        this.wrote(change.kind, change.from, `${change.id}.md`, true)
        this.wrote(change.kind, change.to, `${change.id}.md`, false)
        return
      }
      case 'item.archive':
        this.draft.moveDocument(itemFile(change.kind, change.id, change.from), change.file, change.hash)
        this.forgetBlock(change.kind, change.id)
        // The archived name is found by the next look at its folder.
        this.wrote(change.kind, change.from, `${change.id}.md`, true)
        return
      case 'item.rewrite':
        this.draft.rewrite(itemFile(change.kind, change.id, change.state), change.text, change.hash)
        this.wrote(change.kind, change.state, `${change.id}.md`, false)
        return
      case 'item.drop_copy':
        this.draft.push({ op: 'remove', path: itemFile(change.kind, change.id, change.state), hash: change.hash })
        this.wrote(change.kind, change.state, `${change.id}.md`, true)
        return
      case 'item.set_aside':
        this.setAside(change)
        return
      case 'block.put':
        this.draft.put(blockFile(change.block.work_item_kind, change.block.work_item_id), jsonText(change.block))
        return
      case 'counters.set':
        this.draft.put(AT.counters, jsonText(change.counters))
        return
      case 'order.set':
        this.draft.put(AT.order, jsonText(change.order))
        return
      case 'config.set':
        this.draft.replace(AT.config, change.text, change.hash)
        return
      case 'file.put':
        this.draft.putOver(change)
        return
      case 'file.move':
        this.draft.move(change.from, change.to, change.hash)
        return
      case 'status.set':
        this.draft.put(statusFile(change.plane), `${change.marker}\n`)
        return
      case 'closure.put':
        this.draft.put(targetFile(change.target.root_spec_id), jsonText(change.target))
        return
      case 'approval.put':
        this.putApproval(change.approval)
        return
      case 'artifact.put':
        this.draft.put(`${runFolder(change.run_id)}/${change.file}`, change.text)
        return
      case 'document.put':
        if (change.once && this.ports.files.stat(this.ports.places.at(change.path)) !== null) return
        this.draft.put(change.path, change.text)
        return
      case 'line.append':
        this.draft.line(change.path, change.record)
        return
      case 'event.append':
        this.draft.event(change.event_type, change.data)
        return
      case 'delivery.add':
        this.draft.create(deliveryFile('pending', change.delivery.delivery_id), deliveryText(change.delivery))
        return
      case 'delivery.update':
        this.updateDelivery(change)
        return
      case 'delivery.forget':
        this.draft.remove(deliveryFile(change.state, change.delivery_id))
        return
      case 'command.discard':
        this.draft.remove(`${AT.incoming}/${change.file}`)
        return
      case 'log.rotate':
        this.rotateLog(change.path)
        return
      case 'command.archive':
        this.archive(change)
        return
      case 'path.discard':
        this.draft.push({
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
    this.draft.put(approvalFile(status === 'pending' ? 'pending' : 'resolved', approval_id), jsonText(approval))
    const pending = approvalFile('pending', approval_id)
    const asked = status === 'pending' ? null : this.draft.read(pending)
    if (asked !== null) this.draft.push({ op: 'remove', path: pending, hash: hashBytes(asked) })
  }

  /** A record of why it is blocked would mislead once the item lies there again, put by other hands. */
  private forgetBlock(kind: ItemKind, id: string): void {
    const path = blockFile(kind, id)
    const found = look(this.ports.files, this.ports.places.at(path))
    if (found !== null && found !== 'other') this.draft.push({ op: 'remove', path, hash: found.hash })
  }

  private updateDelivery({ delivery, from, to, hash }: Change & { change: 'delivery.update' }): void {
    const before = deliveryFile(from, delivery.delivery_id)
    const text = deliveryText(delivery)
    if (from === to) {
      this.draft.replace(before, text, hash)
      return
    }
    this.draft.put(deliveryFile(to, delivery.delivery_id), text)
    this.draft.push({ op: 'remove', path: before, hash })
  }

  /** `<name>.<stamp>.<revision>.jsonl`; the live name is free for the next line. */
  private rotateLog(path: string): void {
    const bytes = this.ports.files.read(this.ports.places.at(path))
    if (bytes === null) return
    this.draft.moveDocument(
      path,
      path.replace(/jsonl$/, `${stampOf(this.ports.now)}.${this.revision}.jsonl`),
      hashBytes(bytes),
    )
  }

  finish(snapshot: Snapshot): Lowered {
    this.draft.put(AT.snapshot, jsonText(snapshot))
    return { operations: this.draft.finish(), items: this.items, snapshot }
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

  /** `<name>.invalid`, or `.invalid.1`, … (spec 01 §2.2); the findings file beside it says line and field. */
  private setAside(change: Change & { change: 'item.set_aside' }): void {
    const { now } = this.ports
    const folder = itemFolder(change.kind, change.state)
    const taken = new Set(this.ports.files.list(this.ports.places.at(folder)) ?? [])
    let name = `${change.file}.invalid`
    for (let number = 1; taken.has(name); number++) name = `${change.file}.invalid.${number}`
    this.draft.move(`${folder}/${change.file}`, `${folder}/${name}`, change.hash)
    this.wrote(change.kind, change.state, change.file, true)
    this.draft.put(
      `${folder}/${name}.findings.json`,
      jsonText({ file: change.file, set_aside_as: name, at: now, findings: change.findings }),
    )
    const error = change.findings.join('; ')
    this.draft.line(`${folder}/invalid-artifacts.jsonl`, {
      at: now,
      error,
      quarantine_name: name,
      source_name: change.file,
    })
  }

  private archive(change: Change & { change: 'command.archive' }): void {
    const incoming = `${AT.incoming}/${change.file}`
    const bytes = this.draft.readPresent(incoming)
    const folder = change.disposition === 'processed' ? AT.processed : AT.failed
    this.draft.put(`${folder}/${change.file}`, archiveText(bytes, change, this.ports.now))
    this.draft.push({ op: 'remove', path: incoming, hash: hashBytes(bytes) })
  }
}
