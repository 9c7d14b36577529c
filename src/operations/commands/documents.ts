/** The commands that bring work in: tasks, specs and ideas. */
import { Draft } from '../../core/changes.ts'
import { leadsTo } from '../../core/dependencies.ts'
import {
  DOCUMENT_BYTES_MAX,
  type DocumentKind,
  documentFromJson,
  faultsText,
  listField,
  parseDocumentBytes,
  renderDocument,
  setFields,
  textField,
  type WorkDocument,
} from '../../core/document.ts'
import { MillraceError } from '../../core/errors.ts'
import { isIdeaName } from '../../core/idea.ts'
import { requireSafeId } from '../../core/ids.ts'
import type { ItemKind } from '../../core/item.ts'
import type { ChangeContext, ChangeOperation } from '../../core/operation.ts'
import { unsatisfiable } from '../../core/select.ts'
import { itemFile } from '../../store/layout.ts'
import { done, only, text } from './payload.ts'

/** Adds a document of a kind; what an operator leaves out of a root spec's lineage is filled in and reported. */
export function addDocument(kind: Exclude<DocumentKind, 'incident'>): ChangeOperation {
  return (context, payload) => {
    only(payload, 'document', 'text')
    const { view } = context
    const { document, source } = readPayload(kind, payload)
    requireSafeId(document.id, `The ${kind} id`)
    refuseCycle(document, view)
    const lineage = kind === 'spec' ? missingLineage(document) : {}
    const rendered = Object.keys(lineage).length > 0 ? setFields(source, kind, lineage) : source
    const draft = new Draft(view)
    if (lineage.root_idea_id === document.id)
      draft.add({ change: 'document.put', path: `intake/ideas/${document.id}.md`, text: source, once: true })
    draft.add({ change: 'item.add', kind, id: document.id, state: 'queued', text: rendered })
    draft.forget('runtime_tick_idle', 'runtime')
    const path = `millrace-agents/${itemFile(kind, document.id, 'queued')}`
    const dependsOn = listField(document, 'depends_on')
    const unsatisfiable_dependencies = unsatisfiable({ kind, id: document.id, dependsOn }, view)
    draft.event(`mailbox_add_${kind}_applied`, { [`${kind}_id`]: document.id, path })
    return done(draft, `enqueued ${kind} ${document.id}`, {
      work_item_kind: kind,
      work_item_id: document.id,
      artifact_path: path,
      defaulted_fields: Object.keys(lineage),
      ...(Object.keys(unsatisfiable_dependencies).length > 0 ? { unsatisfiable_dependencies } : {}),
    })
  }
}

/** The same for a kind that not every mode has: what no plane takes would lie in its queue for ever. */
export function addWhereClaimed(kind: Exclude<DocumentKind, 'incident'>): ChangeOperation {
  const add = addDocument(kind)
  return (context, payload) => {
    const { modeId, plan } = context.compile()
    if (plan !== null && !plan.claim_order.planes.some(({ kinds }) => kinds.includes(kind))) {
      throw new MillraceError('kind_unclaimed', `No plane of mode ${modeId} takes a ${kind.replaceAll('_', ' ')}.`, {
        hint: `choose a mode whose claim_order names ${kind}; see them with \`millrace modes\``,
      })
    }
    return add(context, payload)
  }
}

/** Either the JSON form (`document`, the reference's payload) or the text itself (`text`, which keeps what people wrote). */
function readPayload(kind: DocumentKind, payload: Record<string, unknown>): { document: WorkDocument; source: string } {
  const json = payload.document
  if (typeof payload.text === 'string') {
    const source = payload.text
    const parsed = parseText(kind, source)
    return { document: parsed, source }
  }
  const parsed = documentFromJson(kind, json)
  if (!parsed.ok) throw new MillraceError('document_invalid', `The ${kind} is not valid: ${faultsText(parsed.faults)}.`)
  const source = renderDocument(parsed.document)
  if (Buffer.byteLength(source) > DOCUMENT_BYTES_MAX)
    throw new MillraceError('document_invalid', `The ${kind} is larger than ${DOCUMENT_BYTES_MAX} bytes.`)
  return { document: parsed.document, source }
}

/** A root spec written by hand is its own seed unless it names one (so that finished work can be judged against it). */
function missingLineage(document: WorkDocument): Record<string, string> {
  const isRoot =
    ['idea', 'manual'].includes(textField(document, 'source_type') ?? '') && !textField(document, 'parent_spec_id')
  const stated = textField(document, 'root_spec_id')
  if (!isRoot || (stated !== null && stated !== document.id)) return {}
  return {
    ...(stated === null ? { root_spec_id: document.id } : {}),
    ...(textField(document, 'root_idea_id') === null ? { root_idea_id: document.id } : {}),
  }
}

function refuseCycle(document: WorkDocument, view: ChangeContext['view']): void {
  const kind = document.kind as ItemKind
  const next = (id: string) => view.items.find(kind, id).flatMap((place) => place.dependsOn)
  if (!leadsTo(listField(document, 'depends_on'), document.id, next)) return
  throw new MillraceError('dependency_cycle', `The dependencies of ${kind} ${document.id} lead back to itself.`, {
    hint: 'take one of the Depends-On lines out',
  })
}

export const addIdea: ChangeOperation = ({ view }, payload) => {
  only(payload, 'source_name', 'markdown')
  const name = text(payload, 'source_name')
  const markdown = payload.markdown
  if (!isIdeaName(name))
    throw new MillraceError('id_invalid', `${JSON.stringify(name)} is no name for an idea.`, {
      hint: 'use a safe id followed by .md, without a folder',
    })
  if (typeof markdown !== 'string' || markdown.trim() === '')
    throw new MillraceError('document_invalid', 'The idea is empty.')
  if (Buffer.byteLength(markdown) > DOCUMENT_BYTES_MAX)
    throw new MillraceError('document_invalid', `The idea is larger than ${DOCUMENT_BYTES_MAX} bytes.`)
  if (view.readFile(`ideas/inbox/${name}`) !== null)
    throw new MillraceError('item_exists', `ideas/inbox/${name} exists already.`, {
      hint: 'choose another name, or edit that file',
    })
  const draft = new Draft(view)
  draft.add({ change: 'document.put', path: `../ideas/inbox/${name}`, text: markdown, once: true })
  draft.forget('runtime_tick_idle', 'runtime')
  draft.event('mailbox_add_idea_applied', { source_name: name, path: `ideas/inbox/${name}` })
  return done(draft, `added idea ${name}`, { artifact_path: `ideas/inbox/${name}` })
}

function parseText(kind: DocumentKind, source: string): WorkDocument {
  const parsed = parseDocumentBytes(kind, Buffer.from(source, 'utf8'))
  if (!parsed.ok) throw new MillraceError('document_invalid', `The ${kind} is not valid: ${faultsText(parsed.faults)}.`)
  return parsed.document
}
