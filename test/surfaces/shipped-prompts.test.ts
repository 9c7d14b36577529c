/** The prompts and skills that are shipped: each says what its stage may report and owes, and none claims the runtime's part. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, it } from 'vitest'
import { DOCUMENT_KINDS, parseDocument } from '../../src/core/document.ts'
import { readSkill, skillIdOf } from '../../src/core/skill.ts'
import { StageKind } from '../../src/core/stage.ts'
import { renderPrompt } from '../../src/runners/prompt.ts'
import { requestFor } from '../../src/testing/request.ts'
import { PACKAGE_ROOT } from '../rig/runtime.ts'

const below = (folder: string, ending: string): string[] =>
  (fs.readdirSync(path.join(PACKAGE_ROOT, folder), { recursive: true }) as string[])
    .filter((name) => name.endsWith(ending))
    .map((name) => path.posix.join(folder, name.replaceAll(path.sep, '/')))
    .sort()
const read = (file: string): string => fs.readFileSync(path.join(PACKAGE_ROOT, file), 'utf8')
/** The text below a heading, up to the next of its level. */
const section = (text: string, heading: string): string =>
  new RegExp(`^## ${heading}\\n([\\s\\S]*?)(?=^## |(?![\\s\\S]))`, 'm').exec(text)?.[1] ?? ''

const kinds = below('registry/stage_kinds', '.json').map((file) => StageKind.parse(JSON.parse(read(file))))
const prompts = kinds.map((kind) => [kind.stage_kind_id, kind, read(kind.default_entrypoint_path)] as const)
const skills = below('skills', 'SKILL.md').map((file) => [skillIdOf(file), file, read(file)] as const)
const texts = [
  ...prompts.map(([id, , text]) => [`prompt ${id}`, text] as const),
  ...skills.map(([id, , text]) => [`skill ${id}`, text] as const),
]

const PARTS = [
  'Purpose',
  'Quick Start',
  'Operating Constraints',
  'Inputs This Skill Expects',
  'Output Contract',
  'Procedure',
  'Pitfalls And Gotchas',
  'Progressive Disclosure',
  'Verification Pattern',
]
/** What no skill may claim; each says so. */
const FORBIDDEN = [
  'queue_selection',
  'routing',
  'retry_thresholds',
  'escalation_policy',
  'status_persistence',
  'terminal_results',
  'required_artifacts',
]
/** Words by which a text would take over what the runtime decides. */
const CLAIMS =
  /\b(pick|choose|select|claim) the (oldest|next) (task|item|spec)|\bmove the (task|spec|item) to|\bretry (at most )?\d+ times|\bupdate the snapshot|\bwrite the status file|\bset the status to/i

