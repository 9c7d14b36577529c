import { describe, expect, it } from 'vitest'
import {
  DOCUMENT_BYTES_MAX,
  DOCUMENT_KINDS,
  type DocumentKind,
  documentFromJson,
  effectiveRootSpec,
  faultsText,
  headOf,
  isRootSpec,
  listField,
  newDocument,
  parseDocument,
  parseDocumentBytes,
  renderDocument,
  setFields,
  textField,
  type WorkDocument,
} from './document.ts'
import { MillraceError } from './errors.ts'

/** One document of every kind, as its people write it. */
const EXAMPLES: Record<DocumentKind, string> = {
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

const TASK = EXAMPLES.task
const bytes = (text: string) => new TextEncoder().encode(text)

function parsed(text: string, kind: DocumentKind = 'task'): WorkDocument {
  const result = parseDocument(kind, text)
  if (!result.ok) throw new Error(faultsText(result.faults))
  return result.document
}

/** Faults as `line field: message`; empty for a valid document. */
function faultsOf(text: string, kind: DocumentKind = 'task'): string[] {
  const result = parseDocument(kind, text)
  return result.ok ? [] : result.faults.map(({ line, field, message }) => `${line ?? '-'} ${field ?? '-'}: ${message}`)
}

const without = (pattern: RegExp) => TASK.replace(pattern, '')

describe('the example of each kind', () => {
  it.each(DOCUMENT_KINDS)('%s: parses, and renders to the very same text', (kind) => {
    expect(renderDocument(parsed(EXAMPLES[kind], kind))).toBe(EXAMPLES[kind])
  })

  it('a task has its fields under their JSON names, lists empty where nothing is said', () => {
    expect(parsed(TASK)).toEqual({
      kind: 'task',
      id: 'export-retry-budget',
      title: 'Add retry budget to the export client',
      createdAt: '2026-03-02T09:15:00Z',
      body: '',
      fields: {
        task_id: 'export-retry-budget',
        title: 'Add retry budget to the export client',
        summary: 'Cap upload retries at five and surface the final error.',
        root_idea_id: 'idea-export-hardening',
        root_spec_id: 'idea-export-hardening',
        spec_id: 'export-client-spec',
        status_hint: 'queued',
        created_at: '2026-03-02T09:15:00Z',
        created_by: 'manager',
        depends_on: ['export-client-timeout'],
        blocks: [],
        tags: ['reliability'],
        target_paths: ['src/export/client.ts', 'test/export/client.test.ts'],
        acceptance: [
          'A sixth failure raises ExportGaveUp with the last cause attached.',
          'Successful uploads reset the budget.',
        ],
        required_checks: ['npm test -- export'],
        references: ['millrace-agents/specs/done/export-client-spec.md'],
        risk: ['Over-eager caps could drop large uploads on slow links.'],
      },
    })
  })

  it('an incident counts from when it was opened, and has its defaults', () => {
    const incident = parsed(EXAMPLES.incident.replace('Severity: high\n', ''), 'incident')
    expect(incident.createdAt).toBe('2026-03-03T11:20:00Z')
    expect(incident.fields).toMatchObject({ severity: 'medium', needs_planning: true })
    expect(renderDocument(incident)).not.toMatch(/Severity|Needs-Planning/)
  })

  it('a learning request has its metadata as an object', () => {
    const { fields } = parsed(EXAMPLES.learning_request, 'learning_request')
    expect(fields.trigger_metadata).toMatchObject({ terminal_result: 'TROUBLESHOOT_COMPLETE' })
  })
})

describe('the line grammar', () => {
  it('accepts CR LF, CR, a byte order mark and indentation', () => {
    const expected = parsed(TASK)
    expect(parsed(TASK.replaceAll('\n', '\r\n'))).toEqual(expected)
    expect(parsed(TASK.replaceAll('\n', '\r'))).toEqual(expected)
    expect(parsed(`\uFEFF${TASK}`)).toEqual(expected)
    expect(parsed(TASK.replace(/^(?=[A-Z-])/gm, '   '))).toEqual(expected)
  })

  it('takes each line end for what it is, in any mixture', () => {
    // A CR before a blank line that ends in LF would be one line end with it.
    const lineEnd = (line: string, end: string) => (line === '' && end === '\n' ? '\r\n' : end)
    const mixed = (ends: string[]) =>
      TASK.trimEnd()
        .split('\n')
        .map((line, index) => line + lineEnd(line, ends[index % ends.length]!))
        .join('')
    const plain = parsed(TASK)
    for (const ends of [
      ['\n', '\r'],
      ['\r', '\n', '\n'],
      ['\n', '\n', '\n', '\r\n'],
      ['\r\n', '\r', '\n'],
      ['\r', '\r', '\r\n'],
    ]) {
      expect(parsed(mixed(ends)), JSON.stringify(ends)).toEqual(plain)
    }
    const late = TASK.replace('- npm test -- export\n', '- npm test -- export\r')
    expect(parsed(late)).toEqual(plain)
  })

  it('does not end lines at characters no editor shows as a line end', () => {
    const { fields } = parsed(TASK.replace('Summary: Cap', 'Summary: One\u2028Task-ID: other\x0c\x85Two'))
    expect(fields.summary).toMatch(/^One\u2028Task-ID: other\x0c\x85Two/)
    expect(fields.task_id).toBe('export-retry-budget')
  })

  it('keeps everything behind the first colon', () => {
    expect(parsed(TASK.replace(/Summary: .*/, 'Summary:see https://example.org: now')).fields.summary).toBe(
      'see https://example.org: now',
    )
  })

  it('takes the fields in any order', () => {
    const [head, ...sections] = TASK.trimEnd().split('\n\n')
    const turned = `${[head, ...sections.reverse()].join('\n\n')}\n`
    expect(parsed(turned)).toEqual(parsed(TASK))
  })

  it('takes the title from the heading when the label is absent or blank', () => {
    for (const title of ['', 'Title:\n']) {
      expect(parsed(TASK.replace(/Title: .*\n/, title)).title).toBe('Add retry budget to the export client')
    }
  })

  it('treats a scalar with nothing behind it as absent, and ignores text below it', () => {
    const document = parsed(TASK.replace(/Summary: .*/, 'Summary:\n\nSome prose.'))
    expect(document.fields.summary).toBe('')
    expect(document.body).toBe('Some prose.')
    expect(faultsOf(TASK.replace(/Created-By: .*/, 'Created-By:'))).toEqual(['- created_by: Created-By is missing'])
  })

  it('reads a list given on its own line as one item', () => {
    const document = parsed(TASK.replace('Tags:\n- reliability', 'Tags: reliability'))
    expect(document.fields.tags).toEqual(['reliability'])
  })

  it('lets blank lines stand before the first item, and ends the list at the next one', () => {
    const document = parsed(TASK.replace('Tags:\n- reliability\n', 'Tags:\n\n\n- reliability\n- \t speed\n\n- stray\n'))
    expect(document.fields.tags).toEqual(['reliability', 'speed'])
    expect(document.body).toBe('- stray')
  })

  it('ends a list at a field line, known or not, and at the end of the file', () => {
    const document = parsed(
      `${TASK.replace('Tags:\n- reliability\n\nTarget-Paths', 'Tags:\n- reliability\nhttps://example.org\nTarget-Paths').trimEnd()}`,
    )
    expect(document.fields.tags).toEqual(['reliability'])
    expect(document.fields.risk).toHaveLength(1)
    expect(document.body).toBe('https://example.org')
  })

  it('keeps duplicate items and their order', () => {
    expect(parsed(TASK.replace('- reliability', '- b\n- a\n- b')).fields.tags).toEqual(['b', 'a', 'b'])
  })

  it('flattens nested bullets', () => {
    expect(parsed(TASK.replace('- reliability', '- a\n  - b\n\t- c')).fields.tags).toEqual(['a', 'b', 'c'])
  })

  it('drops "nothing" among dependencies, and only there', () => {
    const text = TASK.replace('- export-client-timeout', '- None\n- real\n- n/a\n- -').replace(
      '- reliability',
      '- none',
    )
    const { fields } = parsed(text.replace('Tags:', 'Blocks:\n- NONE\n\nTags:'))
    expect(fields).toMatchObject({ depends_on: ['real'], blocks: [], tags: ['none'] })
  })

  it('keeps dependencies that are no safe ids as text', () => {
    expect(parsed(TASK.replace('- export-client-timeout', '- the one before')).fields.depends_on).toEqual([
      'the one before',
    ])
  })

  it('does not know Schema-Version, Kind, or labels in other cases', () => {
    const document = parsed(TASK.replace('Summary:', 'Schema-Version: 9\nKind: spec\nsummary: lower\nSummary:'))
    expect(document.fields.summary).toMatch(/^Cap/)
    expect(document.body).toBe('Schema-Version: 9\nKind: spec\nsummary: lower')
  })

  it('skips everything below an unknown label up to the next field', () => {
    const document = parsed(TASK.replace('Created-By:', 'Notes:\n- a\n\nprose\n# heading\nCreated-By:'))
    expect(document.fields.created_by).toBe('manager')
    expect(document.body).toBe('Notes:\n- a\n\nprose\n# heading')
  })

  it('accepts what later versions write: root intake, incident hints, probe as a source', () => {
    expect(
      parsed(TASK.replace('Spec-ID: export', 'Root-Intake-Kind: probe\nRoot-Intake-ID: p-1\nSpec-ID: export')).fields,
    ).toMatchObject({
      root_intake_kind: 'probe',
      root_intake_id: 'p-1',
    })
    const incident = EXAMPLES.incident.replace('Severity:', 'Status-Hint: resolved\nSeverity:')
    expect(renderDocument(parsed(incident, 'incident'))).toBe(incident)
    expect(faultsOf(EXAMPLES.spec.replace('Source-Type: idea', 'Source-Type: probe'), 'spec')).toEqual([])
  })

  it.each(['true', 'YES', 'on', '1', 't', 'Y'])('reads %s as true', (word) => {
    const text = EXAMPLES.incident.replace('Severity:', `Needs-Planning: ${word}\nSeverity:`)
    expect(parsed(text, 'incident').fields.needs_planning).toBe(true)
  })

  it.each(['False', 'no', 'OFF', '0', 'f', 'n'])('reads %s as false', (word) => {
    const document = parsed(EXAMPLES.incident.replace('Severity:', `Needs-Planning: ${word}\nSeverity:`), 'incident')
    expect(document.fields.needs_planning).toBe(false)
    expect(renderDocument(document)).toContain('\nNeeds-Planning: false\n')
  })

  it('takes a time without offset for UTC and writes it with one', () => {
    const document = parsed(TASK.replace('2026-03-02T09:15:00Z', '2026-03-02 09:15'))
    expect(renderDocument(document)).toBe(TASK)
  })
})

describe('the body', () => {
  it('holds what no field claims, in order, and is rendered at the end', () => {
    const text = `${TASK.replace('Task-ID:', 'Written in a hurry.\n\n\n  See below.\nTask-ID:')}\n## Notes\n\n- one  \n- two\n`
    const document = parsed(text)
    expect(document.body).toBe('Written in a hurry.\n\n\n  See below.\n\n## Notes\n\n- one  \n- two')
    expect(renderDocument(document)).toBe(`${TASK}\n${document.body}\n`)
    expect(parsed(renderDocument(document))).toEqual(document)
  })

  it('keeps a caption that happens to be a label of another kind with the lines below it', () => {
    const document = parsed(`${TASK}\nRequest:\nPlease look twice.\n`)
    expect(document.body).toBe('Request:\nPlease look twice.')
    expect(parsed(renderDocument(document))).toEqual(document)
  })

  it('does not carry over an empty label', () => {
    expect(parsed(TASK.replace('Summary:', 'Request:\nParent-Task-ID:\nSummary:')).body).toBe('')
  })

  it('never turns text of an agent into fields', () => {
    const report = '\n\n  Task-ID: evil\r\nAcceptance:\n- nothing\nplain\0\n\n'
    const document = newDocument('task', parsed(TASK).fields, report)
    const again = parsed(renderDocument(document))
    expect(again).toEqual(document)
    expect(again.id).toBe('export-retry-budget')
    expect(again.body).toBe('>   Task-ID: evil\n> Acceptance:\n- nothing\nplain\uFFFD')
    expect(renderDocument({ ...document, body: report })).toBe(renderDocument(document))
  })

  it.each([
    ['one\rTask-ID: evil', 'one\n> Task-ID: evil'],
    ['Acceptance:\n- nothing', '> Acceptance:\n- nothing'],
    ['Summary:\n- an item', '> Summary:\n- an item'],
    ['Request:', '> Request:'],
    ['Request:\nPlease look twice.', 'Request:\nPlease look twice.'],
    [' \n\n  indented\n\n', '  indented'],
    ['Remark: as it is', 'Remark: as it is'],
    ['', ''],
  ])('reads %j as %j', (text, body) => {
    const document = newDocument('task', parsed(TASK).fields, text)
    expect(document.body).toBe(body)
    expect(parsed(renderDocument(document))).toEqual(document)
  })

  it('never turns a line break in a value into a field', () => {
    const document = parsed(TASK)
    document.fields.summary = 'one\nTask-ID: evil\r\n\0two'
    document.fields.tags = ['a\nb']
    expect(parsed(renderDocument(document)).fields).toMatchObject({ summary: 'one Task-ID: evil two', tags: ['a b'] })
  })
})

describe('faults', () => {
  it.each(['', ' \n\t\n', '\uFEFF'])('E1: an empty document (%j)', (text) => {
    expect(faultsOf(text)).toEqual(['- -: the document is empty'])
  })

  it.each([
    [`\n${TASK}`, 'is blank'],
    [`#${TASK}`, 'is not a heading'],
    [TASK.replace(/^# .*/, '#'), 'is not a heading'],
    [TASK.replace(/^# /, '#'), 'is not a heading'],
    [TASK.replace(/^# .*\n/, ''), 'is blank'],
  ])('E2: line 1 is no heading', (text, what) => {
    expect(faultsOf(text)).toEqual([`1 -: line 1 ${what}; a document begins with "# Title"`])
  })

  it('E3: a field given twice, wherever, whatever it says', () => {
    expect(faultsOf(`${TASK}\nTask-ID: export-retry-budget\nTags:\n- x\n`)).toEqual([
      '36 task_id: Task-ID is given twice (first on line 3)',
      '37 tags: Tags is given twice (first on line 16)',
    ])
    expect(faultsOf(TASK.replace('Summary:', 'Summary:\nSummary:'))).toEqual([])
  })

  it('E4: a list item below a scalar without value', () => {
    expect(faultsOf(TASK.replace(/Summary: .*/, 'Summary:\n\n- Cap it'))).toEqual([
      '7 summary: a list item follows Summary, which takes one value on its own line',
    ])
  })

  it('E5: a line in an open list that is neither item nor field', () => {
    expect(faultsOf(TASK.replace('- reliability', '- reliability\nmore\n-less\n*other'))).toEqual(
      [18, 19, 20].map((line) => `${line} tags: a line in the list Tags is no "- item"; a blank line ends the list`),
    )
    expect(faultsOf(TASK.replace('- reliability', '## Later'))).toHaveLength(1)
    expect(faultsOf(TASK.replace('- reliability', '- reliability\nas said before: more'))).toEqual([
      '18 tags: a line in the list Tags is no "- item"; a blank line ends the list',
    ])
  })

  it('E6: the kind is given, so ids of other kinds decide nothing; its own must be there', () => {
    expect(parsed(TASK.replace('Status-Hint:', 'Incident-ID: i-1\nStatus-Hint:')).id).toBe('export-retry-budget')
    expect(faultsOf(without(/Task-ID: .*\n/))).toEqual(['- task_id: Task-ID is missing'])
  })

  it('E7: the title differs from the heading', () => {
    expect(faultsOf(TASK.replace('Title: Add', 'Title: Take'))).toEqual([
      '4 title: Title differs from the heading on line 1',
    ])
  })

  it.each([
    ['a required scalar is missing', without(/Created-By: .*\n/), '- created_by: Created-By is missing'],
    [
      'a required list is missing',
      without(/Risk:\n.*\n/),
      '- risk: Risk is missing; it needs at least one "- item" line',
    ],
    [
      'a required list is empty',
      without(/- Over-eager.*\n/),
      '33 risk: Risk is empty; it needs at least one "- item" line',
    ],
    [
      'a word is not one of those allowed',
      TASK.replace('queued', 'Queud'),
      '9 status_hint: Status-Hint "Queud" is not one of queued, active, blocked, done (did you mean queued?)',
    ],
    [
      'words are not folded',
      TASK.replace('queued', 'Queued'),
      '9 status_hint: Status-Hint "Queued" is not one of queued, active, blocked, done (did you mean queued?)',
    ],
    [
      'a time is none',
      TASK.replace('2026-03-02T09:15:00Z', 'yesterday'),
      '10 created_at: Created-At "yesterday" is not a time such as 2026-03-02T09:15:00Z',
    ],
    [
      'a field belongs to another kind',
      `${TASK}\nGoals:\n- x\n`,
      '36 goals: Goals is a field of spec documents, not of a task',
    ],
    [
      'a field belongs to two other kinds',
      `${TASK}\nConstraints:\n- x\n`,
      '36 constraints: Constraints is a field of spec and probe documents, not of a task',
    ],
    [
      'a field of another kind has a name of three words',
      `${TASK}\nLearning-Request-ID: x\n`,
      '36 learning_request_id: Learning-Request-ID is a field of learning_request documents, not of a task',
    ],
    [
      'a word is longer than anybody reads',
      TASK.replace('queued', 'x'.repeat(61)),
      `9 status_hint: Status-Hint "${'x'.repeat(60)}…" is not one of queued, active, blocked, done`,
    ],
    [
      'an id is not safe',
      TASK.replace('Spec-ID: export-client-spec', 'Spec-ID: ../spec'),
      '8 spec_id: Spec-ID "../spec" is not a safe identifier (letters, digits, ".", "_" and "-", first a letter or digit)',
    ],
    [
      'an id is too long for a file name',
      TASK.replace('Task-ID: export-retry-budget', `Task-ID: ${'x'.repeat(300)}`),
      '3 task_id: Task-ID is longer than 200 characters',
    ],
  ])('E8: %s', (_what, text, fault) => {
    expect(faultsOf(text)).toEqual([fault])
  })

  it('E8: kinds with their own rules', () => {
    expect(faultsOf(EXAMPLES.spec.replace(/Summary: .*\n/, ''), 'spec')).toEqual(['- summary: Summary is missing'])
    expect(faultsOf(EXAMPLES.probe.replace(/Request: .*\n/, ''), 'probe')).toEqual(['- request: Request is missing'])
    expect(faultsOf(EXAMPLES.incident.replace('Severity: high', 'Needs-Planning: maybe'), 'incident')).toEqual([
      '11 needs_planning: Needs-Planning "maybe" is neither true nor false',
    ])
    expect(
      faultsOf(EXAMPLES.incident.replace('Source-Stage: consultant', 'Source-Stage: The Stage'), 'incident'),
    ).toEqual([
      '8 source_stage: Source-Stage "The Stage" is not a name (lower-case letters and digits, joined by ".", "_" or "-")',
    ])
    const runs = EXAMPLES.learning_request.replace('- run-4f', '- not safe\n- run-1\n- run 4f').split('\n')
    const unsafe = (item: string) =>
      `${runs.indexOf(`- ${item}`) + 1} originating_run_ids: Originating-Run-IDs "${item}" is not a safe identifier (letters, digits, ".", "_" and "-", first a letter or digit)`
    expect(faultsOf(runs.join('\n'), 'learning_request')).toEqual([
      unsafe('not safe'),
      unsafe('run 4f0c7b6c1f5e4c0c9a53e0f6a4a1b2c3'),
    ])
  })

  it('takes any stage and plane name: which there are is not for documents to say', () => {
    expect(
      faultsOf(EXAMPLES.incident.replace('Source-Stage: consultant', 'Source-Stage: my-own.stage_2'), 'incident'),
    ).toEqual([])
  })

  it.each([
    ['{"a":', 'is not JSON'],
    ['[1]', 'must be a JSON object'],
    ['null', 'must be a JSON object'],
    ['{"a":1e999}', 'holds a number out of range'],
    [`{"a":${'['.repeat(100)}${']'.repeat(100)}}`, 'is nested more than 32 levels deep'],
    [`{"a":${'['.repeat(100_000)}`, 'is not JSON'],
  ])('E9: metadata that is no JSON object', (json, what) => {
    const text = EXAMPLES.learning_request.replace(/Trigger-Metadata: .*/, `Trigger-Metadata: ${json}`)
    const faults = faultsOf(text, 'learning_request')
    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain(`9 trigger_metadata: Trigger-Metadata ${what}`)
  })

  it('writes metadata with sorted keys and without spaces', () => {
    const text = EXAMPLES.learning_request.replace(
      /Trigger-Metadata: .*/,
      'Trigger-Metadata: { "b": [1, {"d": -0, "c": null}], "a": "ü" }',
    )
    expect(renderDocument(parsed(text, 'learning_request'))).toContain(
      '\nTrigger-Metadata: {"a":"ü","b":[1,{"c":null,"d":0}]}\n',
    )
    const empty = EXAMPLES.learning_request.replace(/Trigger-Metadata: .*/, 'Trigger-Metadata: {}')
    expect(renderDocument(parsed(empty, 'learning_request'))).not.toContain('Trigger-Metadata')
  })

  it('are reported all at once, first lines first', () => {
    const text = TASK.replace(/^# /, '')
      .replace('queued', 'later')
      .replace('2026-03-02T09:15:00Z', 'now')
      .replace(/Created-By: .*\n/, '')
    expect(faultsOf(text).map((fault) => fault.split(':')[0])).toEqual([
      '1 -',
      '9 status_hint',
      '10 created_at',
      '- created_by',
    ])
    const backwards = `# T\nTags:\n- x\nno item\n\nCreated-At: now\nRoot-Spec-ID: a b\nSpec-ID: a b\n`
    expect(faultsOf(backwards).map((fault) => fault.split(':')[0])).toEqual([
      '4 tags',
      '6 created_at',
      '7 root_spec_id',
      '8 spec_id',
      '- task_id',
      '- created_by',
      '- target_paths',
      '- acceptance',
      '- required_checks',
      '- references',
      '- risk',
    ])
  })

  it('point at a label that was probably meant', () => {
    expect(faultsOf(TASK.replace('Task-ID:', 'task-id:'))).toEqual([
      '- task_id: Task-ID is missing (line 3 says task-id, which is not a known label)',
    ])
    expect(faultsOf(TASK.replace('Acceptance:', 'Aceptance:'))[0]).toContain('(line 23 says Aceptance')
    expect(faultsOf(TASK.replace('Task-ID:', 'Zebra: x\ntask-id:'))[0]).toContain('(line 4 says task-id')
    expect(faultsOf(TASK.replace('Acceptance:', 'Zebra:'))).toEqual([
      '- acceptance: Acceptance is missing; it needs at least one "- item" line',
    ])
  })

  it('stop at a bound', () => {
    const faultsWith = (lines: number) => faultsOf(TASK.replace('- reliability\n', 'x\n'.repeat(lines)))
    expect(faultsWith(50)).toHaveLength(50)
    const all = faultsWith(10_000)
    expect(all.slice(0, 50)).toEqual(faultsWith(50))
    expect(all.slice(50)).toEqual(['- -: there is more; these are the first 50'])
  })

  it('make one text for an operator', () => {
    const result = parseDocument('task', TASK.replace('queued', 'x').replace(/Created-By: .*\n/, ''))
    expect(result.ok ? '' : faultsText(result.faults)).toBe(
      'line 9: Status-Hint "x" is not one of queued, active, blocked, done; Created-By is missing',
    )
  })
})

describe('parseDocumentBytes', () => {
  it('reads UTF-8, with or without a byte order mark', () => {
    const expected = { ok: true, document: parsed(TASK) }
    expect(parseDocumentBytes('task', bytes(TASK))).toEqual(expected)
    expect(parseDocumentBytes('task', bytes(`\uFEFF${TASK}`))).toEqual(expected)
  })

  it.each([
    ['empty', new Uint8Array(), 'the document is empty'],
    ['not UTF-8', Uint8Array.of(0x23, 0x20, 0xff, 0xfe), 'the document is not UTF-8 text'],
    ['cut in the middle of a character', bytes('# é').slice(0, 3), 'the document is not UTF-8 text'],
    ['binary', bytes(`${TASK}\0`), 'the document is not text: it holds NUL bytes'],
    ['too large', new Uint8Array(DOCUMENT_BYTES_MAX + 1).fill(0x23), 'the document is larger than 1048576 bytes'],
  ])('gives one fault for a file that is %s', (_what, file, message) => {
    expect(parseDocumentBytes('task', file)).toEqual({ ok: false, faults: [{ line: null, field: null, message }] })
  })

  it('takes a document of exactly the largest size', () => {
    const text = `${TASK}\n`.padEnd(DOCUMENT_BYTES_MAX, 'x')
    expect(parseDocumentBytes('task', bytes(text)).ok).toBe(true)
  })

  it('is done with ten megabytes of anything at once', () => {
    for (const filler of ['#', '\n', 'a: b\n', '- x\n', `${TASK}\n`]) {
      const text = filler.repeat(Math.ceil(10_000_000 / filler.length))
      const started = performance.now()
      expect(parseDocumentBytes('task', bytes(text)).ok).toBe(false)
      expect(parseDocument('task', text).ok).toBe(false)
      expect(performance.now() - started).toBeLessThan(2000)
    }
  })

  it('takes linear time on the worst documents within the limit', () => {
    const fillers = [
      '\n',
      '\r',
      ' ',
      '#',
      '-',
      ':',
      'a',
      'a:',
      'a:\n',
      '- x\n',
      'Tags:\n',
      'Request:\n',
      'Request:\n- x\n',
      '\r\n \t',
    ]
    for (const filler of fillers) {
      const text = `${TASK}\n${filler.repeat(Math.floor((DOCUMENT_BYTES_MAX - 2000) / filler.length))}`
      const started = performance.now()
      const result = parseDocument('task', text)
      if (result.ok) expect(parsed(renderDocument(result.document))).toEqual(result.document)
      expect(performance.now() - started, JSON.stringify(filler)).toBeLessThan(3000)
    }
  })
})

describe('documentFromJson', () => {
  const JSON_TASK = {
    task_id: 'export-client-timeout',
    title: 'Add a connect timeout',
    target_paths: ['src/export/client.ts'],
    acceptance: ['Connect attempts give up after 10 seconds.'],
    required_checks: ['npm test -- export'],
    references: ['ideas/inbox/export-hardening.md'],
    risk: ['Slow networks may need a higher limit.'],
    created_at: '2026-03-01T18:30:00Z',
    created_by: 'operator',
  }
  const messages = (value: unknown, kind: DocumentKind = 'task') => {
    const result = documentFromJson(kind, value)
    return result.ok ? [] : result.faults.map(({ message }) => message)
  }

  it('makes the document that its markdown would make', () => {
    const made = documentFromJson('task', JSON_TASK)
    expect(made.ok && made.document).toEqual(made.ok && parsed(renderDocument(made.document)))
    expect(
      documentFromJson('task', { ...JSON_TASK, schema_version: '1.0', kind: 'task', summary: ' ', spec_id: null }),
    ).toEqual(made)
  })

  it.each(DOCUMENT_KINDS)('takes the fields of a parsed %s back', (kind) => {
    const document = parsed(EXAMPLES[kind], kind)
    expect(documentFromJson(kind, document.fields)).toEqual({ ok: true, document })
  })

  it('normalises what markdown could not say otherwise', () => {
    const made = documentFromJson('task', {
      ...JSON_TASK,
      title: ' T ',
      created_at: '2026-03-01',
      depends_on: ['none', ' a '],
    })
    expect(made.ok && made.document.fields).toMatchObject({
      title: 'T',
      created_at: '2026-03-01T00:00:00Z',
      depends_on: ['a'],
    })
  })

  it.each([[null], [[]], ['text'], [7], [undefined]])('refuses %j', (value) => {
    expect(messages(value)).toEqual(['the document is not a JSON object'])
  })

  it('names unknown keys and the ones probably meant', () => {
    const long = 'x'.repeat(61)
    const fault = documentFromJson('task', { ...JSON_TASK, [long]: 1 })
    expect(fault.ok ? [] : fault.faults).toEqual([
      { line: null, field: 'x'.repeat(60), message: `unknown key "${'x'.repeat(60)}…"` },
    ])
    expect(messages({ ...JSON_TASK, taget_paths: [], body: 'x', __proto__: null, constructor: 1 })).toEqual([
      'unknown key "taget_paths" (did you mean target_paths?)',
      'unknown key "body"',
      'unknown key "constructor"',
    ])
  })

  it('names everything that is wrong, by its JSON name', () => {
    const wrong = {
      schema_version: '2.0',
      kind: 'spec',
      task_id: ' padded',
      summary: 3,
      title: 'two\nlines',
      status_hint: 'later',
      depends_on: null,
      tags: 'one',
      target_paths: ['', 'ok', 4],
      acceptance: [],
      created_at: null,
      created_by: '  ',
    }
    expect(messages(wrong)).toEqual([
      'schema_version must be "1.0"',
      'kind must be "task"',
      expect.stringContaining('task_id " padded" is not a safe identifier'),
      'title must be one line of text',
      'summary must be text',
      'status_hint "later" is not one of queued, active, blocked, done',
      'created_at must not be null',
      'created_by must not be empty',
      'depends_on must not be null',
      'tags must be a list',
      'target_paths item 1 is blank',
      'target_paths item 3 must be text',
      'acceptance must not be empty',
      'required_checks is missing',
      'references is missing',
      'risk is missing',
    ])
  })

  it('says once of each item what is wrong with it', () => {
    const learning = parsed(EXAMPLES.learning_request, 'learning_request').fields
    const wrong = { ...learning, originating_run_ids: ['run-1', 'not safe', ' ', '', 5, `${'x'.repeat(198)} x`] }
    const unsafe = 'is not a safe identifier (letters, digits, ".", "_" and "-", first a letter or digit)'
    expect(messages(wrong, 'learning_request')).toEqual([
      `originating_run_ids item 2 "not safe" ${unsafe}`,
      'originating_run_ids item 3 is blank',
      'originating_run_ids item 4 is blank',
      'originating_run_ids item 5 must be text',
      `originating_run_ids item 6 "${'x'.repeat(60)}…" ${unsafe}`,
    ])
  })

  it('looks for what is no JSON in every member of metadata', () => {
    const learning = parsed(EXAMPLES.learning_request, 'learning_request').fields
    const found = (trigger_metadata: unknown) => messages({ ...learning, trigger_metadata }, 'learning_request')
    expect(found({ a: { b: 1 }, c: [1, { d: Number.NaN }] })).toEqual(['trigger_metadata holds a number out of range'])
    expect(found({ a: 1, b: undefined })).toEqual(['trigger_metadata holds something that is not JSON'])
    const nested = (levels: number): object => (levels === 1 ? {} : { in: nested(levels - 1) })
    expect(found(nested(32))).toEqual([])
    expect(found(nested(33))).toEqual(['trigger_metadata is nested more than 32 levels deep'])
  })

  it('takes booleans and metadata as what they are', () => {
    const incident = parsed(EXAMPLES.incident, 'incident').fields
    expect(messages({ ...incident, needs_planning: 'yes' }, 'incident')).toEqual([
      'needs_planning must be true or false',
    ])
    const request = parsed(EXAMPLES.learning_request, 'learning_request').fields
    const made = documentFromJson('learning_request', {
      ...request,
      trigger_metadata: { b: 1, a: { __proto__: null, z: [true] } },
    })
    expect(made.ok && renderDocument(made.document)).toContain('\nTrigger-Metadata: {"a":{"z":[true]},"b":1}\n')
    expect(messages({ ...request, trigger_metadata: 'x' }, 'learning_request')).toEqual([
      'trigger_metadata must be a JSON object, such as {"key":"value"}',
    ])
  })

  it('refuses what would be too large once written', () => {
    expect(messages({ ...JSON_TASK, summary: 'é'.repeat(600_000) })).toEqual([
      'the document is larger than 1048576 bytes',
    ])
    expect(messages({ ...JSON_TASK, summary: 'é'.repeat(500_000) })).toEqual([])
  })

  it('stays within bounds on a flood of unknown keys', () => {
    const flood = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`task_id_${index}`, index]))
    expect(messages(flood)).toHaveLength(51)
  })
})

describe('newDocument', () => {
  it('throws with every fault when the fields make no document', () => {
    expect(() => newDocument('probe', { probe_id: 'p' })).toThrow(
      new MillraceError(
        'document_invalid',
        'A new probe is not valid: title is missing; request is missing; created_at is missing; created_by is missing.',
      ),
    )
  })

  it('throws when the body makes it too large to be read again', () => {
    expect(() => newDocument('task', parsed(TASK).fields, 'x'.repeat(DOCUMENT_BYTES_MAX))).toThrow(
      new MillraceError('document_invalid', 'A new task is not valid: the document is larger than 1048576 bytes.'),
    )
  })

  it('gives every document its own lists', () => {
    const [one, two] = [parsed(without(/Tags:\n- .*\n\n/)), parsed(without(/Tags:\n- .*\n\n/))]
    ;(one.fields.tags as string[]).push('x')
    expect(two.fields.tags).toEqual([])
    const request = { ...parsed(EXAMPLES.learning_request, 'learning_request').fields }
    delete request.trigger_metadata
    delete request.references
    const [first, second] = [newDocument('learning_request', request), newDocument('learning_request', request)]
    expect(first.fields.trigger_metadata).not.toBe(second.fields.trigger_metadata)
    expect(first.fields.references).not.toBe(second.fields.references)
  })
})

describe('setFields', () => {
  it('changes a value where it stands and nothing else', () => {
    const odd = TASK.replace('Status-Hint: queued', '   Status-Hint:    queued   ').replaceAll('\n', '\r\n')
    expect(setFields(odd, 'task', { status_hint: 'active' })).toBe(
      odd.replace('   Status-Hint:    queued   ', '   Status-Hint: active'),
    )
  })

  it('makes no document that is too large to be read again, if only by a byte', () => {
    const text = `${TASK}\nNotes that count as well.\n`
    const room = DOCUMENT_BYTES_MAX - bytes(text.replace('manager', '')).length
    const full = setFields(text, 'task', { created_by: 'x'.repeat(room) })
    expect(bytes(full).length).toBe(DOCUMENT_BYTES_MAX)
    expect(parseDocumentBytes('task', bytes(full)).ok).toBe(true)
    expect(() => setFields(text, 'task', { created_by: 'x'.repeat(room + 1) })).toThrow(
      new MillraceError('document_invalid', 'The task would not be valid: the document is larger than 1048576 bytes.'),
    )
  })

  it('gives the text back when nothing changes', () => {
    const odd = `\uFEFF${TASK.replace('2026-03-02T09:15:00Z', '2026-03-02 09:15')}\n\n\n`
    expect(setFields(odd, 'task', {})).toBe(odd)
    expect(setFields(odd, 'task', { created_at: '2026-03-02T09:15:00Z', updated_at: null, blocks: [] })).toBe(odd)
  })

  it('puts a new scalar behind its neighbour', () => {
    expect(setFields(TASK, 'task', { parent_task_id: 'p-1' })).toBe(
      TASK.replace('Status-Hint:', 'Parent-Task-ID: p-1\nStatus-Hint:'),
    )
    const bare = TASK.replace(/Root-Idea-ID: .*\nRoot-Spec-ID: .*\n/, '')
    expect(
      setFields(bare, 'task', { root_idea_id: 'idea-export-hardening', root_spec_id: 'idea-export-hardening' }),
    ).toBe(TASK)
  })

  it('fills in an empty label', () => {
    const form = TASK.replace('Status-Hint:', 'Parent-Task-ID:\nStatus-Hint:')
    expect(setFields(form, 'task', { parent_task_id: 'p-1' })).toBe(
      form.replace('Parent-Task-ID:', 'Parent-Task-ID: p-1'),
    )
  })

  it('replaces, adds and takes out lists', () => {
    expect(setFields(TASK, 'task', { depends_on: ['a', 'b'] })).toBe(
      TASK.replace('- export-client-timeout', '- a\n- b'),
    )
    expect(setFields(TASK, 'task', { blocks: ['later'] })).toBe(TASK.replace('Tags:', 'Blocks:\n- later\n\nTags:'))
    expect(setFields(TASK, 'task', { depends_on: [] })).toBe(without(/Depends-On:\n.*\n\n/))
    expect(setFields(TASK, 'task', { tags: null })).toBe(without(/Tags:\n.*\n\n/))
    const first = without(/Depends-On:\n.*\n\n/)
    expect(
      setFields(first.replace(/Tags:\n.*\n\n/, ''), 'task', {
        tags: ['reliability'],
        depends_on: ['export-client-timeout'],
      }),
    ).toBe(first.replace('Tags:', 'Depends-On:\n- export-client-timeout\n\nTags:'))
  })

  it('parts a list from text that followed its one line, and leaves what follows otherwise', () => {
    const inline = TASK.replace('Tags:\n- reliability\n', 'Tags: reliability\nAs agreed: by all.\n')
    expect(setFields(inline, 'task', { tags: ['a', 'b'] })).toBe(
      inline.replace('Tags: reliability\n', 'Tags:\n- a\n- b\n\n'),
    )
    for (const next of ['', 'Remark: no field.\n']) {
      const tight = TASK.replace('- reliability\n\n', `- reliability\n${next}`)
      expect(setFields(tight, 'task', { tags: ['a'] })).toBe(tight.replace('- reliability', '- a'))
    }
  })

  it('changes a title in both places', () => {
    const changed = setFields(`\uFEFF${TASK}`, 'task', { title: 'New' })
    expect(changed).toBe(`\uFEFF${TASK.replaceAll('Add retry budget to the export client', 'New')}`)
    const untitled = without(/Title: .*\n/)
    expect(setFields(untitled, 'task', { title: 'New' })).toBe(untitled.replace(/^# .*/, '# New'))
  })

  it('works on a text without a final line break, and keeps what people wrote', () => {
    const text = `${TASK}\n## Notes\n\nSummary of it.`
    const changed = setFields(text, 'task', { risk: ['none known'] })
    expect(changed).toBe(text.replace(/- Over-eager.*/, '- none known'))
    const bare = 'Probe-ID: p\nRequest: r\nCreated-By: o\nCreated-At: 2026-01-01'
    expect(setFields(`# T\n${bare}`, 'probe', { tags: ['x'] })).toBe(`# T\n${bare}\n\nTags:\n- x\n`)
  })

  it('puts an explicit default where the label stands, and adds none', () => {
    expect(setFields(EXAMPLES.incident, 'incident', { severity: 'medium', needs_planning: true })).toBe(
      EXAMPLES.incident.replace('Severity: high', 'Severity: medium'),
    )
    expect(setFields(EXAMPLES.incident, 'incident', { needs_planning: false })).toContain(
      'Severity: high\nNeeds-Planning: false\n',
    )
  })

  it('falls back to the canonical form where taking lines out would change what the others mean', () => {
    const trap = TASK.replace('Spec-ID: export-client-spec\n', 'Blocks:\nSpec-ID: export-client-spec\n- a remark\n')
    const document = parsed(trap)
    const edited = setFields(trap, 'task', { spec_id: null })
    const { spec_id: _gone, ...fields } = document.fields
    expect(parsed(edited)).toEqual({ ...document, fields })
  })

  it('refuses what would not be valid, and texts that are not', () => {
    expect(() => setFields(TASK, 'task', { spec_id: 'a b' })).toThrow(
      /The task would not be valid: spec_id "a b" is not a safe/,
    )
    expect(() => setFields(TASK, 'task', { created_by: null })).toThrow(/created_by is missing/)
    expect(() => setFields(TASK, 'task', { spec: 'x' })).toThrow(/unknown key "spec"/)
    expect(() => setFields('# T\n', 'task', {})).toThrow(/The task cannot be edited: Task-ID is missing/)
    expect(() => setFields('', 'task', {})).toThrow(
      new MillraceError('document_invalid', 'The task cannot be edited: the document is empty.'),
    )
  })
})

describe('headOf', () => {
  it('summarises a valid document', () => {
    expect(headOf('task', bytes(TASK))).toEqual({
      ok: true,
      head: {
        id: 'export-retry-budget',
        title: 'Add retry budget to the export client',
        createdAt: '2026-03-02T09:15:00Z',
        createdMs: Date.UTC(2026, 2, 2, 9, 15),
        dependsOn: ['export-client-timeout'],
        rootSpecId: 'idea-export-hardening',
        rootIdeaId: 'idea-export-hardening',
        effectiveRoot: 'idea-export-hardening',
        sourceIds: [],
      },
    })
    const request = headOf('learning_request', bytes(EXAMPLES.learning_request))
    expect(request.ok && request.head).toMatchObject({ effectiveRoot: null, dependsOn: [] })
    const incident = headOf('incident', bytes(EXAMPLES.incident))
    expect(incident.ok && incident.head.sourceIds).toEqual(['export-retry-budget'])
  })

  it('validates in full', () => {
    expect(headOf('task', bytes(without(/Risk:\n.*\n/)))).toMatchObject({ ok: false, faults: [{ field: 'risk' }] })
  })
})

describe('lineage', () => {
  const spec = (changes: Record<string, string>) => {
    const { source_id: _a, root_idea_id: _b, root_spec_id: _c, ...rest } = parsed(EXAMPLES.spec, 'spec').fields
    return newDocument('spec', { ...rest, ...changes })
  }
  const plain = (text: string, kind: DocumentKind) => parsed(text.replace(/Root-Spec-ID: .*\n/, ''), kind)

  it('leads to the root spec a document names, whatever its kind', () => {
    for (const kind of ['task', 'spec', 'incident'] as const) {
      expect(effectiveRootSpec(parsed(EXAMPLES[kind], kind))).toBe('idea-export-hardening')
    }
  })

  it('else to the spec of a task, the source spec of an incident, or a spec that an idea or a person brought', () => {
    expect(effectiveRootSpec(plain(TASK, 'task'))).toBe('export-client-spec')
    const incident = EXAMPLES.incident.replace('Source-Task-ID: export-retry-budget', 'Source-Spec-ID: s-1')
    expect(effectiveRootSpec(plain(incident, 'incident'))).toBe('s-1')
    expect(effectiveRootSpec(spec({ source_type: 'manual' }))).toBe('idea-export-hardening')
    expect(effectiveRootSpec(spec({ source_type: 'idea' }))).toBe('idea-export-hardening')
  })

  it('else nowhere', () => {
    expect(effectiveRootSpec(plain(EXAMPLES.incident, 'incident'))).toBeNull()
    expect(effectiveRootSpec(spec({ source_type: 'incident' }))).toBeNull()
    expect(effectiveRootSpec(parsed(EXAMPLES.probe, 'probe'))).toBeNull()
    expect(effectiveRootSpec(parsed(EXAMPLES.learning_request, 'learning_request'))).toBeNull()
  })

  it('starts at a spec that is its own root, or was brought and has no parent', () => {
    expect(isRootSpec(parsed(EXAMPLES.spec, 'spec'))).toBe(true)
    expect(isRootSpec(spec({ source_type: 'derived_spec', root_spec_id: 'idea-export-hardening' }))).toBe(true)
    expect(isRootSpec(spec({ source_type: 'manual', parent_spec_id: 'None' }))).toBe(true)
    expect(isRootSpec(spec({ source_type: 'manual', parent_spec_id: 'p-1' }))).toBe(false)
    expect(isRootSpec(spec({ source_type: 'incident' }))).toBe(false)
    expect(isRootSpec(parsed(TASK))).toBe(false)
  })
})

it('fields are read by name, absent ones as null or as an empty list', () => {
  const task = parsed(TASK)
  expect([textField(task, 'spec_id'), textField(task, 'incident_id'), textField(task, 'tags')]).toEqual([
    'export-client-spec',
    null,
    null,
  ])
  expect([listField(task, 'tags'), listField(task, 'goals')]).toEqual([['reliability'], []])
})
