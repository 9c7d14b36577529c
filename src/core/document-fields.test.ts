import { describe, expect, it } from 'vitest'
import {
  DOCUMENT_KINDS,
  type DocumentKind,
  documentFromJson,
  faultsText,
  parseDocument,
  renderDocument,
  type WorkDocument,
} from './document.ts'
import { TABLES } from './document-fields.ts'

describe('the field tables', () => {
  it('give no label two shapes', () => {
    const fields = DOCUMENT_KINDS.flatMap((kind) => TABLES[kind].fields)
    for (const one of fields) {
      const others = fields.filter(({ label }) => label === one.label)
      expect(
        new Set(others.map(({ list, type }) => (type === 'enum' ? `${list}` : `${list} ${type}`))).size,
        one.label,
      ).toBe(1)
    }
  })

  it('know every label of spec 01', () => {
    expect(
      Object.fromEntries(DOCUMENT_KINDS.map((kind) => [kind, TABLES[kind].fields.map(({ name }) => name).join(' ')])),
    ).toEqual({
      task: 'task_id title summary root_idea_id root_spec_id root_intake_kind root_intake_id spec_id parent_task_id incident_id status_hint created_at created_by updated_at depends_on blocks tags target_paths acceptance required_checks references risk',
      spec: 'spec_id title summary source_type source_id parent_spec_id root_idea_id root_spec_id root_intake_kind root_intake_id created_at created_by updated_at goals non_goals scope constraints assumptions risks target_paths entrypoints required_skills decomposition_hints acceptance references',
      incident:
        'incident_id title summary root_idea_id root_spec_id root_intake_kind root_intake_id source_task_id source_spec_id source_stage source_plane failure_class status_hint severity needs_planning trigger_reason consultant_decision opened_at opened_by updated_at observed_symptoms failed_attempts evidence_paths related_run_ids related_stage_results references',
      probe:
        'probe_id title summary request status_hint created_at created_by updated_at target_paths constraints acceptance risk_notes references tags',
      learning_request:
        'learning_request_id title summary requested_action target_skill_id target_stage trigger_metadata created_at created_by updated_at source_refs preferred_output_paths originating_run_ids artifact_paths references',
    })
  })
})

/** The JSON of each kind that says no more than it has to. */
const CREATED = { created_at: '2026-03-02T09:15:00Z', created_by: 'me' }
const LEAST: Record<DocumentKind, Record<string, unknown>> = {
  task: {
    task_id: 't',
    title: 'T',
    ...CREATED,
    target_paths: ['p'],
    acceptance: ['a'],
    required_checks: ['c'],
    references: ['r'],
    risk: ['k'],
  },
  spec: {
    spec_id: 's',
    title: 'T',
    summary: 'S',
    source_type: 'manual',
    ...CREATED,
    goals: ['g'],
    constraints: ['c'],
    acceptance: ['a'],
    references: ['r'],
  },
  incident: {
    incident_id: 'i',
    title: 'T',
    summary: 'S',
    source_stage: 'consultant',
    source_plane: 'execution',
    failure_class: 'odd',
    trigger_reason: 'because',
    consultant_decision: 'blocked',
    opened_at: CREATED.created_at,
    opened_by: 'me',
  },
  probe: { probe_id: 'p', title: 'T', request: 'R', ...CREATED },
  learning_request: { learning_request_id: 'l', title: 'T', requested_action: 'improve', ...CREATED },
}

function documentOf(kind: DocumentKind): WorkDocument {
  const result = documentFromJson(kind, LEAST[kind])
  if (!result.ok) throw new Error(faultsText(result.faults))
  return result.document
}

describe.each(DOCUMENT_KINDS)('a %s that says no more than it has to', (kind) => {
  it('is valid, and without any part of it no more', () => {
    expect(documentOf(kind).kind).toBe(kind)
    for (const name of Object.keys(LEAST[kind])) {
      const { [name]: _, ...rest } = LEAST[kind]
      const less = documentFromJson(kind, rest)
      expect(less.ok ? [] : less.faults, name).toEqual([{ line: null, field: name, message: `${name} is missing` }])
    }
  })

  it('has empty lists and defaults, and no member for what it does not say', () => {
    const document = documentOf(kind)
    const filledIn = TABLES[kind].fields.filter((field) => field.fallback !== undefined && !(field.name in LEAST[kind]))
    const expected = [...Object.keys(LEAST[kind]), ...filledIn.map((field) => field.name)].sort()
    const again = parseDocument(kind, renderDocument(document))
    expect(Object.keys(document.fields).sort()).toEqual(expected)
    expect(again.ok && Object.keys(again.document.fields).sort()).toEqual(expected)
  })
})

it('a choice has its words, and a default where one is usual', () => {
  const HINTS = ['queued', 'active', 'blocked', 'done']
  const INTAKE = ['idea', 'probe', 'manual', 'incident', 'derived_spec']
  const words = (kind: DocumentKind) =>
    Object.fromEntries(TABLES[kind].fields.flatMap(({ name, values }) => (values.length > 0 ? [[name, values]] : [])))
  expect(Object.fromEntries(DOCUMENT_KINDS.map((kind) => [kind, words(kind)]))).toEqual({
    task: { root_intake_kind: INTAKE, status_hint: HINTS },
    spec: { root_intake_kind: INTAKE, source_type: ['idea', 'incident', 'manual', 'derived_spec', 'probe'] },
    incident: {
      root_intake_kind: INTAKE,
      status_hint: ['incoming', 'active', 'blocked', 'resolved'],
      severity: ['low', 'medium', 'high', 'critical'],
      consultant_decision: ['needs_planning', 'blocked'],
    },
    probe: { status_hint: HINTS },
    learning_request: { requested_action: ['create', 'improve', 'promote', 'export', 'install'] },
  })
  expect(documentOf('incident').fields).toMatchObject({ severity: 'medium', needs_planning: true })
  expect(documentOf('learning_request').fields.trigger_metadata).toEqual({})
  for (const kind of ['task', 'probe', 'learning_request'] as const) expect(documentOf(kind).fields.summary).toBe('')
})

it('nothing may be said in so many words among dependencies only', () => {
  const dropping = DOCUMENT_KINDS.flatMap((kind) => TABLES[kind].fields.filter((field) => field.placeholders))
  expect(dropping.map((field) => field.name)).toEqual(['depends_on', 'blocks'])
})
