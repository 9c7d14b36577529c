import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { contextIn } from '../../../test/rig/context.ts'
import { MillraceError } from '../../core/errors.ts'
import { readConfig } from '../../store/config-file.ts'
import { disk } from '../../store/files.ts'
import { placesOf } from '../../store/layout.ts'
import { init } from './init.ts'

const BUILDER = 'entrypoints/execution/builder.md'

let root: string
beforeEach(() => {
  root = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-init-')))
})
afterEach(() => fs.rmSync(root, { recursive: true, force: true }))

const made = (input: Parameters<typeof init.run>[1] = {}) => init.run(contextIn(root), input)
const at = (...parts: string[]) => path.join(root, 'millrace-agents', ...parts)
const refusal = async (input: Parameters<typeof init.run>[1]) => {
  try {
    await made(input)
  } catch (error) {
    if (MillraceError.is(error)) return error
  }
  return expect.unreachable('it was not refused')
}
const names = (folder: string) => fs.readdirSync(folder)

describe('init', () => {
  it('counts what it made, and makes nothing a second time', async () => {
    const first = await made()
    const files = first.created.filter((name) => !name.endsWith('/'))
    expect(first.created_file_count).toBe(files.length)
    expect(first.created_directory_count).toBe(first.created.length - files.length)
    for (const name of first.created) expect(fs.existsSync(at(name)), name).toBe(true)
    expect(await made()).toMatchObject({ created: [], created_file_count: 0, created_directory_count: 0 })
  })

  it('deploys prompts, skills and documents, and notes all of them', async () => {
    const { created } = await made()
    const manifest = JSON.parse(fs.readFileSync(at('state/baseline_manifest.json'), 'utf8'))
    const noted = manifest.entries.map((entry: { relative_path: string }) => entry.relative_path)
    expect(noted).toEqual(expect.arrayContaining([BUILDER, 'docs/architecture.md', 'skills/skills_index.md']))
    expect(created).toEqual(expect.arrayContaining(noted))
    expect(new Set(manifest.entries.map((entry: { asset_family: string }) => entry.asset_family))).toEqual(
      new Set(['docs', 'entrypoints', 'skills']),
    )
  })

  it('copies files byte for byte, with the right to execute them', async () => {
    const packageRoot = path.join(root, 'package', 'assets')
    fs.cpSync(contextIn(root).packageRoot, packageRoot, { recursive: true })
    const script = path.join(packageRoot, 'skills', 'shared', 'count.sh')
    fs.writeFileSync(script, Buffer.from([0x23, 0x21, 0xff, 0x0d, 0x0a]), { mode: 0o555 })
    const dest = path.join(root, 'work')
    await init.run(contextIn(root, { packageRoot }), { dest })
    const copy = path.join(dest, 'millrace-agents', 'skills', 'shared', 'count.sh')
    expect(fs.readFileSync(copy)).toEqual(fs.readFileSync(script))
    expect(fs.statSync(copy).mode & 0o700).toBe(0o700)
    expect(fs.statSync(path.join(dest, 'millrace-agents', BUILDER)).mode & 0o111).toBe(0)
  })

  it('takes a folder that is absent or empty', async () => {
    fs.mkdirSync(path.join(root, 'empty'))
    for (const dest of ['empty', 'not/there/yet']) {
      const { workspace } = await made({ dest: path.join(root, dest) })
      expect(fs.existsSync(path.join(workspace, 'millrace-agents', 'millrace.toml')), dest).toBe(true)
    }
  })

  it('refuses a folder in which something lies, and says how to add Millrace to it', async () => {
    const dest = path.join(root, 'project')
    fs.mkdirSync(dest)
    fs.writeFileSync(path.join(dest, 'readme'), 'hello')
    for (const force of [false, true]) {
      const error = await refusal({ dest, force })
      expect(error).toMatchObject({ code: 'usage', exitStatus: 2 })
      expect(error.hint).toBe(`to add Millrace to an existing project: cd ${dest} && millrace init`)
      expect(names(dest)).toEqual(['readme'])
    }
  })

  it('refuses a file and the root of a file system, whatever it is told', async () => {
    fs.writeFileSync(path.join(root, 'file'), '')
    for (const force of [false, true]) {
      expect((await refusal({ dest: path.join(root, 'file'), force })).message).toContain('is a file, not a folder')
      expect((await refusal({ dest: '/', force })).message).toContain('is the root of a file system')
    }
    expect(names(root)).toEqual(['file'])
  })

  it('writes nothing where a file lies in the place of a folder, or the reverse', async () => {
    fs.mkdirSync(at(BUILDER), { recursive: true })
    const before = names(at('.'))
    expect(await refusal({})).toMatchObject({ code: 'path_occupied', message: expect.stringContaining(at(BUILDER)) })
    fs.rmdirSync(at(BUILDER))
    fs.mkdirSync(at('tasks'))
    fs.writeFileSync(at('tasks/queue'), '')
    expect((await refusal({})).message).toContain(at('tasks/queue'))
    expect(names(at('.'))).toEqual([...before, 'tasks'])
  })

  it('with --force puts back what was deployed, keeps what was edited, and touches nothing else', async () => {
    await made()
    const original = fs.readFileSync(at(BUILDER), 'utf8')
    fs.writeFileSync(at(BUILDER), 'my builder\n')
    fs.writeFileSync(at('skills/mine.md'), 'mine\n')
    fs.writeFileSync(at('millrace.toml'), '# mine\n')
    fs.writeFileSync(at('tasks/queue/odd.md'), 'odd\n')
    fs.writeFileSync(at('state/recovery_counters.json'), 'broken\n')
    const { overwritten, replaced, created, overwritten_file_count } = await made({ force: true })
    expect({ overwritten, created, overwritten_file_count }).toEqual({
      overwritten: [BUILDER],
      created: [],
      overwritten_file_count: 1,
    })
    expect(fs.readFileSync(at(BUILDER), 'utf8')).toBe(original)
    expect(replaced).toEqual([{ path: BUILDER, kept_as: expect.stringMatching(/^state\/replaced\/.*\/builder\.md$/) }])
    expect(fs.readFileSync(at(replaced[0]!.kept_as), 'utf8')).toBe('my builder\n')
    const untouched = ['skills/mine.md', 'millrace.toml', 'tasks/queue/odd.md', 'state/recovery_counters.json']
    expect(untouched.map((file) => fs.readFileSync(at(file), 'utf8'))).toEqual([
      'mine\n',
      '# mine\n',
      'odd\n',
      'broken\n',
    ])
  })

  it('with --force leaves alone what was never deployed', async () => {
    await made()
    const manifest = JSON.parse(fs.readFileSync(at('state/baseline_manifest.json'), 'utf8'))
    manifest.entries = manifest.entries.filter((entry: { relative_path: string }) => entry.relative_path !== BUILDER)
    fs.writeFileSync(at('state/baseline_manifest.json'), JSON.stringify(manifest))
    fs.writeFileSync(at(BUILDER), 'never deployed\n')
    expect(await made({ force: true })).toMatchObject({ overwritten: [], replaced: [] })
    expect(fs.readFileSync(at(BUILDER), 'utf8')).toBe('never deployed\n')
  })

  it('writes the mode it is told into a new config, and only there', async () => {
    await made({ mode: 'default_claude' })
    const places = placesOf(root)
    expect(readConfig(disk, places, []).config.runtime.default_mode).toBe('default_claude')
    expect(await made({ mode: 'default_claude' })).toMatchObject({ created: [] })
    const error = await refusal({ mode: 'default_pi' })
    expect(error).toMatchObject({ code: 'usage' })
    expect(error.hint).toContain('millrace config set runtime.default_mode default_pi')
    expect(readConfig(disk, places, []).config.runtime.default_mode).toBe('default_claude')
  })

  it('knows its modes, and makes nothing for one that there is not', async () => {
    const error = await refusal({ mode: 'default_claud' })
    expect(error).toMatchObject({ code: 'mode_unknown', hint: 'did you mean default_claude?' })
    expect(fs.existsSync(at('.'))).toBe(false)
  })

  it('leaves a manifest alone that nobody can read', async () => {
    await made()
    fs.writeFileSync(at('state/baseline_manifest.json'), '{ torn')
    fs.rmSync(at(BUILDER))
    expect(await made({ force: true })).toMatchObject({ created: [BUILDER], overwritten: [] })
    expect(fs.readFileSync(at('state/baseline_manifest.json'), 'utf8')).toBe('{ torn')
  })
})
