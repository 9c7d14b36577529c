/**
 * Handoff incidents: how the runtime hands trouble from one plane to another as a document of its own (spec 02 §5.7).
 * Which terminal state does so is the plan's to say.
 */
import type { Settlement } from './apply.ts'
import type { Draft } from './changes.ts'
import { renderDocument, type WorkDocument } from './document.ts'
import type { Effect } from './loop.ts'

/** Characters of the subject's id that go into the incident's. */
const SUBJECT_LENGTH_MAX = 120

/**
 * Enqueues the incident and tells of it. `adopted`: one the stage handed in, which becomes its body and never a second
 * document (design §12). Gives what was done to queues, for the record.
 */
export function createIncident(
  draft: Draft,
  settlement: Settlement,
  effect: Effect & { effect: 'create_incident' },
  adopted: WorkDocument | null,
): string[] {
  const { view, run, decision, hex } = settlement
  const subject = run.work_item_id ?? run.closure_target_root_spec_id ?? run.run_id
  const id = `${effect.id_prefix}-${subject.slice(0, SUBJECT_LENGTH_MAX)}-${hex(8)}`
  const title = adopted?.title ?? `${subject}: ${decision.reason.replaceAll('_', ' ')}`
  const fields = withoutAbsent({
    ...adopted?.fields,
    incident_id: id,
    title,
    ...lineageOf(settlement, adopted),
    ...causeOf(settlement, effect, adopted, subject),
    opened_at: view.now,
    opened_by: 'runtime',
  })
  const text = renderDocument({ kind: 'incident', id, title, createdAt: view.now, fields, body: adopted?.body ?? '' })
  draft.add({ change: 'item.add', kind: effect.entry_kind, id, state: 'queued', text })
  draft.event('runtime_handoff_incident_enqueued', {
    incident_id: id,
    source_work_item_kind: run.work_item_kind ?? 'spec',
    source_work_item_id: subject,
    destination: `millrace-agents/incidents/incoming/${id}.md`,
    root_idea_id: fields.root_idea_id ?? null,
    root_spec_id: fields.root_spec_id ?? null,
    source_task_id: fields.source_task_id ?? null,
    source_spec_id: fields.source_spec_id ?? null,
  })
  return [`${effect.entry_kind} ${id} queued`]
}

/** The lineage of what was worked on; what the stage wrote counts only where that has none. */
function lineageOf({ run, request, item }: Settlement, adopted: WorkDocument | null): Record<string, unknown> {
  const root = run.closure_target_root_spec_id
  return {
    root_spec_id: root ?? item?.entry.effectiveRoot ?? adopted?.fields.root_spec_id,
    root_idea_id: request.closure_target_root_idea_id ?? item?.entry.rootIdeaId ?? adopted?.fields.root_idea_id,
    source_task_id: item?.entry.kind === 'task' ? item.entry.id : undefined,
    source_spec_id: item?.entry.kind === 'spec' ? item.entry.id : root,
  }
}

/** What happened, where, and what shows it. */
function causeOf(
  { run, request, result, decision }: Settlement,
  effect: Effect & { effect: 'create_incident' },
  adopted: WorkDocument | null,
  subject: string,
): Record<string, unknown> {
  const notes = lines(result.notes)
  const judged =
    run.closure_target_root_spec_id === null
      ? []
      : [request.preferred_rubric_path, request.preferred_verdict_path, request.preferred_report_path]
  return {
    summary:
      adopted?.fields.summary ??
      notes[0] ??
      `${request.stage_kind_id} ended with ${result.terminal_result} on ${subject}.`,
    source_stage: run.stage_kind_id,
    source_plane: run.plane,
    failure_class: decision.failure_class ?? effect.failure_class,
    severity: adopted?.fields.severity ?? effect.severity,
    needs_planning: true,
    trigger_reason: decision.reason,
    consultant_decision: 'needs_planning',
    observed_symptoms: lines([adopted?.fields.observed_symptoms, notes]),
    evidence_paths: lines([adopted?.fields.evidence_paths, result.artifact_paths, judged]),
    related_run_ids: [run.run_id],
    related_stage_results: [`millrace-agents/runs/${run.run_id}/stage_results/${request.request_id}.json`],
  }
}

/** The texts in it as single lines, each once, none blank. */
function lines(values: unknown[]): string[] {
  const texts = values.flat().flatMap((value) => (typeof value === 'string' ? [value] : []))
  return [...new Set(texts.map((text) => text.replace(/[\s\0]+/g, ' ').trim()))].filter((text) => text !== '')
}

function withoutAbsent(fields: Record<string, unknown>): WorkDocument['fields'] {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)
  return Object.fromEntries(present) as WorkDocument['fields']
}
