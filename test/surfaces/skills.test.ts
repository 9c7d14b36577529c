/** Skills as an operator meets them: listed, read, searched, installed from this machine, exported, and told of by runs. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makeLook } from '../../src/cli/look.ts'
import { rendererOf } from '../../src/cli/render/table.ts'
import { SKILL_BYTES_MAX } from '../../src/core/skill.ts'
import type { Issued } from '../../src/operations/issue.ts'
import type { RunsProvenanceOutput } from '../../src/operations/schemas/provenance.ts'
import type {
  SkillsExportOutput,
  SkillsLsOutput,
  SkillsSearchOutput,
  SkillsShowOutput,
} from '../../src/operations/schemas/skills.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import { contextIn, newWorkspace, type TestWorkspace } from '../rig/context.ts'
import { Live } from '../rig/live.ts'
import { PACKAGE_ROOT, Rig } from '../rig/runtime.ts'

let workspace: TestWorkspace
let outside: string
beforeEach(async () => {
  workspace = await newWorkspace()
  outside = fs.mkdtempSync(path.join(workspace.root, 'outside-'))
})
afterEach(() => workspace.dispose())

async function ask<T>(name: string, input: object = {}, context = workspace.context): Promise<T> {
  const verb = await OPERATIONS.find((entry) => entry.name === name)!.load()
  const answer = await verb.run(context, input)
  const schema = z.fromJSONSchema((await verb.output()) as Parameters<typeof z.fromJSONSchema>[0])
  const checked = schema.safeParse(JSON.parse(JSON.stringify(answer)))
  expect(checked.success ? '' : `${name}: ${z.prettifyError(checked.error)}`).toBe('')
  return answer as T
}

async function text(name: string, answer: unknown, terminal = false): Promise<string> {
  return (await rendererOf(name))(answer, makeLook({ terminal, colour: false, width: 120, now: new Date() }))
}

const skillText = (id: string, body = 'Do it well.') =>
  `---\nname: ${id}\ndescription: How ${id} is done.\n---\n\n# The ${id} craft\n\n${body}\n`

/** A skill on this machine, outside of the runtime root; gives its folder. */
function skillAt(id: string, files: Record<string, string | Buffer> = {}): string {
  const folder = path.join(outside, id)
  for (const [name, content] of Object.entries({ 'SKILL.md': skillText(id), ...files })) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    fs.writeFileSync(path.join(folder, name), content)
  }
  return folder
}

