import { describe, expect, it } from 'vitest'
import type { DocsOutput } from '../../operations/schemas/docs.ts'
import { makeLook } from '../look.ts'
import { docs } from './docs.ts'

const MARKDOWN = `# A page

It has **bold** words, \`code\`, a [page](other.md) and
a [site](https://example.org), and goes on over several lines.

- one thing that is
  told in two lines
  - a part of it

| a | b |
|---|---|
| 1 | 2 |

\`\`\`bash
millrace   status   # as it is
\`\`\`
`
const output = (more: Partial<DocsOutput>): DocsOutput => ({
  topics: [{ topic: 'page', title: 'A page', path: '/docs/page.md' }],
  topic: null,
  path: null,
  text: null,
  found: null,
  ...more,
})
const shown = (more: Partial<DocsOutput>, terminal = true, width = 40): string =>
  docs(output(more), makeLook({ terminal, colour: false, width, now: new Date(0) }))

describe('a document', () => {
  it('comes to a program as the Markdown it is', () => {
    expect(shown({ text: MARKDOWN, topic: 'page', path: '/docs/page.md' }, false)).toBe(MARKDOWN)
  })

  it('comes to a person without its marks, laid out anew, code and tables as they are', () => {
    expect(shown({ text: MARKDOWN }).split('\n')).toEqual([
      'A page',
      '',
      'It has bold words, code, a page and a',
      'site <https://example.org>, and goes on',
      'over several lines.',
      '',
      '- one thing that is told in two lines',
      '  - a part of it',
      '',
      '| a | b |',
      '|---|---|',
      '| 1 | 2 |',
      '',
      '    millrace   status   # as it is',
    ])
  })

  it('keeps what a list item says under its mark where the terminal is narrow', () => {
    expect(shown({ text: '- one thing that is told\n  here' }, true, 16)).toBe('- one thing that\n  is told here')
  })

  it('keeps a comment to whoever edits the page', () => {
    const text = '<!-- Made by a program. -->\nIt says something.'
    expect(shown({ text })).toBe('It says something.')
    expect(shown({ text: `\`\`\`\n${text}` })).toContain('Made by')
  })

  it('is known by its topic and title', () => {
    expect(shown({}, false)).toBe('page: A page')
    expect(shown({})).toContain('page   A page')
    expect(shown({ path: '/docs/page.md' })).toBe('/docs/page.md')
    expect(shown({ found: [{ topic: 'page', line: 3, text: 'bold' }] })).toBe('page:3: bold')
    expect(shown({ found: [] }, false)).toBe('')
  })
})
