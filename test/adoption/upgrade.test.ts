import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { plainLook } from '../../src/cli/plain-look.ts'
import { upgrade as rendered } from '../../src/cli/render/workspace.ts'
import { Upgrade } from '../../src/operations/schemas/workspace.ts'
import { init } from '../../src/operations/workspace/init.ts'
import { upgrade } from '../../src/operations/workspace/upgrade.ts'
import { contextIn } from '../rig/context.ts'
import { makeFixture, VERSIONS } from './fixtures/make.mjs'

const folders: string[] = []
afterAll(() => {
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true })
})

function oldIn(version: (typeof VERSIONS)[number]) {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'upgraded-')))
  folders.push(folder)
  const fixture = makeFixture(version, folder, { runsMax: 2 })
  return { folder, fixture, context: contextIn(folder) }
}

const filesOf = (folder: string): string[] => (fs.readdirSync(folder, { recursive: true }) as string[]).sort()

describe.each(VERSIONS)('upgrade on a workspace of the Python runtime %s', (version) => {
  test('shows what it would do, down to the prompts it would write, and writes nothing', async () => {
    const { folder, context } = oldIn(version)
    const before = filesOf(folder)
    const preview = Upgrade.parse(await upgrade.run(context, {}))
    expect(filesOf(folder)).toEqual(before)
    expect(preview).toMatchObject({ state: 'preview', applied: false, conflicting_paths: [] })
    const entry = (file: string) => preview.entries.find(({ relative_path }) => relative_path === file)?.disposition
    expect(entry('entrypoints/execution/builder.md')).toBe('local_only_modification')
    expect(entry('skills/stage/execution/fixer-core/SKILL.md')).toBe('missing')
    expect(entry('entrypoints/execution/checker.md')).toBe(version === '0.14' ? 'local_only_modification' : 'missing')
    expect(preview.preserved_operator_owned.filter((file) => /^(modes|graphs|registry)\//.test(file))).toEqual([])
  })

  test('adopts and brings up to date in one go; afterwards there is nothing to do', async () => {
    const { folder, fixture, context } = oldIn(version)
    const done = Upgrade.parse(await upgrade.run(context, { apply: true }))
    expect(done).toMatchObject({ state: 'applied', applied: true })
    expect(done.created_files).toContain('skills/stage/execution/fixer-core/SKILL.md')
    const builder = 'millrace-agents/entrypoints/execution/builder.md'
    expect(fs.readFileSync(path.join(folder, builder), 'utf8')).toBe(fixture.files.get(builder)?.text)
    expect(fs.existsSync(path.join(folder, 'millrace-agents', done.adoption!.kept_in))).toBe(true)
    const again = Upgrade.parse(await upgrade.run(context, { apply: true }))
    expect(again).toMatchObject({ state: 'nothing', adoption: null })
  })

  test('writes nothing at all while something is in the way', async () => {
    const { folder, context } = oldIn(version)
    fs.writeFileSync(path.join(folder, 'millrace-agents/intake'), 'in the way')
    const before = filesOf(folder)
    const refused = Upgrade.parse(await upgrade.run(context, { apply: true }))
    expect(refused).toMatchObject({ state: 'refused', applied: false })
    expect(refused.conflicting_paths).toContain('intake')
    expect(filesOf(folder)).toEqual(before)
  })

  test('reads as a list of lines, and says what it is about in a sentence', async () => {
    const { context } = oldIn(version)
    const output = await upgrade.run(context, {})
    const look = (terminal: boolean) => plainLook({ terminal, colour: false, width: 120, now: new Date() })
    const text = rendered(output, look(false))
    expect(text).toContain(`detail: --apply adopts the workspace of the Python runtime ${version}.`)
    expect(text).toMatch(
      /^adoption_step: action=settle path=\S+ note="the result of (checker|planner) was never routed"$/m,
    )
    expect(text).toMatch(/^kept_in: state\/pre-upgrade-[0-9a-f]{12}$/m)
    expect(rendered(output, look(true))).toMatch(/^ {2}carry out state\/mailbox\/incoming\/add_\w+-\S+: add_\w+$/m)
  })

  test('is what init says to run, which leaves the workspace alone', async () => {
    const { folder, context } = oldIn(version)
    const before = filesOf(folder)
    await expect(init.run(context, {})).rejects.toMatchObject({ hint: 'run `millrace upgrade`' })
    expect(filesOf(folder)).toEqual(before)
  })
})
