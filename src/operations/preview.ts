/** What a change would do, worked out on what is there now: nothing is written, posted or locked. */
import type { Change } from '../core/changes.ts'
import { ITEM_STATES, type ItemKind } from '../core/item.ts'
import { stateId } from '../core/state-id.ts'
import type { View } from '../core/view.ts'
import { operationOf, perform } from '../engine/commands.ts'
import { itemFile } from '../store/layout.ts'
import { idTaken } from '../store/lower.ts'
import { compileWorkspace } from '../store/plans.ts'
import { COMMANDS } from './commands/table.ts'
import { type Context, placesIn } from './context.ts'
import { ISSUER, type Issued } from './issue.ts'
import { lockIn } from './owner.ts'
import { reading } from './reading.ts'

/** Throws the refusal the command would meet. */
export async function preview(context: Context, command: string, payload: Record<string, unknown>): Promise<Issued> {
  const { clock, files, packageRoot, runnerNames, validators, overrides, ifState } = context
  const places = placesIn(context)
  const operation = await operationOf(COMMANDS, command)
  const live = lockIn(context).state === 'active'
  const issued_at = clock.now().toISOString()
  const ports = { files, places, packageRoot, runners: runnerNames, validators }
  const { id, outcome } = reading(context, (view) => {
    const found = perform(
      operation,
      { payload, issuer: ISSUER, issued_at, ...(ifState ? { if_state: ifState } : {}) },
      {
        view,
        live,
        hex: (digits) => clock.hex(digits),
        compile: () => compileWorkspace(ports, { overrides }, issued_at),
      },
    )
    for (const change of found.changes) if (change.change === 'item.add' && isTaken(view, change)) throw idTaken(change)
    return { id: stateId(view), outcome: found }
  })
  const {
    applied,
    detail,
    artifact_path: _,
    ...result
  } = outcome.output as {
    applied?: boolean
    detail?: string
    artifact_path?: string
  }
  return {
    action: command,
    mode: live ? 'mailbox' : 'direct',
    state: applied === true ? 'preview' : 'refused',
    applied: false,
    detail: detail ?? '',
    command_id: null,
    mailbox_path: null,
    result,
    state_id: id,
    would: outcome.changes.flatMap((change) => told(change)),
  }
}

const NAMED = ITEM_STATES.filter((state) => state !== 'cancelled')

const isTaken = (view: View, { kind, id }: { kind: ItemKind; id: string }): boolean =>
  NAMED.some((state) => view.items.names(kind, state).some((name) => name.toLowerCase() === id.toLowerCase()))

/** A change in words, if it is one that people see: not the state, the record and the events that go with every one. */
function told(change: Change): string[] {
  switch (change.change) {
    case 'item.add':
      return [`write ${itemFile(change.kind, change.id, change.state)}`]
    case 'item.rewrite':
      return [`rewrite ${itemFile(change.kind, change.id, change.state)}`]
    case 'item.move':
      return [`move ${itemFile(change.kind, change.id, change.from)} to ${itemFile(change.kind, change.id, change.to)}`]
    case 'item.archive':
      return [`move ${itemFile(change.kind, change.id, change.from)} to ${folderOf(change.file)}`]
    case 'file.move':
      return [`move ${change.from} to ${folderOf(change.to)}`]
    case 'document.put':
      return [`write ${change.path}`]
    case 'file.put':
      if (change.hash === null) return [`write ${change.path}`]
      return [`rewrite ${change.path}`, ...(!change.keep ? [] : [`keep what it was in ${folderOf(change.keep)}`])]
    case 'path.discard':
      return [`remove ${change.path}`]
    case 'order.set':
      return ['put the queue in that order']
    case 'config.set':
      return ['rewrite millrace.toml']
    case 'approval.put':
      return [`set down approval ${change.approval.approval_id} as ${change.approval.status}`]
    case 'closure.put':
      return [`set down closure target ${change.target.root_spec_id}`]
    case 'delivery.update':
      return [`deliver ${change.delivery.delivery_id} again`]
    case 'block.put':
    case 'delivery.add':
    case 'delivery.forget':
    case 'state.set':
    case 'counters.set':
    case 'status.set':
    case 'line.append':
    case 'event.append':
    case 'item.drop_copy':
    case 'item.set_aside':
    case 'artifact.put':
    case 'log.rotate':
    case 'command.discard':
    case 'command.archive':
      return []
  }
}

/** Names with a stamp are given when it happens. */
const folderOf = (file: string): string => file.slice(0, file.lastIndexOf('/') + 1)