describe('a prompt', () => {
  it('is there for every stage kind, and there is none that nobody uses', () => {
    expect(kinds.map((kind) => kind.default_entrypoint_path).sort()).toEqual(below('entrypoints', '.md'))
  })

  it.each(prompts)('tells when to report what, each outcome once and no other: %s', (_id, kind, text) => {
    const rows = [...section(text, 'Outcomes').matchAll(/^\| `### ([A-Z_]+)` \| (.+) \|$/gm)]
    expect(rows.map(([, outcome]) => outcome).sort()).toEqual([...kind.legal_outcomes].sort())
    for (const [, outcome, rule] of rows) expect(rule!.length, outcome).toBeGreaterThan(40)
    expect(section(text, 'Finish')).toMatch(
      /exactly one marker[\s\S]*alone on the last line[\s\S]*no other heading of the form `### CAPITALS`/,
    )
  })

  it.each(prompts)('names every file that is owed, and the label it is owed by: %s', (_id, kind, text) => {
    const labels: Record<string, string> = {
      '{rubric}': 'Preferred Rubric Path',
      '{verdict}': 'Preferred Verdict Path',
      '{report}': 'Preferred Report Path',
    }
    const owed = Object.values(kind.owed_artifacts_by_outcome).flat()
    expect(owed.map(({ path: file }) => labels[file] ?? file).filter((name) => !text.includes(name))).toEqual([])
    if (owed.length > 0) expect(text).toContain('Owed Artifacts By Outcome')
  })

  it.each(prompts)(
    'names its one core skill where that is looked for, and further ones that are there: %s',
    (_id, kind, text) => {
      const named = (heading: string) => [...section(text, heading).matchAll(/^- `([^`]+)`/gm)].map(([, id]) => id)
      expect(named('Required Stage-Core Skill')).toEqual(kind.required_skill_paths.map(skillIdOf))
      const known = skills.map(([id]) => id)
      expect(named('Optional Secondary Skills').filter((id) => !known.includes(id!))).toEqual([])
    },
  )

  it.each(prompts)(
    'says in which order to read, what came before an interruption, and what is not its part: %s',
    (_id, kind, text) => {
      const order = section(text, 'Read In This Order')
      expect(order).toMatch(/\d\. the request[:;]/i)
      expect(text).toContain('`Previous Attempt`')
      expect(section(text, 'Boundaries')).toMatch(/done by the runtime/)
      // Whoever judges writes down what it expects before it looks.
      const judges = kind.declared_output_artifacts.some((name) => name.endsWith('_expectations'))
      if (judges) expect(order.trim()).toMatch(/^\*\*Before expectations exist\*\*/)
    },
  )

  it.each(prompts)('speaks of labels that the request has: %s', (_id, _kind, text) => {
    const request = requestFor('/w', (digits) => '0'.repeat(digits))
    const labels = [...renderPrompt(request).matchAll(/^([A-Z][A-Za-z ]+):/gm)].map(([, label]) => label)
    expect(labels).toContain('Run Directory')
    const named = [...text.matchAll(/`([A-Z][a-z]+(?: [A-Z][A-Za-z]*)+)`/g)].map(([, label]) => label)
    expect([...new Set(named)].filter((label) => !labels.includes(label))).toEqual([])
  })

  it.each(prompts.filter(([, kind]) => kind.hand_ins.length > 0))(
    'whose stage writes documents shows one of each kind that would be taken: %s',
    (_id, kind, text) => {
      const examples = [...text.matchAll(/^```markdown\n([\s\S]*?)^```$/gm)].map(([, example]) => example!)
      for (const handIn of kind.hand_ins) {
        const document = DOCUMENT_KINDS.find((one) => one === handIn.kind)!
        expect(
          examples.some((example) => parseDocument(document, example).ok),
          handIn.kind,
        ).toBe(true)
        expect(text).toContain(`<Outbox Directory>/${handIn.kind}/`)
      }
    },
  )
})

describe('a skill', () => {
  it.each(skills)('is called as its folder, and says all that one has to say, in order: %s', (id, _file, text) => {
    const found = readSkill(text)
    expect(found).toMatchObject({ ok: true, skill: { id } })
    expect([...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)).toEqual(PARTS)
    expect(FORBIDDEN.filter((claim) => !text.includes(`\n  - ${claim}\n`))).toEqual([])
  })

  it('is listed in the index, each once and where it lies', () => {
    const rows = [...read('skills/skills_index.md').matchAll(/^\| `([^`]+)` \|.*\| `([^`]+)` \| shipped \|$/gm)]
    expect(rows.map(([, id, file]) => [id, `skills/${file}`]).sort()).toEqual(
      skills.map(([id, file]) => [id, file]).sort(),
    )
  })

  it('is recommended for stages that there are', () => {
    const known = kinds.map((kind) => kind.stage_kind_id)
    const unknown = skills.flatMap(([id, , text]) => {
      const found = readSkill(text)
      return found.ok
        ? found.skill.recommended_for_stages.filter((stage) => !known.includes(stage)).map((stage) => `${id}: ${stage}`)
        : []
    })
    expect(unknown).toEqual([])
  })
})

it.each(texts)('what the runtime decides is claimed by no text: %s', (_name, text) => {
  expect(CLAIMS.exec(text)?.[0] ?? null).toBeNull()
})
