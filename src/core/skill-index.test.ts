import { describe, expect, it } from 'vitest'
import { withIndexRow } from './skill-index.ts'

const ROW = { id: 'craft', description: 'How it is done.', stages: ['one', 'two'], path: 'craft/SKILL.md' }
const LINE = '| `craft` | How it is done. | one, two | `craft/SKILL.md` | installed |'
const TABLE = '| Skill | Description | Tags | Path | Status |\n|---|---|---|---|---|\n'

describe('a row of the index', () => {
  it('is put into a section of its own, which is made at the end', () => {
    expect(withIndexRow('# Index\n\nMy words.\n', ROW)).toBe(
      `# Index\n\nMy words.\n\n## Installed Skills\n\n${TABLE}${LINE}\n`,
    )
    expect(withIndexRow('', ROW)).toBe(`## Installed Skills\n\n${TABLE}${LINE}\n`)
  })

  it('goes behind the last row of that section, and what follows stays', () => {
    const before = `## Installed Skills\n\nChosen by us.\n\n${TABLE}| \`other\` | O | x | \`other/SKILL.md\` | installed |\n`
    const after = '\n## Ours\n\n| a | table |\n'
    expect(withIndexRow(before + after, ROW)).toBe(`${before}${LINE}\n${after}`)
  })

  it('is brought up to date where it stands; the tags are those of the operator', () => {
    const index = `${TABLE}| \`craft\` | Old. | mine, yours | \`shared/craft/SKILL.md\` | shipped |\n| \`z\` | | | | |\n`
    expect(withIndexRow(index, ROW)).toBe(
      `${TABLE}| \`craft\` | How it is done. | mine, yours | \`craft/SKILL.md\` | installed |\n| \`z\` | | | | |\n`,
    )
    expect(withIndexRow('- craft: old/SKILL.md\n', ROW)).toBe('- craft: craft/SKILL.md\n')
  })

  it('of another form is left as the operator wrote it', () => {
    const index = '| craft | see there |\n'
    expect(withIndexRow(index, ROW)).toBe(index)
  })

  it('keeps the line ends of the file, and its own cells', () => {
    const found = withIndexRow('# Index\r\n', { ...ROW, description: 'a | b\nc', stages: [] })
    expect(found.split('\r\n').at(-2)).toBe('| `craft` | a / b c | none | `craft/SKILL.md` | installed |')
    expect(found.replaceAll('\r\n', '')).not.toContain('\n')
  })

  it('does not make a whole line end of half a line end', () => {
    const once = withIndexRow('- |\r', ROW)
    expect(once).not.toContain('\r')
    expect(withIndexRow(once, ROW)).toBe(once)
  })
})
