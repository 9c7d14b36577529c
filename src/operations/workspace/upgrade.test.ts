import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { contextIn, newWorkspace, type TestWorkspace } from '../../../test/rig/context.ts'
import { type BaselineManifest, manifestOf, originalsOf } from '../../core/baseline.ts'
import { MillraceError } from '../../core/errors.ts'
import { hashBytes } from '../../store/files.ts'
import { Workspace } from '../../store/workspace.ts'
import { upgrade } from './upgrade.ts'

const BUILDER = 'entrypoints/execution/builder.md'
const FIXER = 'entrypoints/execution/fixer.md'
const GONE = 'skills/shared/gone/SKILL.md'

let workspace: TestWorkspace
const text = (file: string) => fs.readFileSync(workspace.at(file), 'utf8')
const write = (file: string, content: string) => {
  fs.mkdirSync(path.dirname(workspace.at(file)), { recursive: true })
  fs.writeFileSync(workspace.at(file), content)
}
const packaged = (file: string) => fs.readFileSync(path.join(workspace.context.packageRoot, file), 'utf8')
const manifest = () => JSON.parse(text('state/baseline_manifest.json')) as BaselineManifest

/** The workspace as an older package would have left it: `file` was deployed with that content. */
function deployedAs(file: string, content: string, edited = content) {
  const { seed_package_version, ...before } = manifest()
  const originals = originalsOf({ ...before }).set(file, hashBytes(content))
  write('state/baseline_manifest.json', JSON.stringify(manifestOf(seed_package_version, originals)))
  write(file, edited)
}

function tree(folder = workspace.root): Record<string, string> {
  const names = fs.readdirSync(folder, { recursive: true, withFileTypes: true })
  return Object.fromEntries(
    names.map((entry) => {
      const at = path.join(entry.parentPath, entry.name)
      const stat = fs.lstatSync(at)
      return [at, `${stat.mtimeMs} ${stat.ino} ${entry.isFile() ? hashBytes(fs.readFileSync(at)) : ''}`]
    }),
  )
}

const asked = (input: Parameters<typeof upgrade.run>[1] = {}) => upgrade.run(workspace.context, input)
const refusal = async (input: Parameters<typeof upgrade.run>[1]) => {
  try {
    await asked(input)
  } catch (error) {
    if (MillraceError.is(error)) return error
  }
  return expect.unreachable('it was not refused')
}

beforeEach(async () => {
  workspace = await newWorkspace()
})
afterEach(() => workspace.dispose())

