/** The document a run works on, as it lies in its active folder now: a stage may have rewritten it. */
import { faultsText, parseDocument } from '../core/document.ts'
import { MillraceError } from '../core/errors.ts'
import type { ItemKind } from '../core/item.ts'
import type { ActiveRun } from '../core/state.ts'
import type { View } from '../core/view.ts'

/** Null for a run that judges closure; it has none. */
export type ActiveItem = ReturnType<typeof activeItem>

/** Throws `conflict` if it is no text any more. */
export function activeItem(view: View, run: ActiveRun) {
  if (run.work_item_id === null) return null
  const kind = run.work_item_kind as ItemKind
  const entry = view.items.find(kind, run.work_item_id).find((place) => place.state === 'active')
  const read = view.read(kind, run.work_item_id, 'active')
  if (read === null)
    throw new MillraceError(
      'conflict',
      `${kind} ${run.work_item_id} in its active folder cannot be read as text any more`,
    )
  const parsed = parseDocument(kind, read.text)
  const faults = parsed.ok
    ? parsed.document.id === run.work_item_id
      ? []
      : [`its id was changed to ${parsed.document.id}`]
    : [faultsText(parsed.faults)]
  const known = entry ?? {
    kind,
    id: run.work_item_id,
    state: 'active' as const,
    title: run.work_item_id,
    createdAt: view.now,
    createdMs: 0,
    dependsOn: [],
    rootSpecId: null,
    rootIdeaId: null,
    effectiveRoot: null,
    sourceIds: [],
  }
  return { entry: known, faults, ...read }
}
