import { describe, expect, test } from 'vitest'
import { bytes, EXAMPLES, parsed, TASK, without } from '../../test/rig/example-documents.ts'
import { DOCUMENT_BYTES_MAX, parseDocument, parseDocumentBytes, setFields } from './document.ts'
import { MillraceError } from './errors.ts'

/** Blanks nobody writes by rule: where an edit gave up and wrote the document anew, they would be gone. */
const ODD = 'Created-By:   o  '
const lines = (...text: string[]): string => `${text.join('\n')}\n`
const PROBE = lines('# T', '', 'Probe-ID: p', 'Created-At: 2026-01-01', ODD, 'Request: r')

type Changes = Parameters<typeof setFields>[2]
const edited = (text: string, changes: Changes) => setFields(text, 'probe', changes)

describe('several edits at once', () => {
  test('go where each field stands, in whatever order the fields are', () => {
    const text = lines('# T', 'Request: r', 'Status-Hint: queued', 'Created-At: 2026-01-01', ODD, 'Probe-ID: p')
    expect(edited(text, { probe_id: 'q', request: 'R', status_hint: 'active' })).toBe(
      lines('# T', 'Request: R', 'Status-Hint: active', 'Created-At: 2026-01-01', ODD, 'Probe-ID: q'),
    )
  })

  test('put a new field right behind its neighbour, before a changed one that stood there', () => {
    expect(edited(PROBE, { request: 'R', updated_at: '2026-01-02' })).toBe(
      PROBE.replace('Request: r', 'Updated-At: 2026-01-02T00:00:00Z\nRequest: R'),
    )
  })

  test('put several new fields in the order of the table', () => {
    expect(edited(PROBE, { tags: ['x'], summary: 's', target_paths: ['p', 'q'] })).toBe(
      `${PROBE.replace('Probe-ID: p', 'Probe-ID: p\nSummary: s')}\nTarget-Paths:\n- p\n- q\n\nTags:\n- x\n`,
    )
  })
})

test.each(['\n', '\r\n', '\r'])('line ends stay as they are and new ones are like them (%j)', (eol) => {
  const text = `${PROBE}\nTags:\n- a\n`
  const changes = { request: 'R', status_hint: 'done', tags: ['b', 'c'], references: ['d'] }
  const expected = lines(
    '# T',
    '',
    'Probe-ID: p',
    'Created-At: 2026-01-01',
    ODD,
    'Request: R',
    'Status-Hint: done',
    '',
    'References:',
    '- d',
    '',
    'Tags:',
    '- b',
    '- c',
  )
  const given = text.replaceAll('\n', eol)
  expect(edited(given, changes)).toBe(expected.replaceAll('\n', eol))
})

describe('a field that is taken out', () => {
  const within = (...middle: string[]) => lines(PROBE.trimEnd(), ...middle)

  test('takes its line along, and nothing of its neighbours', () => {
    const hinted = PROBE.replace('Request:', 'Status-Hint: queued\nRequest:')
    expect(edited(hinted, { status_hint: null })).toBe(PROBE)
    expect(edited(PROBE.replace('Request:', 'Summary: x\nRequest:'), { summary: '' })).toBe(PROBE)
  })

  test.each([
    ['blank lines on both sides', ['', 'Tags:', '- a', '', 'Remarks.'], ['', 'Remarks.']],
    ['blanks in the lines around', ['  ', 'Tags:', '- a', ' \t', 'Remarks.'], ['   \t', 'Remarks.']],
    ['text right before', ['Remarks.', 'Tags:', '- a', '', 'More.'], ['Remarks.', '', 'More.']],
    ['a field right behind', ['', 'Tags:', '- a', 'References:', '- b'], ['', 'References:', '- b']],
    ['nothing behind', ['', 'Tags:', '- a'], []],
    ['two blank lines before', ['', '', 'Tags:', '- a', '', 'Remarks.'], ['', '', 'Remarks.']],
  ])('leaves one blank line of two, with %s', (_, before, after) => {
    expect(edited(within(...before), { tags: [] })).toBe(within(...after))
  })
})