const install = (source: string, more: object = {}) => ask<Issued>('skills install', { source, ...more })
const skill = (...parts: string[]) => workspace.at('skills', ...parts)
const index = () => fs.readFileSync(skill('skills_index.md'), 'utf8')
const operations = () =>
  fs
    .readFileSync(skill('skill_operations.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
const under = (folder: string): string[] =>
  (fs.readdirSync(folder, { recursive: true, withFileTypes: true }) as fs.Dirent[])
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort()

describe('skills', () => {
  it('are all that the package has, nested ones too, each with the stages that must load it; no workspace is needed', async () => {
    const answer = await ask<SkillsLsOutput>('skills ls', {}, contextIn('/nowhere'))
    const shipped = under(path.join(PACKAGE_ROOT, 'skills')).filter((file) => path.basename(file) === 'SKILL.md')
    expect(answer.skills.map((one) => one.path).sort()).toEqual(shipped.map((file) => `skills/${file}`).sort())
    expect(answer.skills.filter((one) => one.problem !== null)).toEqual([])
    expect(answer.skills.find((one) => one.skill_id === 'checker-core')).toMatchObject({
      ...{ title: 'Checker Core', source: 'package' },
      used_by: [{ stage_kind_id: 'checker', as: 'required', by: null }],
    })
    expect((await text('skills ls', answer)).split('\n')).toHaveLength(answer.skills.length)
    expect(await text('skills ls', answer, true)).toMatch(/^SKILL\s+USED BY/)
  })

  it('of the workspace count before shipped ones, and one that is broken says where', async () => {
    const file = skill('stage', 'execution', 'builder-core', 'SKILL.md')
    fs.appendFileSync(file, '\nOurs.\n')
    fs.mkdirSync(skill('odd'))
    fs.writeFileSync(skill('odd', 'SKILL.md'), '# No front matter\n')
    const { skills } = await ask<SkillsLsOutput>('skills ls')
    expect(skills.find((one) => one.skill_id === 'builder-core')!.source).toBe('workspace')
    expect(skills.find((one) => one.skill_id === 'checker-core')!.source).toBe('package')
    expect(skills.find((one) => one.skill_id === 'odd')!.problem).toMatch(/^line 1: the file does not begin/)
    expect((await ask<SkillsLsOutput>('skills ls', { stage: 'builder' })).skills.map((one) => one.skill_id)).toEqual([
      'builder-core',
    ])
    const shown = await ask<SkillsShowOutput>('skills show', { skill_id: 'builder-core', text: true })
    expect(shown).toMatchObject({ file, source: 'workspace', text: fs.readFileSync(file, 'utf8') })
    expect(await text('skills show', shown)).toBe(shown.text)
  })

  it('that there are not are a failure that names the nearest; two of one name are told apart by their place', async () => {
    await expect(ask('skills show', { skill_id: 'bulder-core' })).rejects.toMatchObject({
      ...{ code: 'asset_unknown', exitStatus: 1, hint: 'did you mean builder-core?' },
    })
    fs.mkdirSync(skill('builder-core'))
    fs.writeFileSync(skill('builder-core', 'SKILL.md'), skillText('builder-core'))
    await expect(ask('skills show', { skill_id: 'builder-core' })).rejects.toMatchObject({
      ...{ code: 'item_ambiguous', hint: 'say which: skills/builder-core, skills/stage/execution/builder-core' },
    })
    const shown = await ask<SkillsShowOutput>('skills show', { skill_id: 'stage/execution/builder-core' })
    expect(shown.title).toBe('Builder Core')
    expect(await ask('skills show', { skill_id: 'skills/builder-core' })).toMatchObject({
      title: 'The builder-core craft',
    })
  })

  it('are found by words of their id, heading, description and text, the best first, with the line', async () => {
    await install(skillAt('zebra', { 'SKILL.md': skillText('zebra', 'Stripes of a quagga.') }))
    await install(skillAt('quagga'))
    const { found } = await ask<SkillsSearchOutput>('skills search', { words: ['Quagga'] })
    expect(found.map((one) => [one.skill_id, one.line, one.text])).toEqual([
      ['quagga', 2, 'name: quagga'],
      ['zebra', 8, 'Stripes of a quagga.'],
    ])
    expect((await ask<SkillsSearchOutput>('skills search', { words: ['quagga', 'stripes'] })).found).toHaveLength(1)
    expect((await ask<SkillsSearchOutput>('skills search', { words: ['quagga', 'elephant'] })).found).toEqual([])
    await expect(ask('skills search', { words: [' '] })).rejects.toMatchObject({ code: 'usage' })
  })
})

describe('installing a skill', () => {
  it('puts all its files in, a row into the index and a line into the record, and touches no other line', async () => {
    const before = `${index()}\nAn operator’s own line.\n`
    fs.writeFileSync(skill('skills_index.md'), before)
    const source = skillAt('craft', {
      'references/more.md': '# More\n',
      'picture.bin': Buffer.from([255, 0, 254]),
      '.hidden': 'x',
    })
    const answer = await install(source)
    expect(answer).toMatchObject({ state: 'applied', mode: 'direct', result: { skill_id: 'craft', kept_as: null } })
    expect(under(skill('craft'))).toEqual(['SKILL.md', 'picture.bin', 'references/more.md'])
    expect([...fs.readFileSync(skill('craft', 'picture.bin'))]).toEqual([255, 0, 254])
    expect(index().startsWith(before.trimEnd())).toBe(true)
    expect(index()).toContain('| `craft` | How craft is done. | none | `craft/SKILL.md` | installed |')
    expect(operations()).toMatchObject([
      { operation: 'install', skill_id: 'craft', source, destination: 'millrace-agents/skills/craft/SKILL.md' },
    ])
    expect(operations()[0].at).toMatch(/^\d{4}-/)
    expect((await ask<SkillsLsOutput>('skills ls')).skills.map((one) => one.skill_id)).toContain('craft')
  })

  it('takes a SKILL.md alone, and what was exported, byte for byte', async () => {
    await install(path.join(skillAt('alone'), 'SKILL.md'))
    expect(under(skill('alone'))).toEqual(['SKILL.md'])
    const source = skillAt('packed', { 'a/b.txt': 'b' })
    await install(source)
    const output = path.join(outside, 'packed.zip')
    expect(await ask<SkillsExportOutput>('skills export', { skill_id: 'packed', output })).toMatchObject({
      written: true,
    })
    fs.rmSync(skill('packed'), { recursive: true })
    await install(output)
    expect(under(skill('packed'))).toEqual(under(source))
    for (const file of under(source))
      expect(fs.readFileSync(skill('packed', file))).toEqual(fs.readFileSync(path.join(source, file)))
  })

  it('of an id that is there is refused; with --update it takes its place, and not a byte of the old one is lost', async () => {
    const source = skillAt('craft', { 'old.md': 'old' })
    await install(source)
    fs.appendFileSync(skill('craft', 'SKILL.md'), '\nWhat a person added.\n')
    const edited = fs.readFileSync(skill('craft', 'SKILL.md'))
    fs.rmSync(path.join(source, 'old.md'))
    fs.writeFileSync(path.join(source, 'SKILL.md'), skillText('craft', 'Newer.'))
    await expect(install(source)).rejects.toMatchObject({ code: 'skill_exists', exitStatus: 3 })
    expect(fs.readFileSync(skill('craft', 'SKILL.md'))).toEqual(edited)
    const { result } = await install(source, { update: true })
    expect(under(skill('craft'))).toEqual(['SKILL.md'])
    expect(fs.readFileSync(skill('craft', 'SKILL.md'), 'utf8')).toContain('Newer.')
    const kept = path.join(workspace.root, String(result.kept_as))
    expect(under(kept)).toEqual(['SKILL.md', 'old.md'])
    expect(fs.readFileSync(path.join(kept, 'SKILL.md'))).toEqual(edited)
    expect(index().match(/`craft`/g)).toHaveLength(1)
    expect(operations().map((one) => one.operation)).toEqual(['install', 'update'])
    expect(await install(source, { force: true })).toMatchObject({ state: 'refused', applied: false })
  })

  it('of a shipped id replaces that one where it lies', async () => {
    const source = skillAt('builder-core')
    await expect(install(source)).rejects.toMatchObject({ code: 'skill_exists' })
    await install(source, { force: true })
    expect(fs.existsSync(skill('builder-core'))).toBe(false)
    const shown = await ask<SkillsShowOutput>('skills show', { skill_id: 'builder-core' })
    expect(shown).toMatchObject({ source: 'workspace', path: 'skills/stage/execution/builder-core/SKILL.md' })
    expect(shown.used_by).toEqual([{ stage_kind_id: 'builder', as: 'required', by: null }])
    expect(index()).toContain('`stage/execution/builder-core/SKILL.md` | installed |')
  })

  it('can be previewed, and changes nothing then', async () => {
    const source = skillAt('craft')
    const before = under(workspace.root)
    const answer = await ask<Issued>('skills install', { source }, { ...workspace.context, dryRun: true })
    expect(answer).toMatchObject({
      state: 'preview',
      would: ['write skills/craft/SKILL.md', 'rewrite skills/skills_index.md'],
    })
    expect(under(workspace.root)).toEqual(before)
  })

  it.each([
    ['a link in it', (folder: string) => fs.symlinkSync('/etc/hosts', path.join(folder, 'hosts')), /hosts is a link/],
    [
      'another skill in it',
      (folder: string) => fs.cpSync(skillAt('b'), path.join(folder, 'b'), { recursive: true }),
      /another skill/,
    ],
    [
      'a name that not every system has',
      (folder: string) => fs.writeFileSync(path.join(folder, 'a:b'), ''),
      /a:b has a name/,
    ],
    [
      'more bytes than a skill may have',
      (folder: string) => fs.writeFileSync(path.join(folder, 'big'), Buffer.alloc(SKILL_BYTES_MAX)),
      /holds more than/,
    ],
    ['no SKILL.md', (folder: string) => fs.rmSync(path.join(folder, 'SKILL.md')), /holds no SKILL\.md/],
    [
      'a text that is no skill',
      (folder: string) => fs.writeFileSync(path.join(folder, 'SKILL.md'), '# Craft\n'),
      /line 1: the file does not begin/,
    ],
    [
      'an id that leads out',
      (folder: string) => fs.writeFileSync(path.join(folder, 'SKILL.md'), skillText('../../x')),
      /the id is lower-case/,
    ],
  ])('with %s is refused in a sentence, and nothing is written', async (_what, spoil, message) => {
    const source = skillAt('craft')
    spoil(source)
    const before = under(workspace.at())
    await expect(install(source)).rejects.toMatchObject({
      code: 'asset_invalid',
      message: expect.stringMatching(message),
    })
    expect(under(workspace.at())).toEqual(before)
  })

  it('fetches nothing, and says so', async () => {
    for (const source of ['https://example.invalid/craft', 'git@example.invalid:craft.git'])
      await expect(install(source)).rejects.toMatchObject({
        code: 'usage',
        message: `${source} lies elsewhere, and Millrace fetches no skills.`,
      })
    await expect(install(path.join(outside, 'nowhere'))).rejects.toMatchObject({
      code: 'file_unreadable',
      exitStatus: 2,
    })
  })

  it.each(['craft', '.'])('writes nothing through a link that somebody put in place of %s', async (place) => {
    const elsewhere = fs.mkdtempSync(path.join(workspace.root, 'elsewhere-'))
    const at = path.join(workspace.at('skills'), place)
    if (place === '.') fs.cpSync(at, elsewhere, { recursive: true })
    fs.rmSync(at, { recursive: true, force: true })
    fs.symlinkSync(elsewhere, at)
    const before = under(elsewhere)
    const source = skillAt('craft')
    for (const update of [false, true])
      await expect(install(source, { update })).rejects.toMatchObject({
        code: 'asset_invalid',
        message: expect.stringContaining('is a link or no folder; nothing was written.'),
      })
    expect(under(elsewhere)).toEqual(before)
  })

  it('that is no text is refused in a sentence', async () => {
    const source = skillAt('craft', { 'SKILL.md': Buffer.from([0xff, 0xfe, 0x41]) })
    await expect(install(source)).rejects.toMatchObject({
      code: 'asset_invalid',
      message: `SKILL.md of ${source} is not UTF-8 text.`,
    })
  })
})

describe('exporting a skill', () => {
  it('never writes over a different file unless told to', async () => {
    const output = path.join(outside, 'checker.zip')
    const first = await ask<SkillsExportOutput>('skills export', { skill_id: 'checker-core', output })
    expect(first).toMatchObject({ written: true, files: ['SKILL.md'] })
    expect(await ask('skills export', { skill_id: 'checker-core', output })).toEqual({ ...first, written: false })
    fs.writeFileSync(output, 'mine')
    await expect(ask('skills export', { skill_id: 'checker-core', output })).rejects.toMatchObject({
      ...{ code: 'file_exists', exitStatus: 3 },
    })
    expect(fs.readFileSync(output, 'utf8')).toBe('mine')
    expect(await ask('skills export', { skill_id: 'checker-core', output, force: true })).toEqual(first)
    expect(fs.readdirSync(outside)).toEqual(['checker.zip'])
  })
})

describe('the skills of a run', () => {
  it('are on record with their revision: one that was edited between two runs is another one, its other files counted', async () => {
    const rig = await Rig.create()
    try {
      const folder = rig.at('skills/stage/execution/builder-core')
      const context = contextIn(rig.root)
      const provenance = async (item: string) => {
        rig.addTask(item)
        await rig.work()
        const run_id = rig.requests('builder').find((one) => one.active_work_item_id === item)!.run_id
        const answer = await ask<RunsProvenanceOutput>('runs provenance', { run_id }, context)
        const given = answer.skill_revisions.filter((one) => one.skill_id === 'builder-core')
        expect(given).toHaveLength(1)
        expect(given[0]).toMatchObject({ node_id: 'builder', path: 'skills/stage/execution/builder-core/SKILL.md' })
        expect(answer.skill_revisions.map((one) => one.node_id)).toEqual(['builder', 'checker', 'updater'])
        const lines = (await text('runs provenance', answer)).split('\n')
        expect(lines.filter((line) => line.startsWith('skill_revision: '))).toHaveLength(answer.skill_revisions.length)
        expect(await text('runs provenance', answer, true)).toContain(`builder-core ${given[0]!.revision.slice(0, 12)}`)
        return { revision: given[0]!.revision, request: rig.requests('builder').at(-1)! }
      }
      const today = async () =>
        (await ask<SkillsShowOutput>('skills show', { skill_id: 'builder-core' }, context)).revision

      const first = await provenance('task-a')
      expect(first.revision).toBe(await today())
      fs.appendFileSync(path.join(folder, 'SKILL.md'), '\nSee [notes](notes.txt).\n')
      const second = await provenance('task-b')
      expect(second.revision).toBe(await today())
      fs.writeFileSync(path.join(folder, 'notes.txt'), 'A file beside it.\n')
      const third = await provenance('task-c')
      expect(third.revision).toBe(await today())
      expect(new Set([first.revision, second.revision, third.revision]).size).toBe(3)
      // What the text points to lies beside it, where the stage is sent.
      const frozen = path.dirname(third.request.required_skill_paths[0]!)
      expect(fs.readFileSync(path.join(frozen, 'notes.txt'), 'utf8')).toBe('A file beside it.\n')
    } finally {
      rig.dispose()
    }
  })

  it('are the new ones from the next item on once a skill was updated under a runtime at work', async () => {
    const rig = await Rig.create()
    try {
      const live = await Live.start(rig)
      const before = rig.json<{ compiled_plan_id: string }>('state/runtime_snapshot.json').compiled_plan_id
      const source = path.join(rig.root, 'builder-core')
      fs.mkdirSync(source)
      fs.writeFileSync(path.join(source, 'SKILL.md'), skillText('builder-core'))
      const answer = await ask<Issued>('skills install', { source, update: true }, contextIn(rig.root))
      expect(answer).toMatchObject({ mode: 'mailbox', state: 'applied', result: { reloaded: true } })
      rig.addTask('task-a')
      await live.until('done', () => rig.list('tasks/done').length === 1)
      const request = rig.requests('builder')[0]!
      expect(request.compiled_plan_id).not.toBe(before)
      expect(fs.readFileSync(request.required_skill_paths[0]!, 'utf8')).toBe(skillText('builder-core'))
      await live.close()
    } finally {
      rig.dispose()
    }
  })
})
