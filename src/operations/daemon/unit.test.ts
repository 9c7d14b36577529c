/** Units for systemd and launchd: what is written, that it survives awkward paths, and that edits are left alone. */
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { contextIn, newWorkspace, type TestContext, type TestWorkspace } from '../../../test/rig/context.ts'
import { disk } from '../../store/files.ts'
import { daemonUnitSchema } from '../schemas.ts'
import { daemonInstall, daemonUninstall } from './install.ts'
import { daemonStatus } from './status.ts'
import { isUnedited, type System, unitOf, unitText } from './unit.ts'

const AWKWARD = `/tmp/a b%h "c" $HOME 'd' ü;e`

const place = (workspaceRoot: string): TestContext =>
  contextIn(workspaceRoot, {
    environment: { HOME: '/home/me', PATH: '/usr/bin:/opt/100%/bin:/a b' },
    program: ['/opt/node 20/bin/no$de', '/opt/millrace/dist/millrace.js'],
    overrides: ['runtime.default_mode="x"'],
  })

const text = (system: System, workspaceRoot: string) => {
  const context = place(workspaceRoot)
  return unitText(unitOf(system, context), context, ['--mode=plain'])
}

const expected = (workspaceRoot: string) => [
  ...['/opt/node 20/bin/no$de', '/opt/millrace/dist/millrace.js', 'run', 'daemon', '--workspace', workspaceRoot],
  ...['--monitor', 'basic', '--mode=plain', '--set=runtime.default_mode="x"'],
]

/** The value of a setting as systemd takes it: specifiers first. */
const setting = (unit: string, name: string): string =>
  new RegExp(`^${name}=(.*)$`, 'm').exec(unit)![1]!.replaceAll('%%', '%')

/** Words in double quotes with backslashes, as systemd reads them; `$$` is one dollar in all but the first. */
const words = (line: string): string[] =>
  [...line.matchAll(/"((?:[^"\\]|\\.)*)"(?: |$)/g)].map(([, word], at) => {
    const plain = word!.replace(/\\(.)/g, '$1')
    return at === 0 ? plain : plain.replaceAll('$$', '$')
  })