describe('a field that stands there twice, once unfilled', () => {
  test('is changed where it says something', () => {
    const text = PROBE.replace('Request: r', 'Request:\nRequest: r')
    expect(edited(text, { request: 'R' })).toBe(PROBE.replace('Request: r', 'Request:\nRequest: R'))
  })

  test('is filled in where nothing says anything yet', () => {
    const text = PROBE.replace('Request:', 'Summary:\nRequest:')
    expect(edited(text, { summary: 's' })).toBe(PROBE.replace('Request:', 'Summary: s\nRequest:'))
  })
})

describe('a text without a final line break', () => {
  const text = `${PROBE}\nTags:\n- a\n- b`

  test('has none after its last list was changed', () => {
    expect(edited(text, { tags: ['c', 'd'] })).toBe(`${PROBE}\nTags:\n- c\n- d`)
  })

  test('keeps new lines apart from its last one', () => {
    expect(edited(text, { status_hint: 'done' })).toBe(text.replace('Request: r', 'Request: r\nStatus-Hint: done'))
    expect(edited(PROBE.trimEnd(), { status_hint: 'done' })).toBe(`${PROBE}Status-Hint: done\n`)
    expect(edited(PROBE.trimEnd(), { tags: ['x'] })).toBe(`${PROBE}\nTags:\n- x\n`)
  })
})

describe('the place of a new field', () => {
  test('is not behind a label that says nothing', () => {
    const text = PROBE.replace('Probe-ID:', 'Status-Hint:\nProbe-ID:')
    expect(edited(text, { updated_at: '2026-01-02', status_hint: null })).toBe(
      text.replace('Request:', 'Updated-At: 2026-01-02T00:00:00Z\nRequest:'),
    )
    const empty = `# T\nUpdated-At:\n${PROBE.slice(4)}\nRisk-Notes:\n\nTarget-Paths:\n- p\n`
    expect(edited(empty, { tags: ['x'] })).toBe(`${empty}\nTags:\n- x\n`)
  })

  test('of a first list is behind the last scalar, with a blank line on both sides', () => {
    const text = `${PROBE}Remarks.\n`
    expect(edited(text, { tags: ['x'] })).toBe(`${PROBE}\nTags:\n- x\n\nRemarks.\n`)
    expect(edited(`${PROBE}  \nRemarks.\n`, { tags: ['x'] })).toBe(`${PROBE}\nTags:\n- x\n  \nRemarks.\n`)
  })
})

test('an indented field stays where it is indented', () => {
  const text = PROBE.replace('Request: r', '  Request: r')
  expect(edited(text, { request: 'R' })).toBe(text.replace('Request: r', 'Request: R'))
  expect(parseDocument('probe', text).ok).toBe(true)
})

