/** The smallest valid documents a scripted agent can leave: work documents, owed artifacts, a closure verdict. */
import type { OwedArtifact, ResultClass } from '../core/stage.ts'

/** What the agent works on, as far as new documents need to know. */
export interface Origin {
  requestId: string
  stage: string
  itemKind: string
  itemId: string
  /** Text of the active document; empty for a closure target. */
  document: string
  /** Where it lies, for the references. */
  documentPath: string
  rootSpec: string
  rootIdea: string
  /** ISO time. */
  now: string
}

/** Value of a field of a work document; empty if it has none. */
export function fieldOf(document: string, label: string): string {
  const line = document.split('\n').find((candidate) => candidate.trim().startsWith(`${label}:`))
  return line === undefined ? '' : line.slice(line.indexOf(':') + 1).trim()
}

/** A minimal document of a kind, derived from what the agent works on; null for a kind it does not know. */
export function workDocument(kind: string, id: string, origin: Origin): string | null {
  const title = `${fieldOf(origin.document, 'Title') || origin.itemId} (dry run)`
  const summary = `Made by a dry run of stage ${origin.stage} from ${origin.itemKind} ${origin.itemId}.`
  const lineage: Field[] = [
    ['Root-Idea-ID', origin.rootIdea],
    ['Root-Spec-ID', origin.rootSpec],
  ]
  const created: Field[] = [
    ['Created-At', origin.now],
    ['Created-By', origin.stage],
  ]
  const reference = origin.documentPath || origin.itemId
  switch (kind) {
    case 'task':
      return render(
        title,
        [
          ['Task-ID', id],
          ['Title', title],
          ['Summary', summary],
          ...lineage,
          [origin.itemKind === 'incident' ? 'Incident-ID' : 'Spec-ID', origin.itemId],
          ['Status-Hint', 'queued'],
          ...created,
        ],
        [
          ['Target-Paths', '.'],
          ['Acceptance', 'The dry run reaches its end.'],
          ['Required-Checks', 'none configured'],
          ['References', reference],
          ['Risk', 'none: a dry run changes nothing'],
        ],
      )
    case 'spec':
      return render(
        title,
        [
          ['Spec-ID', id],
          ['Title', title],
          ['Summary', summary],
          ['Source-Type', origin.itemKind === 'incident' ? 'incident' : 'derived_spec'],
          ['Source-ID', origin.itemId],
          ['Parent-Spec-ID', origin.itemKind === 'spec' ? origin.itemId : ''],
          ...lineage,
          ...created,
        ],
        [
          ['Goals', 'The dry run reaches its end.'],
          ['Constraints', 'Nothing outside the run folder changes.'],
          ['Acceptance', 'The dry run reaches its end.'],
          ['References', reference],
        ],
      )
    case 'incident':
      return render(
        title,
        [
          ['Incident-ID', id],
          ['Title', title],
          ['Summary', summary],
          ...lineage,
          [origin.itemKind === 'task' ? 'Source-Task-ID' : 'Source-Spec-ID', origin.itemId],
          ['Source-Stage', origin.stage],
          ['Source-Plane', origin.itemKind === 'task' ? 'execution' : 'planning'],
          ['Failure-Class', 'dry_run'],
          ['Severity', 'low'],
          ['Trigger-Reason', 'dry run'],
          ['Consultant-Decision', 'needs_planning'],
          ['Opened-At', origin.now],
          ['Opened-By', origin.stage],
        ],
        [['References', reference]],
      )
    default:
      return null
  }
}

type Field = readonly [label: string, value: string]

/** Fields without a value are left out; each list has one item. */
function render(title: string, fields: readonly Field[], lists: readonly Field[]): string {
  return [
    `# ${title}`,
    '',
    ...fields.filter(([, value]) => value !== '').map(([label, value]) => `${label}: ${value}`),
    ...lists.flatMap(([label, item]) => ['', `${label}:`, `- ${item}`]),
    '',
  ].join('\n')
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

function verdict(rootSpec: string, resultClass: ResultClass, why: string) {
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
