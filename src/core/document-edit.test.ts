import { describe, expect, test } from 'vitest'
import { parseDocument, setFields } from './document.ts'

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
