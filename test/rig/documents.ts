/** Work documents for tests: valid ones of every kind with as little as they need. */
import { type DocumentKind, newDocument, renderDocument } from '../../src/core/document.ts'

export const CREATED_AT = '2026-03-02T09:15:00Z'

const REQUIRED: Record<DocumentKind, (id: string) => Record<string, unknown>> = {
  task: (id) => ({
    task_id: id,
    created_at: CREATED_AT,
    created_by: 'person',
    target_paths: ['src'],
    acceptance: ['it works'],
    required_checks: ['npm test'],
    references: ['README.md'],
    risk: ['none known'],
  }),
  spec: (id) => ({
    spec_id: id,
    summary: 'What is wanted.',
    source_type: 'manual',
    created_at: CREATED_AT,
    created_by: 'person',
    goals: ['it works'],
    constraints: ['no new dependency'],
    acceptance: ['it works'],
    references: ['README.md'],
  }),
  incident: (id) => ({
    incident_id: id,
    summary: 'What happened.',
    source_stage: 'some-stage',
    source_plane: 'execution',
    failure_class: 'some_failure',
    trigger_reason: 'some_reason',
    consultant_decision: 'needs_planning',
    opened_at: CREATED_AT,
    opened_by: 'person',
  }),
  probe: (id) => ({ probe_id: id, request: 'Find out.', created_at: CREATED_AT, created_by: 'person' }),
  learning_request: (id) => ({
    learning_request_id: id,
    requested_action: 'create',
    created_at: CREATED_AT,
    created_by: 'person',
  }),
}

/** Markdown of a valid document; `fields` in their JSON names. */
export function documentText(kind: DocumentKind, id: string, fields: Record<string, unknown> = {}, body = ''): string {
  return renderDocument(newDocument(kind, { title: `Title of ${id}`, ...REQUIRED[kind](id), ...fields }, body))
}
