import { describe, expect, it } from 'vitest'
import { bytes, EXAMPLES, parsed, TASK, without } from '../../test/rig/example-documents.ts'
import {
  DOCUMENT_BYTES_MAX,
  DOCUMENT_KINDS,
  type DocumentKind,
  effectiveRootSpec,
  headOf,
  isRootSpec,
  listField,
  newDocument,
  parseDocument,
  parseDocumentBytes,
  renderDocument,
  textField,
} from './document.ts'
import { MillraceError } from './errors.ts'

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
