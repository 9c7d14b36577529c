/** Whole documents of every kind, and what is read of them. */
import { type DocumentKind, faultsText, parseDocument, type WorkDocument } from '../../src/core/document.ts'

/** One document of every kind, as its people write it. */
export const EXAMPLES: Record<DocumentKind, string> = {
  task: `# Add retry budget to the export client

Task-ID: export-retry-budget
Title: Add retry budget to the export client
Summary: Cap upload retries at five and surface the final error.
Root-Idea-ID: idea-export-hardening
Root-Spec-ID: idea-export-hardening
Spec-ID: export-client-spec
Status-Hint: queued
Created-At: 2026-03-02T09:15:00Z
Created-By: manager

Depends-On:
- export-client-timeout

Tags:
- reliability

Target-Paths:
- src/export/client.ts
- test/export/client.test.ts

Acceptance:
- A sixth failure raises ExportGaveUp with the last cause attached.
- Successful uploads reset the budget.

Required-Checks:
- npm test -- export

References:
- millrace-agents/specs/done/export-client-spec.md

Risk:
- Over-eager caps could drop large uploads on slow links.
`,
  spec: `# Export client hardening

Spec-ID: idea-export-hardening
Title: Export client hardening
Summary: Make the export client predictable on flaky networks.
Source-Type: idea
Source-ID: idea-export-hardening
Root-Idea-ID: idea-export-hardening
Root-Spec-ID: idea-export-hardening
Created-At: 2026-03-01T18:00:00Z
Created-By: planner

Goals:
- Bounded retries with clear terminal errors.

Non-Goals:
- Changing the wire protocol.

Constraints:
- No new runtime dependencies.

Risks:
- Longer tail latency on retries.

Target-Paths:
- src/export/

Decomposition-Hints:
- Split timeout handling from retry budgeting.

Acceptance:
- Chaos test with 30% packet loss finishes without hangs.

References:
- ideas/inbox/export-hardening.md
`,
  incident: `# Export soak test keeps timing out

Incident-ID: incident-export-soak-7c1f90ab
Title: Export soak test keeps timing out
Summary: Two repair passes did not make the soak test pass within its limit.
Root-Spec-ID: idea-export-hardening
Source-Task-ID: export-retry-budget
Source-Stage: consultant
Source-Plane: execution
Failure-Class: verification_timeout
Severity: high
Trigger-Reason: consultant escalated after repeated local repair
Consultant-Decision: needs_planning
Opened-At: 2026-03-03T11:20:00Z
Opened-By: runtime

Observed-Symptoms:
- soak run exceeds 20 minutes

Failed-Attempts:
- raised socket timeout to 60s

Related-Run-IDs:
- run-4f0c7b6c1f5e4c0c9a53e0f6a4a1b2c3
`,
  probe: `# Why does the importer duplicate rows?

Probe-ID: probe-importer-duplicates
Title: Why does the importer duplicate rows?
Summary: Investigate before deciding between a hotfix and a redesign.
Request: Find the code path that inserts the same CSV row twice and route the smallest safe change.
Status-Hint: queued
Created-At: 2026-05-10T08:00:00Z
Created-By: operator

Target-Paths:
- src/importer/

Constraints:
- Do not edit code during investigation.

Acceptance:
- A packet names the owning module and a verification command.

Risk-Notes:
- Deduplication may hide legitimate repeats.

Tags:
- importer
`,
  learning_request: `# Distil flaky-network debugging notes

Learning-Request-ID: learn-9b2e4c7d1a55
Title: Distil flaky-network debugging notes
Summary: Turn the recovery notes into a reusable troubleshooting recipe.
Requested-Action: improve
Target-Skill-ID: troubleshooter-core
Target-Stage: analyst
Trigger-Metadata: {"rule_id":"execution.troubleshooter.recovery-to-analyst","terminal_result":"TROUBLESHOOT_COMPLETE"}
Created-At: 2026-03-03T12:00:00Z
Created-By: millrace runtime

Source-Refs:
- run:run-4f0c7b6c1f5e4c0c9a53e0f6a4a1b2c3
- stage:troubleshooter

Originating-Run-IDs:
- run-4f0c7b6c1f5e4c0c9a53e0f6a4a1b2c3

References:
- millrace-agents/runs/run-4f0c7b6c1f5e4c0c9a53e0f6a4a1b2c3/troubleshoot_report.md
`,
}

export const TASK = EXAMPLES.task
export const bytes = (text: string) => new TextEncoder().encode(text)

/** Throws where there are faults. */
export function parsed(text: string, kind: DocumentKind = 'task'): WorkDocument {
  const result = parseDocument(kind, text)
  if (!result.ok) throw new Error(faultsText(result.faults))
  return result.document
}

/** Faults as `line field: message`; empty for a valid document. */
export function faultsOf(text: string, kind: DocumentKind = 'task'): string[] {
  const result = parseDocument(kind, text)
  return result.ok ? [] : result.faults.map(({ line, field, message }) => `${line ?? '-'} ${field ?? '-'}: ${message}`)
}

/** The task without what matches. */
export const without = (pattern: RegExp) => TASK.replace(pattern, '')
