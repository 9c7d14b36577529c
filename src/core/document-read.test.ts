import { describe, expect, it } from 'vitest'
import { EXAMPLES, faultsOf, parsed, TASK, without } from '../../test/rig/example-documents.ts'
import { faultsText, newDocument, parseDocument, renderDocument } from './document.ts'

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
