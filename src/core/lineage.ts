/** Lineage: how documents that stages hand in inherit the roots of the work they came from (spec 01 §2.12, 02 §5.7). */
import type { FieldValue, WorkDocument } from './document.ts'
import { TABLES } from './document-fields.ts'
import { absurd } from './errors.ts'
import type { ItemEntry } from './item.ts'

/**
 * Fields a handed-in document lacks and inherits from the item its stage worked on: the roots of the lineage, and what
 * it was made from. What it says itself stays; kinds without such fields inherit nothing.
 */
export function inheritedFields(document: WorkDocument, source: ItemEntry): Record<string, FieldValue> {
  const table = TABLES[document.kind]
  const offered = { root_spec_id: source.effectiveRoot, root_idea_id: source.rootIdeaId, ...madeFrom(document, source) }
  const lacking = Object.entries(offered).flatMap(([name, value]): [string, FieldValue][] =>
    value !== null && table.byName.has(name) && (document.fields[name] ?? '') === '' ? [[name, value]] : [],
  )
  return Object.fromEntries(lacking)
}

function madeFrom(document: WorkDocument, source: ItemEntry): Record<string, string> {
  switch (document.kind) {
    case 'task':
      if (source.kind === 'spec') return { spec_id: source.id }
      if (source.kind === 'incident') return { incident_id: source.id }
      return source.kind === 'task' ? { parent_task_id: source.id } : {}
    case 'spec':
      return source.kind === 'spec' ? { parent_spec_id: source.id, source_id: source.id } : { source_id: source.id }
    case 'incident':
      if (source.kind === 'task') return { source_task_id: source.id }
      return source.kind === 'spec' ? { source_spec_id: source.id } : {}
    case 'probe':
    case 'learning_request':
      return {}
    default:
      return absurd(document.kind)
  }
}

/** What a document must not contradict: a lineage the source does not have would drop out of the closure it belongs to. */
export function lineageFault(document: WorkDocument, source: ItemEntry): string | null {
  const stated = document.fields.root_spec_id
  if (typeof stated === 'string' && source.effectiveRoot !== null && stated !== source.effectiveRoot) {
    return `Root-Spec-ID is ${stated}, but the work it comes from belongs to ${source.effectiveRoot}; copy that`
  }
  return null
}
