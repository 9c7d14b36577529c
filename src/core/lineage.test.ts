import { describe, expect, it } from 'vitest'
import { documentText } from '../../test/rig/documents.ts'
import { MemoryWorkspace } from '../../test/rig/view.ts'
import {
  DOCUMENT_KINDS,
  type DocumentKind,
  effectiveRootSpec,
  parseDocument,
  setFields,
  type WorkDocument,
} from './document.ts'
import { ITEM_KINDS, type ItemEntry, type ItemKind } from './item.ts'
import { inheritedFields, lineageFault } from './lineage.ts'

function source(kind: ItemKind, id: string, fields: Record<string, unknown> = {}): ItemEntry {
  const view = new MemoryWorkspace().put(kind, 'active', id, documentText(kind, id, fields)).view()
  return view.items.find(kind, id)[0]!
}

function handedIn(kind: DocumentKind, fields: Record<string, unknown> = {}): { text: string; document: WorkDocument } {
  const text = documentText(kind, 'new-one', fields)
  const parsed = parseDocument(kind, text)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults))
  return { text, document: parsed.document }
}

const ROOTS = { root_spec_id: 'root', root_idea_id: 'idea-1' }

describe('a document handed in', () => {
  it('inherits the roots of the work it came from, and that work itself', () => {
    expect(inheritedFields(handedIn('task').document, source('spec', 's', ROOTS))).toEqual({ ...ROOTS, spec_id: 's' })
    expect(inheritedFields(handedIn('task').document, source('incident', 'i', ROOTS))).toEqual({
      ...ROOTS,
      incident_id: 'i',
    })
    expect(inheritedFields(handedIn('task').document, source('task', 't', ROOTS))).toEqual({
      ...ROOTS,
      parent_task_id: 't',
    })
    expect(inheritedFields(handedIn('spec').document, source('spec', 's', ROOTS))).toEqual({
      ...ROOTS,
      parent_spec_id: 's',
      source_id: 's',
    })
    expect(inheritedFields(handedIn('spec').document, source('incident', 'i', ROOTS))).toEqual({
      ...ROOTS,
      source_id: 'i',
    })
    expect(inheritedFields(handedIn('incident').document, source('task', 't', ROOTS))).toEqual({
      ...ROOTS,
      source_task_id: 't',
    })
    expect(inheritedFields(handedIn('incident').document, source('spec', 's', ROOTS))).toEqual({
      ...ROOTS,
      source_spec_id: 's',
    })
  })

  it('is made from no task where a probe handed it in', () => {
    expect(inheritedFields(handedIn('task').document, source('probe', 'p'))).toEqual({})
  })

  it('inherits the root its source has by the rules, not only one it names', () => {
    expect(inheritedFields(handedIn('task').document, source('spec', 'own-root'))).toEqual({
      root_spec_id: 'own-root',
      spec_id: 'own-root',
    })
    expect(inheritedFields(handedIn('task').document, source('incident', 'i', { source_spec_id: 's' }))).toEqual({
      root_spec_id: 's',
      incident_id: 'i',
    })
  })

  it('keeps what it says itself', () => {
    const stated = { spec_id: 'mine', root_idea_id: 'my-idea' }
    expect(inheritedFields(handedIn('task', stated).document, source('spec', 's', ROOTS))).toEqual({
      root_spec_id: 'root',
    })
  })

  it('inherits nothing that its kind has no field for', () => {
    for (const kind of ['probe', 'learning_request'] as const)
      expect(inheritedFields(handedIn(kind).document, source('spec', 's', ROOTS))).toEqual({})
  })

  it.each(DOCUMENT_KINDS.flatMap((kind) => ITEM_KINDS.map((from) => ({ kind, from }))))(
    '$kind from a $from is a valid document of the same lineage',
    ({ kind, from }) => {
      const hasRoots = from === 'task' || from === 'spec' || from === 'incident'
      const entry = source(from, 'source-1', hasRoots ? ROOTS : {})
      const { text, document } = handedIn(kind)
      const published = parseDocument(kind, setFields(text, kind, inheritedFields(document, entry)))
      expect(published.ok).toBe(true)
      const root = published.ok ? effectiveRootSpec(published.document) : null
      if (hasRoots && kind !== 'probe' && kind !== 'learning_request') expect(root).toBe('root')
      else expect(root === null || root === 'new-one').toBe(true)
    },
  )
})

describe('a document of another lineage', () => {
  it('is a fault that says which to copy', () => {
    expect(lineageFault(handedIn('task', { root_spec_id: 'other' }).document, source('spec', 's', ROOTS))).toBe(
      'Root-Spec-ID is other, but the work it comes from belongs to root; copy that',
    )
  })

  it('is none where it agrees, says nothing, or its source belongs to none', () => {
    expect(lineageFault(handedIn('task', { root_spec_id: 'root' }).document, source('spec', 's', ROOTS))).toBeNull()
    expect(lineageFault(handedIn('task').document, source('spec', 's', ROOTS))).toBeNull()
    expect(lineageFault(handedIn('task', { root_spec_id: 'other' }).document, source('task', 't'))).toBeNull()
  })
})
