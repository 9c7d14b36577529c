/** Taking an item out of its active state, to wherever there is room for it. */
import type { Draft } from './changes.ts'
import type { ItemKind, KeptState } from './item.ts'
import type { View } from './view.ts'

/**
 * Adds the move of an item to the draft, and gives the state it goes to. A place that holds the very same bytes is
 * success, the move has happened already (W-01); one that holds something else is left alone, and the item goes to the
 * next of wanted, blocked and quarantined. Undefined where all are taken: then it stays where it is.
 */
export function leaveActive(
  draft: Draft,
  view: View,
  { kind, id, hash }: { kind: ItemKind; id: string; hash: string },
  wanted: KeptState,
): KeptState | undefined {
  const there = (state: KeptState) => view.read(kind, id, state)
  const to = [wanted, 'blocked' as const, 'quarantined' as const].find((state) => (there(state)?.hash ?? hash) === hash)
  if (to === undefined) return undefined
  if (there(to) === null) draft.add({ change: 'item.move', kind, id, from: 'active', to, hash })
  else draft.add({ change: 'item.drop_copy', kind, id, state: 'active', hash })
  return to
}
