/** The smallest valid documents a scripted agent can leave: work documents, owed artifacts, a closure verdict. */
import { DOCUMENT_KINDS, type DocumentKind, newDocument, renderDocument } from '../../core/document.ts'
import type { OwedArtifact, ResultClass } from '../../core/stage.ts'
import type { Verdict } from '../../core/verdict.ts'

/** What the agent works on, as far as new documents need to know. Texts are empty where there is nothing to say. */
export interface Origin {
  requestId: string
  stage: string
  plane: string
  itemKind: string
  itemId: string
  title: string
  /** Where its document lies, for the references. */
  path: string
  rootSpec: string
  rootIdea: string
  /** ISO time. */
  now: string
}

export const isDocumentKind = (kind: string): kind is DocumentKind =>
  (DOCUMENT_KINDS as readonly string[]).includes(kind)

/** Markdown of a minimal document of a kind, with the lineage of what the agent works on. */
export function workDocument(kind: DocumentKind, id: string, origin: Origin): string {
  const fields = Object.entries({ ...framing(kind, id, origin), ...content(kind, origin) })
  // A work item without a lineage has none to pass on.
  return renderDocument(newDocument(kind, Object.fromEntries(fields.filter(([, value]) => value !== ''))))
}

function framing(kind: DocumentKind, id: string, origin: Origin): Record<string, unknown> {
  const written = kind === 'incident' ? 'opened' : 'created'
  const lineage =
    kind === 'probe' || kind === 'learning_request'
      ? {}
      : { root_idea_id: origin.rootIdea, root_spec_id: origin.rootSpec }
  return {
    [`${kind}_id`]: id,
    title: `${origin.title || origin.itemId} (dry run)`,
    summary: `Made by a dry run of stage ${origin.stage} from ${origin.itemKind} ${origin.itemId}.`,
    [`${written}_at`]: origin.now,
    [`${written}_by`]: origin.stage,
    references: [origin.path || origin.itemId],
    ...lineage,
  }
}

const END = 'The dry run reaches its end.'

function content(kind: DocumentKind, { itemKind, itemId, stage, plane }: Origin): Record<string, unknown> {
  switch (kind) {
    case 'task':
      return {
        [itemKind === 'incident' ? 'incident_id' : 'spec_id']: itemId,
        target_paths: ['.'],
        acceptance: [END],
        required_checks: ['none configured'],
        risk: ['none: a dry run changes nothing'],
      }
    case 'spec':
      return {
        source_type: itemKind === 'incident' || itemKind === 'probe' ? itemKind : 'derived_spec',
        source_id: itemId,
        parent_spec_id: itemKind === 'spec' ? itemId : '',
        goals: [END],
        constraints: ['Nothing outside the run folder changes.'],
        acceptance: [END],
      }
    case 'incident':
      return {
        [itemKind === 'task' ? 'source_task_id' : 'source_spec_id']: itemId,
        source_stage: stage,
        source_plane: plane,
        failure_class: 'dry_run',
        severity: 'low',
        trigger_reason: 'dry run',
        consultant_decision: 'needs_planning',
      }
    case 'probe':
      return { request: END }
    case 'learning_request':
      return { requested_action: 'improve' }
  }
}

/** A minimal file in the format an artifact is owed in. `why` says what it stands for. */
export function artifactText(artifact: OwedArtifact, origin: Origin, resultClass: ResultClass, why: string): string {
  switch (artifact.format) {
    case 'verdict':
      return `${JSON.stringify(verdict(origin.rootSpec, resultClass, why), null, 2)}\n`
    case 'json':
      return `${JSON.stringify({ name: artifact.name, stage: origin.stage, request_id: origin.requestId, note: why }, null, 2)}\n`
    case 'text':
      return `# ${artifact.name}\n\nStage ${origin.stage}, ${origin.itemKind} ${origin.itemId}: ${why}\n`
  }
}

function verdict(rootSpec: string, resultClass: ResultClass, why: string): Verdict {
  const [word, result] =
    resultClass === 'success'
      ? (['pass', 'pass'] as const)
      : resultClass === 'followup_needed'
        ? (['gap', 'fail'] as const)
        : (['blocked', 'unverified'] as const)
  return {
    schema_version: '1.0',
    kind: 'closure_verdict',
    root_spec_id: rootSpec,
    verdict: word,
    criteria: [{ id: 'C1', text: 'The run reaches its end.', result, evidence: [why] }],
    summary: why,
  }
}
