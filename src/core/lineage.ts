/** Lineage: how documents that stages hand in inherit the roots of the work they came from (spec 01 §2.12, 02 §5.7). */
import type { FieldValue, WorkDocument } from './document.ts'
import type { ItemEntry, ItemKind } from './item.ts'

/** Root idea of an item; specs that are their own root may be their own seed. */
function rootsOf(source: ItemEntry): { root_spec_id?: string; root_idea_id?: string } {
  return {
    ...(source.effectiveRoot ? { root_spec_id: source.effectiveRoot } : {}),
    ...(source.rootIdeaId ? { root_idea_id: source.rootIdeaId } : {}),
  }
}

/** Fields a handed-in document lacks and inherits from the item its stage worked on. What it says itself stays. */
export function inheritedFields(document: WorkDocument, source: ItemEntry): Record<string, FieldValue> {
  const inherited: Record<string, FieldValue> = { ...rootsOf(source) }
  switch (document.kind) {
    case 'task':
      if (source.kind === 'spec') inherited.spec_id = source.id
      if (source.kind === 'incident') inherited.incident_id = source.id
      if (source.kind === 'task') inherited.parent_task_id = source.id
      break
    case 'spec':
      if (source.kind === 'spec') inherited.parent_spec_id = source.id
      inherited.source_id = source.id
      break
    case 'incident':
      if (source.kind === 'task') inherited.source_task_id = source.id
      if (source.kind === 'spec') inherited.source_spec_id = source.id
      break
    default:
      break
  }
  return Object.fromEntries(
    Object.entries(inherited).filter(
      ([key]) => document.fields[key] === undefined || document.fields[key] === null || document.fields[key] === '',
    ),
  )
}

/** What a document must not contradict: a lineage the source does not have would drop out of the closure it belongs to. */
export function lineageFault(document: WorkDocument, source: ItemEntry): string | null {
  const stated = document.fields.root_spec_id
  if (typeof stated === 'string' && source.effectiveRoot !== null && stated !== source.effectiveRoot) {
    return `Root-Spec-ID is ${stated}, but the work it comes from belongs to ${source.effectiveRoot}; copy that`
  }
  return null
}

/** Kinds whose folder a handed-in document may go to; anything else in an outbox is a fault. */
export function isHandInKind(kind: string, allowed: readonly { kind: string }[]): kind is ItemKind {
  return allowed.some((handIn) => handIn.kind === kind)
}