describe('a systemd unit', () => {
  it.each([['/srv/project'], [AWKWARD], ['/back\\slash']])('says what was meant, also of %s', (root) => {
    const unit = text('systemd', root)
    expect(words(setting(unit, 'ExecStart'))).toEqual(expected(root))
    expect(setting(unit, 'WorkingDirectory')).toBe(root)
    expect(setting(unit, 'StandardOutput')).toBe(`append:${root}/millrace-agents/logs/daemon.log`)
    expect(words(setting(unit, 'Environment'))).toEqual(['PATH=/usr/bin:/opt/100%/bin:/a b'])
    expect(unit.match(/(^|[^%])(%%)*%([^%]|$)/m), 'a lone %').toBeNull()
  })

  it('leaves the agents alone where the daemon dies, and starts it again only where that could help', () => {
    const unit = text('systemd', '/srv/project')
    expect(setting(unit, 'KillMode')).toBe('process')
    expect(setting(unit, 'Restart')).toBe('on-failure')
    expect(setting(unit, 'RestartPreventExitStatus')).toBe('2 3')
  })

  it('stands before systemd itself, where there is one', () => {
    const folder = fs.mkdtempSync('/tmp/millrace unit% ')
    try {
      fs.mkdirSync(path.join(folder, 'run'), { mode: 0o700 })
      const context = place(folder)
      const unit = unitOf('systemd', context)
      const real = unitText(unit, { ...context, program: [process.execPath, '/x y/%/millrace.js'] }, [])
      fs.writeFileSync(path.join(folder, unit.name), real)
      const verified = spawnSync('systemd-analyze', ['verify', '--user', path.join(folder, unit.name)], {
        env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: path.join(folder, 'run') },
        encoding: 'utf8',
      })
      const absent = (verified.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
      expect(absent || (verified.status === 0 && verified.stderr === ''), verified.stderr).toBe(true)
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  })

  it.each([['/two\nlines'], ['/ends in a blank '], ['/ends in a \\']])('is refused for %j, in one sentence', (root) => {
    expect(() => text('systemd', root)).toThrow(/^No file of systemd can hold /)
  })
})

describe('a launchd agent', () => {
  const strings = (plist: string) =>
    [...plist.matchAll(/<string>(.*)<\/string>/g)].map(([, found]) =>
      found!.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&'),
    )

  it('says what was meant, also of a path with markup in it', () => {
    const root = '/srv/<a> & "b" %h'
    const label = unitOf('launchd', place(root)).name
    const log = `${root}/millrace-agents/logs/daemon.log`
    expect(strings(text('launchd', root))).toEqual([
      ...[label, ...expected(root), root],
      ...['/usr/bin:/opt/100%/bin:/a b', log, log],
    ])
  })
})

describe('where it belongs', () => {
  it('depends on the whole path, so that two workspaces of one name have one each', () => {
    const one = unitOf('systemd', place('/a/My Project'))
    const two = unitOf('systemd', place('/b/My Project'))
    expect(one.name).toMatch(/^millrace-my-project-[0-9a-f]{6}\.service$/)
    expect(one.path).toBe(`/home/me/.config/systemd/user/${one.name}`)
    expect(two.path).not.toBe(one.path)
    expect(unitOf('launchd', place('/a/…')).path).toMatch(
      /^\/home\/me\/Library\/LaunchAgents\/dev\.millrace\.[0-9a-f]{6}\.plist$/,
    )
  })

  it('follows XDG_CONFIG_HOME', () => {
    const context = { ...place('/a/b'), environment: { HOME: '/home/me', XDG_CONFIG_HOME: '/conf' } }
    expect(unitOf('systemd', context).path).toMatch(/^\/conf\/systemd\/user\//)
  })
})

describe('daemon install and uninstall', () => {
  let workspace: TestWorkspace
  afterEach(() => workspace?.dispose())

  async function here(): Promise<{ context: TestContext; file: string }> {
    workspace = await newWorkspace()
    const environment = { HOME: path.join(workspace.root, 'home'), PATH: '/usr/bin' }
    const context = { ...workspace.context, environment }
    return { context, file: unitOf('systemd', context).path }
  }
  const install = async (context: TestContext, input: object = {}) => {
    const output = await daemonInstall.run(context, { systemd: true, ...input })
    z.fromJSONSchema(daemonUnitSchema() as never).parse(output)
    return output
  }

  it('shows and writes nothing, until told to apply it; then status knows of it', async () => {
    const { context, file } = await here()
    const shown = await install(context)
    expect(shown).toMatchObject({ path: file, found: 'absent', applied: false, kept_as: null })
    expect(fs.existsSync(path.join(workspace.root, 'home'))).toBe(false)
    expect(await install(context, { apply: true })).toMatchObject({ found: 'absent', applied: true })
    expect(fs.readFileSync(file, 'utf8')).toBe(shown.text)
    expect(isUnedited(shown.text!)).toBe(true)
    expect(fs.readdirSync(path.dirname(file))).toEqual([path.basename(file)])
    expect((await daemonStatus.run(context, {})).installed).toEqual([{ system: 'systemd', path: file }])
  })

  it('replaces what an earlier install wrote, and tells that it did', async () => {
    const { context, file } = await here()
    await install(context, { apply: true })
    expect(await install(context, { apply: true })).toMatchObject({ found: 'same' })
    const again = await install(context, { apply: true, mode: 'other' })
    expect(again).toMatchObject({ found: 'outdated', kept_as: null })
    expect(fs.readFileSync(file, 'utf8')).toContain('"--mode=other"')
  })

  it('never replaces or removes an edited file; forced, it keeps the edited one beside', async () => {
    const { context, file } = await here()
    await install(context, { apply: true })
    const edited = `${fs.readFileSync(file, 'utf8')}# mine\n`
    fs.writeFileSync(file, edited)
    const refused = { code: 'conflict', message: expect.stringContaining(file) }
    expect(await install(context)).toMatchObject({ found: 'edited', applied: false })
    await expect(install(context, { apply: true })).rejects.toMatchObject(refused)
    await expect(daemonUninstall.run(context, { systemd: true, apply: true })).rejects.toMatchObject(refused)
    expect(fs.readFileSync(file, 'utf8')).toBe(edited)
    const { kept_as } = await install(context, { apply: true, force: true })
    expect(fs.readFileSync(kept_as!, 'utf8')).toBe(edited)
    expect(isUnedited(fs.readFileSync(file, 'utf8'))).toBe(true)
  })

  it('takes away what it wrote, and where there is nothing says so', async () => {
    const { context, file } = await here()
    expect(await daemonUninstall.run(context, { systemd: true, apply: true })).toMatchObject({
      found: 'absent',
      applied: false,
      commands: [],
    })
    await install(context, { apply: true })
    expect(await daemonUninstall.run(context, { systemd: true })).toMatchObject({ found: 'same', applied: false })
    expect(disk.stat(file)).not.toBeNull()
    expect(await daemonUninstall.run(context, { systemd: true, apply: true })).toMatchObject({ applied: true })
    expect(disk.stat(file)).toBeNull()
  })

  it('does not take two systems at once, nor --print with --apply', async () => {
    const { context } = await here()
    for (const input of [{ launchd: true }, { print: true, apply: true }])
      await expect(install(context, input)).rejects.toMatchObject({ code: 'usage' })
  })
})
