/** Work that names the wrong root spec drops out of the closure it belongs to: finding it and setting it right. */

import { type Change, Draft } from '../../core/changes.ts'
import { parseDocument, setFields, textField } from '../../core/document.ts'
import { MillraceError } from '../../core/errors.ts'
import { requireSafeId } from '../../core/ids.ts'
import type { ItemEntry, ItemKind, ItemState } from '../../core/item.ts'
import { jsonText } from '../../core/json.ts'
import type { ChangeOperation } from '../../core/operation.ts'
import type { View } from '../../core/view.ts'
import { itemFile, stampOf } from '../../store/layout.ts'
import { named, record } from './interventions.ts'
import { readItem } from './items.ts'
import { done, only, text, unchanged } from './payload.ts'

interface FieldRepair {
  work_item_kind: ItemKind
  work_item_id: string
  state: ItemState
  path: string
  field_name: string
  old_value: string | null
  new_value: string
}

const KINDS: readonly ItemKind[] = ['task', 'spec', 'incident']

export const repairLineage: ChangeOperation = (context, payload) => {
  only(payload, 'root_spec_id')
  const { view, hex } = context
  const root = text(payload, 'root_spec_id')
  requireSafeId(root, 'The root spec id')
  const idea = rootIdeaOf(view, root)
  const strays = straysOf(view, root, idea)
  const mended = strays.filter(isMendable)
  const skipped = strays
    .filter((item) => !mended.includes(item))
    .map(({ kind, id, state }) => ({ work_item_kind: kind, work_item_id: id, state }))
  const repairs = mended.map((item) => repairOf(view, item, root))
  const changes = repairs.flatMap((repair) => repair.fields)
  const counts = { root_spec_id: root, repair_count: strays.length, change_count: changes.length }
  const found = { ...counts, skipped_count: skipped.length, lineage_changes: changes, lineage_skipped: skipped }
  if (repairs.length === 0) {
    const what = skipped.length === 0 ? `nothing strays from ${root}` : `what strays from ${root} is left to you`
    return { ...unchanged(what), output: { ...unchanged(what).output, ...found } }
  }
  const report = `arbiter/diagnostics/lineage-repairs/${stampOf(view.now)}-${hex(8)}.json`
  const plan = {
    schema_version: '1.0',
    kind: 'closure_lineage_repair_plan',
    root_spec_id: root,
    root_idea_id: idea,
    created_at: view.now,
    changes,
    skipped_findings: skipped,
    applied: true,
  }
  const draft = new Draft(view)
  draft.add(...repairs.map((repair) => repair.change))
  draft.add({ change: 'document.put', path: report, text: jsonText(plan) })
  record(context, draft, {
    action: 'repair_lineage',
    event: 'closure_lineage_repaired',
    reason: `work of ${root} named another root spec`,
    work_item_kind: 'spec',
    work_item_id: root,
    destination_path: report,
    before: { fields: changes.map(({ work_item_id, field_name, old_value }) => [work_item_id, field_name, old_value]) },
    after: { fields: changes.map(({ work_item_id, field_name, new_value }) => [work_item_id, field_name, new_value]) },
  })
  return done(draft, `repaired ${repairs.length} document${repairs.length === 1 ? '' : 's'} of ${root}`, {
    ...found,
    artifact_path: named(report),
  })
}

/** Open work that belongs to a root spec and names another one. */
export const straysOf = (view: View, root: string, idea: string | null): ItemEntry[] =>
  KINDS.flatMap((kind) =>
    (['queued', 'active', 'blocked'] as const).flatMap((state) =>
      view.items.inState(kind, state).filter((item) => isStray(item, root, idea)),
    ),
  )

/** A spec may be a root of its own, and what is active is an agent's at this moment: people decide about those. */
export const isMendable = ({ kind, state }: ItemEntry): boolean => kind !== 'spec' && state !== 'active'

/** The idea the lineage began with, as its closure target or the root spec itself says. */
function rootIdeaOf(view: View, root: string): string | null {
  const target = view.targets.find((one) => one.root_spec_id === root)
  const spec = view.items.find('spec', root).find((place) => place.state !== 'cancelled')
  if (target === undefined && spec === undefined)
    throw new MillraceError('item_unknown', `There is no root spec ${root}, and no closure target of it.`, {
      hint: 'list specs with `millrace queue ls --all --kind spec`',
    })
  return target?.root_idea_id ?? spec?.rootIdeaId ?? null
}

const ALIASED = /^idea-(?=idea-)/

/** Work of the same idea that names another root, or names the root by an id it went by before (spec 02 §6.3). */
function isStray(item: ItemEntry, root: string, idea: string | null): boolean {
  const named = item.effectiveRoot
  if (named === null || named === root || item.id === root) return false
  return (idea !== null && item.rootIdeaId === idea) || (ALIASED.test(root) && named === root.replace(ALIASED, ''))
}

function repairOf(view: View, item: ItemEntry, root: string): { change: Change; fields: FieldRepair[] } {
  const { kind, id, state } = item
  const { text: source, hash } = readItem(view, item)
  const parsed = parseDocument(kind, source)
  const wrong = item.effectiveRoot
  // The spec a task was cut from is another matter, unless it is what made the root wrong.
  const names = ['root_spec_id', ...(kind === 'task' ? ['spec_id'] : [])].filter((name) => {
    const value = parsed.ok ? textField(parsed.document, name) : null
    return name === 'root_spec_id' ? value !== root : value === wrong
  })
  const fields = names.map((field_name) => ({
    work_item_kind: kind,
    work_item_id: id,
    state,
    path: named(itemFile(kind, id, state)),
    field_name,
    old_value: parsed.ok ? textField(parsed.document, field_name) : null,
    new_value: root,
  }))
  const rewritten = setFields(source, kind, Object.fromEntries(names.map((name) => [name, root])))
  return { change: { change: 'item.rewrite', kind, id, state, text: rewritten, hash }, fields }
}
