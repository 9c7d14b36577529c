/** What a holder and its successor by force write: one transaction each, on the same files, with every kind of change. */
import type { Change } from '../../src/core/changes.ts'
import type { View } from '../../src/core/view.ts'

const HISTORY = 'runs/run-1/transition_history.jsonl'

export function oldTransaction(view: View): Change[] {
  const { hash } = view.read('task', 'one', 'queued')!
  return [
    { change: 'item.move', kind: 'task', id: 'one', from: 'queued', to: 'active', hash },
    { change: 'document.put', path: 'notes.md', text: 'by the old holder\n' },
    { change: 'line.append', path: HISTORY, record: { by: 'old' } },
    { change: 'command.discard', file: 'c-1.json' },
    { change: 'state.set', snapshot: { ...view.snapshot, last_claimed_plane: 'old' } },
  ]
}

/** `requeue`: the document goes back to where the old holder took it from, else it is finished. */
export function newTransaction(view: View, requeue: boolean): Change[] {
  const active = view.read('task', 'one', 'active')
  const moves: Change[] =
    active === null
      ? []
      : [
          {
            change: 'item.move',
            kind: 'task',
            id: 'one',
            from: 'active',
            to: requeue ? 'queued' : 'done',
            hash: active.hash,
          },
        ]
  return [
    ...moves,
    { change: 'document.put', path: 'notes.md', text: 'by the new holder\n' },
    { change: 'line.append', path: HISTORY, record: { by: 'new' } },
    { change: 'state.set', snapshot: { ...view.snapshot, last_claimed_plane: 'new' } },
  ]
}
