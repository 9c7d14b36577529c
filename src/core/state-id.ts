/**
 * The name of a state of the workspace, for changes that are meant for the state somebody has seen and no other.
 *
 * `state-<revision>-<12 hex>`: the revision counts every transaction; the digest covers where every work document lies,
 * the bytes of all that are queued, active, blocked or quarantined, and those of millrace.toml. So it moves with whatever
 * any runtime or command commits, and with whatever a person edits, adds, moves or takes away by hand in between. It says
 * nothing of runs' folders, logs, or the mailbox. Takes one read of each open document.
 */
import { sha256 } from './ids.ts'
import { ITEM_KINDS, type KeptState } from './item.ts'
import type { View } from './view.ts'

const CONFIG = 'millrace-agents/millrace.toml'
const OPEN: readonly KeptState[] = ['queued', 'active', 'blocked', 'quarantined']

export function stateId(view: View): string {
  const closed = ITEM_KINDS.map((kind) => [kind, [...view.items.names(kind, 'done')].sort()])
  const open = ITEM_KINDS.flatMap((kind) =>
    OPEN.flatMap((state) =>
      [...view.items.names(kind, state)]
        .sort()
        .map((id) => [kind, state, id, view.read(kind, id, state)?.hash ?? null]),
    ),
  )
  const digest = sha256(JSON.stringify([view.snapshot.revision, closed, open, view.hashOf(CONFIG)]))
  return `state-${view.snapshot.revision}-${digest.slice(0, 12)}`
}

const STATE_ID = /^state-\d+-[0-9a-f]{12}$/
export const isStateId = (value: unknown): value is string => typeof value === 'string' && STATE_ID.test(value)
