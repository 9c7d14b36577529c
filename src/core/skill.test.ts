import { describe, expect, it } from 'vitest'
import { isSkillFile, isSkillId, readSkill, requireSkill, skillIdOf } from './skill.ts'

const text = (fields: string, body = '# Craft\n\nDo it well.\n') => `---\n${fields}\n---\n\n${body}`
const MINIMAL = 'name: craft\ndescription: How it is done.'

function faultsOf(source: string): string[] {
  const read = readSkill(source)
  return read.ok ? [] : read.faults.map(({ line, message }) => `${line}: ${message}`)
}

describe('the text of a skill', () => {
  it('is read in the shipped form and in the portable one', () => {
    const shipped = text(
      'asset_type: skill\nasset_id: craft\nversion: 1\ndescription: "How: it is done."\nadvisory_only: true\ncapability_type: stage_core # a word\nrecommended_for_stages: [one, two]\nforbidden_claims:\n  - routing',
    )
    expect(readSkill(shipped)).toEqual({
      ok: true,
      skill: {
        id: 'craft',
        title: 'Craft',
        description: 'How: it is done.',
        version: '1',
        capability_type: 'stage_core',
        recommended_for_stages: ['one', 'two'],
      },
    })
    expect(readSkill(text(MINIMAL))).toMatchObject({ ok: true, skill: { id: 'craft', description: 'How it is done.' } })
  })

  it('may have a description of several lines, lists one below the other, comments and a byte order mark', () => {
    const source = `\uFEFF${text('# about\nname: craft\ndescription: >-\n  How it\n  is done.\n\nrecommended_for_stages:\n- one\n- "two"').replaceAll('\n', '\r\n')}`
    expect(readSkill(source)).toMatchObject({
      ok: true,
      skill: { title: 'Craft', description: 'How it is done.', recommended_for_stages: ['one', 'two'] },
    })
  })

  it.each([
    ['no front matter', '# Craft', '1: the file does not begin with front matter between two lines "---"'],
    [
      'front matter that does not end',
      '---\nname: craft\n',
      '1: the file does not begin with front matter between two',
    ],
    ['no id', text('description: A.'), '1: asset_id (or name) is missing: the id of the skill'],
    ['no description', text('name: craft'), '1: description is missing: one sentence by which the skill is chosen'],
    ['no heading', text(MINIMAL, '```\n# no heading\n```\n'), '5: there is no heading: "# " and the title'],
    ['an id that leads out', text('name: ../craft\ndescription: A.'), '2: the id is lower-case words'],
    ['two ids', text(`asset_id: other\n${MINIMAL}`), '3: asset_id and name differ'],
    ['a key twice', text(`${MINIMAL}\nname: again`), '4: name is there twice'],
    ['a line that is none', text(`${MINIMAL}\nwhatever`), '4: front matter has lines "key: value" only'],
    ['another type', text(`asset_type: entrypoint\n${MINIMAL}`), '2: asset_type of a skill is skill'],
    ['authority', text(`advisory_only: false\n${MINIMAL}`), '2: a skill is advisory_only: true'],
    ['a contract', text(`${MINIMAL}\nrequired_result_set: [DONE]`), '4: a skill has no required_result_set'],
  ])('with %s is refused with the line', (_what, source, expected) => {
    expect(faultsOf(source).some((fault) => fault.startsWith(expected))).toBe(true)
  })

  it('that is refused says in one sentence where', () => {
    expect(() => requireSkill(text('name: Craft\nversion: 1'), 'x/SKILL.md')).toThrow(
      expect.objectContaining({
        code: 'asset_invalid',
        message: expect.stringMatching(/^x\/SKILL\.md, line 2: the id .* \(and 1 more\)\.$/),
      }),
    )
  })
})

describe('names', () => {
  it('of skills are lower-case words', () => {
    expect(['craft', 'a-b_c.d', 'x1'].every(isSkillId)).toBe(true)
    expect(['', 'Craft', '-a', 'a-', 'a..b', 'a/b', 'a'.repeat(65)].some(isSkillId)).toBe(false)
  })

  it('of their files lead nowhere else, hide nothing, and are good on every file system', () => {
    expect(['SKILL.md', 'references/my notes.md', '__init__.py', 'a/b/c/d/e/f'].every(isSkillFile)).toBe(true)
    const bad = [
      '',
      '..',
      '../a',
      'a/../b',
      '/a',
      'a//b',
      'a/',
      '.git/config',
      'a\\b',
      'a:b',
      'a.',
      'a ',
      'a/b/c/d/e/f/g',
    ]
    expect(bad.filter(isSkillFile)).toEqual([])
  })

  it('come from where the text lies', () => {
    expect(skillIdOf('skills/stage/planning/x-core/SKILL.md')).toBe('x-core')
    expect(skillIdOf('skills/mine.md')).toBe('mine')
  })
})
