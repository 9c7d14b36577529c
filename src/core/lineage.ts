/** Lineage: how documents that stages hand in inherit the roots of the work they came from (spec 01 §2.12, 02 §5.7). */
import type { FieldValue, WorkDocument } from './document.ts'
import { type DocumentKind, parseDocument } from './document.ts'
import { TABLES } from './document-fields.ts'
import { absurd } from './errors.ts'
import { ITEM_STATES, type ItemEntry } from './item.ts'
import type { View } from './view.ts'

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

/** Steps back from a piece of work to what it was made from; documents of other hands may lead in a circle. */
const ORIGINS_MAX = 50

/** The fields by which a document of a kind names what it was made from, the nearest first. */
const ORIGINS: Readonly<Partial<Record<DocumentKind, readonly (readonly [field: string, kind: DocumentKind])[]>>> = {
  task: [
    ['incident_id', 'incident'],
    ['spec_id', 'spec'],
    ['parent_task_id', 'task'],
  ],
  spec: [
    ['source_id', 'incident'],
    ['parent_spec_id', 'spec'],
  ],
  incident: [
    ['source_task_id', 'task'],
    ['source_spec_id', 'spec'],
  ],
}

/** How many incidents lie on the way back from a piece of work to where it began: how often it was handed on already. */
export function handoffsBefore(view: Pick<View, 'items' | 'read'>, item: { kind: DocumentKind; id: string }): number {
  const seen = new Set<string>()
  let incidents = 0
  for (let at: typeof item | null = item; at !== null && seen.size < ORIGINS_MAX; at = originOf(view, at)) {
    if (seen.has(`${at.kind} ${at.id}`)) break
    seen.add(`${at.kind} ${at.id}`)
    if (at.kind === 'incident') incidents += 1
  }
  return incidents
}

function originOf(view: Pick<View, 'items' | 'read'>, { kind, id }: { kind: DocumentKind; id: string }) {
  const place = ITEM_STATES.find((state) => view.items.find(kind, id).some((one) => one.state === state))
  const read = place === undefined ? null : view.read(kind, id, place)
  const parsed = read === null ? null : parseDocument(kind, read.text)
  if (!parsed?.ok) return null
  const { fields } = parsed.document
  for (const [field, origin] of ORIGINS[kind] ?? []) {
    const named = fields[field]
    if (typeof named === 'string' && view.items.find(origin, named).length > 0) return { kind: origin, id: named }
  }
  return null
}