describe('setFields', () => {
  test('changes a value where it stands and nothing else', () => {
    const odd = TASK.replace('Status-Hint: queued', '   Status-Hint:    queued   ').replaceAll('\n', '\r\n')
    expect(setFields(odd, 'task', { status_hint: 'active' })).toBe(
      odd.replace('   Status-Hint:    queued   ', '   Status-Hint: active'),
    )
  })

  test('makes no document that is too large to be read again, if only by a byte', () => {
    const text = `${TASK}\nNotes that count as well.\n`
    const room = DOCUMENT_BYTES_MAX - bytes(text.replace('manager', '')).length
    const full = setFields(text, 'task', { created_by: 'x'.repeat(room) })
    expect(bytes(full).length).toBe(DOCUMENT_BYTES_MAX)
    expect(parseDocumentBytes('task', bytes(full)).ok).toBe(true)
    expect(() => setFields(text, 'task', { created_by: 'x'.repeat(room + 1) })).toThrow(
      new MillraceError('document_invalid', 'The task would not be valid: the document is larger than 1048576 bytes.'),
    )
  })

  test('gives the text back when nothing changes', () => {
    const odd = `\uFEFF${TASK.replace('2026-03-02T09:15:00Z', '2026-03-02 09:15')}\n\n\n`
    expect(setFields(odd, 'task', {})).toBe(odd)
    expect(setFields(odd, 'task', { created_at: '2026-03-02T09:15:00Z', updated_at: null, blocks: [] })).toBe(odd)
  })

  test('puts a new scalar behind its neighbour', () => {
    expect(setFields(TASK, 'task', { parent_task_id: 'p-1' })).toBe(
      TASK.replace('Status-Hint:', 'Parent-Task-ID: p-1\nStatus-Hint:'),
    )
    const bare = TASK.replace(/Root-Idea-ID: .*\nRoot-Spec-ID: .*\n/, '')
    expect(
      setFields(bare, 'task', { root_idea_id: 'idea-export-hardening', root_spec_id: 'idea-export-hardening' }),
    ).toBe(TASK)
  })

  test('fills in an empty label', () => {
    const form = TASK.replace('Status-Hint:', 'Parent-Task-ID:\nStatus-Hint:')
    expect(setFields(form, 'task', { parent_task_id: 'p-1' })).toBe(
      form.replace('Parent-Task-ID:', 'Parent-Task-ID: p-1'),
    )
  })

  test('replaces, adds and takes out lists', () => {
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

  test('parts a list from text that followed its one line, and leaves what follows otherwise', () => {
    const inline = TASK.replace('Tags:\n- reliability\n', 'Tags: reliability\nAs agreed: by all.\n')
    expect(setFields(inline, 'task', { tags: ['a', 'b'] })).toBe(
      inline.replace('Tags: reliability\n', 'Tags:\n- a\n- b\n\n'),
    )
    for (const next of ['', 'Remark: no field.\n']) {
      const tight = TASK.replace('- reliability\n\n', `- reliability\n${next}`)
      expect(setFields(tight, 'task', { tags: ['a'] })).toBe(tight.replace('- reliability', '- a'))
    }
  })

  test('changes a title in both places', () => {
    const changed = setFields(`\uFEFF${TASK}`, 'task', { title: 'New' })
    expect(changed).toBe(`\uFEFF${TASK.replaceAll('Add retry budget to the export client', 'New')}`)
    const untitled = without(/Title: .*\n/)
    expect(setFields(untitled, 'task', { title: 'New' })).toBe(untitled.replace(/^# .*/, '# New'))
  })

  test('works on a text without a final line break, and keeps what people wrote', () => {
    const text = `${TASK}\n## Notes\n\nSummary of it.`
    const changed = setFields(text, 'task', { risk: ['none known'] })
    expect(changed).toBe(text.replace(/- Over-eager.*/, '- none known'))
    const bare = 'Probe-ID: p\nRequest: r\nCreated-By: o\nCreated-At: 2026-01-01'
    expect(setFields(`# T\n${bare}`, 'probe', { tags: ['x'] })).toBe(`# T\n${bare}\n\nTags:\n- x\n`)
  })

  test('puts an explicit default where the label stands, and adds none', () => {
    expect(setFields(EXAMPLES.incident, 'incident', { severity: 'medium', needs_planning: true })).toBe(
      EXAMPLES.incident.replace('Severity: high', 'Severity: medium'),
    )
    expect(setFields(EXAMPLES.incident, 'incident', { needs_planning: false })).toContain(
      'Severity: high\nNeeds-Planning: false\n',
    )
  })

  test('falls back to the canonical form where taking lines out would change what the others mean', () => {
    const trap = TASK.replace('Spec-ID: export-client-spec\n', 'Blocks:\nSpec-ID: export-client-spec\n- a remark\n')
    const document = parsed(trap)
    const edited = setFields(trap, 'task', { spec_id: null })
    const { spec_id: _gone, ...fields } = document.fields
    expect(parsed(edited)).toEqual({ ...document, fields })
  })

  test('refuses what would not be valid, and texts that are not', () => {
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