describe('upgrade', () => {
  it('has nothing to do in a new workspace', async () => {
    const { state, applied, entries, dispositions } = await asked({ apply: true })
    expect({ state, applied }).toEqual({ state: 'nothing', applied: false })
    expect(entries.length).toBeGreaterThan(20)
    expect(dispositions.unchanged).toBe(entries.length)
  })

  it('shows what it would do and writes nothing at all', async () => {
    deployedAs(BUILDER, 'old\n')
    fs.rmSync(workspace.at(FIXER))
    fs.rmSync(workspace.at('arbiter/rubrics'), { recursive: true })
    write('skills/mine.md', 'mine\n')
    const before = tree()
    const shown = await asked()
    expect(tree()).toEqual(before)
    expect(shown).toMatchObject({
      state: 'preview',
      applied: false,
      would_create: [FIXER],
      would_update: [BUILDER],
      conflicting_paths: [],
      would_materialize_runtime_owned: ['arbiter/rubrics/'],
      preserved_operator_owned: ['skills/mine.md'],
      created_files: [],
      result_manifest_id: null,
    })
    expect(shown.persisted_state_migrations.map((one) => one.action)).toEqual(['none', 'none'])
  })

  it('does exactly what it showed, and then there is nothing to do', async () => {
    deployedAs(BUILDER, 'old\n')
    write('entrypoints/execution/checker.md', 'my checker\n')
    fs.rmSync(workspace.at(FIXER))
    fs.rmSync(workspace.at('state/mailbox'), { recursive: true })
    fs.rmSync(workspace.at('outline.md'))
    write('millrace.toml', '# mine\n[runtime]\nidle_sleep_seconds = 7\n')
    const shown = await asked()
    const done = await asked({ apply: true })
    expect(done).toMatchObject({
      state: 'applied',
      applied: true,
      created_files: shown.would_create,
      updated_files: shown.would_update,
      materialized_runtime_owned: shown.would_materialize_runtime_owned,
      created_directory_count: 3,
      created_file_count: 2,
      updated_file_count: 1,
    })
    expect([text(BUILDER), text(FIXER)]).toEqual([packaged(BUILDER), packaged(FIXER)])
    expect(text('entrypoints/execution/checker.md')).toBe('my checker\n')
    expect(text('millrace.toml')).toBe('# mine\n[runtime]\nidle_sleep_seconds = 7\n')
    expect(text('outline.md')).toBe('')
    expect(fs.existsSync(workspace.at('state/mailbox/incoming'))).toBe(true)
    expect(manifest().manifest_id).toBe(done.result_manifest_id)
    expect(await asked({ apply: true })).toMatchObject({ state: 'nothing', applied: false })
    const told = text('logs/runtime_events.jsonl').match(/"workspace_upgraded"/g)
    expect(told).toHaveLength(1)
  })

  it('writes nothing while there is a conflict, and names it', async () => {
    deployedAs(BUILDER, 'old\n', 'edited\n')
    fs.rmSync(workspace.at(FIXER))
    const before = tree()
    const refused = await asked({ apply: true })
    expect(refused).toMatchObject({ state: 'refused', applied: false, conflicting_paths: [BUILDER] })
    expect(tree()).toEqual(before)
  })

  it('keeps an edited file that it is told to keep, and does not ask again', async () => {
    deployedAs(BUILDER, 'old\n', 'edited\n')
    expect(await asked({ keep: [`millrace-agents/${BUILDER}`], apply: true })).toMatchObject({ applied: true })
    expect(text(BUILDER)).toBe('edited\n')
    const again = await asked()
    expect(again.state).toBe('nothing')
    expect(again.entries).toContainEqual({ relative_path: BUILDER, disposition: 'local_only_modification' })
  })

  it('keeps a file the package has no more as one of the workspace, once it is told to', async () => {
    deployedAs(GONE, 'from an older package\n')
    expect((await asked({ apply: true })).conflicting_paths).toEqual([GONE])
    write('list.txt', `# what stays\n\n${GONE}\n`)
    const done = await asked({ localize_removed_from: workspace.at('list.txt'), apply: true })
    expect(done.dispositions).toMatchObject({ localized_removed: 1, conflict: 0 })
    expect(text(GONE)).toBe('from an older package\n')
    expect(manifest().entries.map((entry) => entry.relative_path)).not.toContain(GONE)
    expect(await asked()).toMatchObject({ state: 'nothing', preserved_operator_owned: [GONE] })
  })

  it('sees a folder where a file belongs, and a file where a folder belongs', async () => {
    fs.rmSync(workspace.at(BUILDER))
    fs.mkdirSync(workspace.at(BUILDER))
    fs.rmSync(workspace.at('arbiter/rubrics'), { recursive: true })
    write('arbiter/rubrics', 'a file\n')
    expect(await asked({ apply: true })).toMatchObject({
      state: 'refused',
      conflicting_paths: ['arbiter/rubrics', BUILDER],
    })
  })

  it('does not put a file in the place of a link', async () => {
    deployedAs(BUILDER, 'old\n')
    fs.renameSync(workspace.at(BUILDER), path.join(workspace.root, 'prompt.md'))
    fs.symlinkSync(path.join(workspace.root, 'prompt.md'), workspace.at(BUILDER))
    expect(await asked({ apply: true })).toMatchObject({ state: 'refused', conflicting_paths: [BUILDER] })
  })

  it('writes state of an older format anew', async () => {
    const { runner_waits: _, ...snapshot } = JSON.parse(text('state/runtime_snapshot.json'))
    write('state/runtime_snapshot.json', JSON.stringify(snapshot))
    const shown = await asked()
    expect(shown.persisted_state_migrations).toMatchObject([
      { state_family: 'runtime_snapshot', action: 'rewrite_state', would_write_state_file: true },
      { state_family: 'recovery_counters', action: 'none', would_write_state_file: false },
    ])
    expect(await asked({ apply: true })).toMatchObject({ state: 'applied' })
    expect(JSON.parse(text('state/runtime_snapshot.json')).runner_waits).toEqual([])
    expect((await asked()).state).toBe('nothing')
  })

  it('makes what a workspace needs where there is only its folder', async () => {
    fs.rmSync(workspace.at('.'), { recursive: true })
    fs.mkdirSync(workspace.at('.'))
    expect(await asked({ apply: true })).toMatchObject({ state: 'applied', conflicting_paths: [] })
    expect(await asked()).toMatchObject({ state: 'nothing' })
    expect(JSON.parse(text('state/runtime_snapshot.json')).updated_at).toMatch(/^20/)
  })

  it('is refused while a runtime owns the workspace', async () => {
    deployedAs(BUILDER, 'old\n')
    const owner = await Workspace.open(workspace.context, workspace.root, {
      onFatal: (error) => expect.unreachable(error.message),
    })
    try {
      expect(await refusal({ apply: true })).toMatchObject({ code: 'lock_held', exitStatus: 3 })
      expect(text(BUILDER)).toBe('old\n')
      expect((await asked()).would_update).toEqual([BUILDER])
    } finally {
      await owner.close()
    }
  })

  it.each([
    [{ keep: ['/etc/passwd'] }, 'is no path below the runtime root'],
    [{ localize_removed: ['../x.md'] }, 'is no path below the runtime root'],
    [{ localize_removed: [BUILDER] }, 'is no deployed file that the package has no more'],
    [{ keep: [BUILDER] }, 'is no file that was edited here and changed in the package'],
  ])('refuses the decision %j', async (input, sentence) => {
    const error = await refusal({ ...input, apply: true })
    expect(error.code).toBe('usage')
    expect(error.message).toContain(sentence)
  })

  it('refuses a manifest nobody can read, and one that leads out of the workspace', async () => {
    write('state/baseline_manifest.json', '{')
    expect(await refusal({})).toMatchObject({ code: 'state_corrupt' })
    const stray = manifestOf('1', new Map([['../../other', 'a']]))
    write('state/baseline_manifest.json', JSON.stringify(stray))
    expect((await refusal({})).message).toContain('"../../other" is no path below the runtime root')
  })

  it('needs a workspace', async () => {
    const elsewhere = contextIn(workspace.at('runs'))
    await expect(upgrade.run(elsewhere, {})).rejects.toMatchObject({ code: 'workspace_missing' })
  })

  it('takes all the package has for a workspace in one transaction', async () => {
    const shown = await asked()
    const bytes = shown.entries.reduce((sum, one) => sum + fs.statSync(workspace.at(one.relative_path)).size, 0)
    expect(bytes).toBeLessThan(4 * 1024 * 1024)
  })
})
