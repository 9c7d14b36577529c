import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDocument, renderDocument } from './document.ts'
import { ideaSpecId, ideaToSpec, isIdeaName } from './idea.ts'
import { ID_LENGTH_MAX, isSafeId } from './ids.ts'

const NOW = '2026-03-01T18:00:00.120Z'
const spec = (text: string, fileName = 'export-hardening.md') =>
  ideaToSpec(fileName, text, NOW, `ideas/inbox/${fileName}`)

describe('isIdeaName', () => {
  it('takes a safe id with the extension .md', () => {
    const longest = `${'x'.repeat(ID_LENGTH_MAX)}.md`
    expect(['export-hardening.md', 'a.md', '2026.plan_b.md', longest].map(isIdeaName)).toEqual(Array(4).fill(true))
  })

  it.each([
    'x.MD',
    'x.txt',
    '.md',
    'a/b.md',
    '../x.md',
    ' x.md',
    'x.md ',
    'x y.md',
    '-x.md',
    'ü.md',
    `${'x'.repeat(300)}.md`,
  ])('refuses %j', (name) => {
    expect(isIdeaName(name)).toBe(false)
  })
})

describe('ideaSpecId', () => {
  it.each([
    ['export-hardening.md', 'idea-export-hardening'],
    ['idea-export.md', 'idea-export'],
    ['My great plan (v2).md', 'idea-My-great-plan-v2'],
    ['..hidden..md', 'idea-hidden'],
    ['日本.md', 'idea-idea'],
    ['a  &  b.md', 'idea-a-b'],
    ['idea-.md', 'idea-idea'],
    ['--plan-.-.md', 'idea-plan'],
    [`${'x'.repeat(ID_LENGTH_MAX - 5)}.md`, `idea-${'x'.repeat(ID_LENGTH_MAX - 5)}`],
  ])('makes of %s the id %s', (fileName, id) => {
    expect(ideaSpecId(fileName)).toBe(id)
  })

  it('keeps names too long for an id apart', () => {
    const [one, two] = [ideaSpecId(`${'x'.repeat(240)}1.md`), ideaSpecId(`${'x'.repeat(240)}2.md`)]
    expect(one).not.toBe(two)
    expect(one).toMatch(/^idea-x+-[0-9a-f]{12}$/)
    expect(one.length).toBe(ID_LENGTH_MAX)
  })

  it('gives a safe id for any file name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 260 }), (fileName) => {
        expect(isSafeId(ideaSpecId(fileName))).toBe(true)
      }),
    )
  })
})

describe('ideaToSpec', () => {
  it('takes title and summary from heading and first line, and roots the lineage in itself', () => {
    const idea =
      '# Export hardening\n\nUploads hang on hotel wifi. We want bounded retries and a clear failure message.\n'
    expect(spec(idea).fields).toMatchObject({
      spec_id: 'idea-export-hardening',
      title: 'Export hardening',
      summary: 'Uploads hang on hotel wifi. We want bounded retries and a clear failure message.',
      source_type: 'idea',
      source_id: 'idea-export-hardening',
      root_idea_id: 'idea-export-hardening',
      root_spec_id: 'idea-export-hardening',
      created_at: '2026-03-01T18:00:00.120000Z',
      created_by: 'watcher',
      goals: ['Uploads hang on hotel wifi. We want bounded retries and a clear failure message.'],
      references: ['ideas/inbox/export-hardening.md'],
    })
  })

  it('takes the first heading of any level, even below other text', () => {
    const { title, fields } = spec('Some day.\n\n### Retries\nmore')
    expect([title, fields.summary]).toEqual(['Retries', 'Some day.'])
  })

  it('takes the first line for a title where there is no heading', () => {
    const { title, fields } = spec('Make it fast\r\nThen make it right\r\n')
    expect([title, fields.summary]).toEqual(['Make it fast', 'Then make it right'])
  })

  it('takes no hash within a line for a heading, and needs no name', () => {
    const { title, fields } = spec('Port the C# parts.\n#hashtag\n\n##   Port   \n', '.md')
    expect([title, fields.summary]).toEqual(['Port', 'Port the C# parts.'])
    expect(spec('', '.md').title).toBe('idea')
  })

  it('falls back to the file name when the idea says nothing', () => {
    const { title, fields } = spec('\n---\n#\n***\n')
    expect(title).toBe('export-hardening')
    expect(fields.summary).toContain('export-hardening')
  })

  it('says something in the summary when the idea is its title alone', () => {
    expect(spec('# Retries\n\nRetries\n').fields.summary).toContain('export-hardening')
  })

  it('shortens a title and a summary nobody would read', () => {
    const { title, fields } = spec(`# ${'é😀'.repeat(500)}\n${'y'.repeat(900_000)}`)
    expect(title.length).toBeLessThanOrEqual(200)
    expect(encodeURIComponent(title)).toContain('%F0%9F%98%80') // throws on half a character
    expect((fields.summary as string).length).toBe(1000)
  })

  it('makes a valid spec of any text and any file name', () => {
    const lines = fc.array(
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('# T', 'Spec-ID: x', 'Goals:', '- a', '\r')),
    )
    fc.assert(
      fc.property(lines, fc.string({ unit: 'binary', minLength: 1 }), (text, fileName) => {
        const made = spec(text.join('\n'), fileName)
        expect(parseDocument('spec', renderDocument(made))).toEqual({ ok: true, document: made })
      }),
    )
  })
})
