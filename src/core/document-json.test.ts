import { describe, expect, it } from 'vitest'
import { EXAMPLES, parsed } from '../../test/rig/example-documents.ts'
import { DOCUMENT_KINDS, type DocumentKind, documentFromJson, renderDocument } from './document.ts'

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
