/** `millrace rescue` through the built command, in real repositories: what it lists, shows, refuses and writes. */
import { execFileSync, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { makeLook } from '../../src/cli/look.ts'
import { rendererOf } from '../../src/cli/render/table.ts'
import { newRun } from '../../src/core/completion.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { findRepository } from '../../src/engine/git.ts'
import { keepTree, rescueRef } from '../../src/engine/rescue-refs.ts'
import { withScratch } from '../../src/engine/scratch.ts'
import { readWorkingTree } from '../../src/engine/working-tree.ts'
import type { RescueListOutput, RescueRestoreOutput, RescueShowOutput } from '../../src/operations/schemas/rescue.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import { execWith } from '../../src/runners/exec.ts'
import { processIdentity } from '../../src/runners/process.ts'
import { disk } from '../../src/store/files.ts'

const PROGRAM = path.resolve(import.meta.dirname, '../../dist/millrace.js')
const opened: string[] = []
afterEach(() => {
  for (const folder of opened.splice(0)) fs.rmSync(folder, { recursive: true, force: true })
})

const environment = (home: string) => ({ PATH: process.env.PATH, HOME: home })

class Project {
  readonly top: string
  readonly workspace: string

  /** A workspace, in a repository with one commit unless it is to have none. */
  constructor({ repository = true, at = '.' } = {}) {
    this.top = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-rescue-')))
    opened.push(this.top)
    this.workspace = path.join(this.top, at)
    fs.mkdirSync(this.workspace, { recursive: true })
    expect(this.millrace('init').status).toBe(0)
    if (!repository) return
    this.git('init', '--quiet')
    this.put('code.txt', 'committed\n')
    this.put('src/deep.txt', 'deep\n')
    this.put('.gitignore', 'ignored/\n')
    this.git('add', 'code.txt', 'src', '.gitignore')
    this.git('-c', 'user.name=T', '-c', 'user.email=t@example.invalid', 'commit', '--quiet', '-m', 'first')
  }

  git(...args: string[]): string {
    return execFileSync('git', args, { cwd: this.top, encoding: 'utf8', env: environment('/nowhere') })
  }

  at = (name: string): string => path.join(this.top, name)
  text = (name: string): string => fs.readFileSync(this.at(name), 'utf8')

  put(name: string, content: string | Buffer, mode = 0o644): void {
    fs.mkdirSync(path.dirname(this.at(name)), { recursive: true })
    fs.writeFileSync(this.at(name), content)
    fs.chmodSync(this.at(name), mode)
  }

  millrace(...args: string[]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], {
      cwd: this.workspace,
      encoding: 'utf8',
      env: environment('/nowhere'),
    })
    return { status, stdout, stderr }
  }

  /** The answer as JSON, which must fit its schema. */
  async json<T = Record<string, unknown>>(...args: string[]): Promise<{ status: number | null; value: T }> {
    const { status, stdout } = this.millrace(...args, '--json')
    const value = JSON.parse(stdout) as T
    const operation = await OPERATIONS.find((one) => one.name === args.slice(0, 2).join(' '))!.load()
    const schema = z.fromJSONSchema((await operation.output()) as Parameters<typeof z.fromJSONSchema>[0])
    const checked = schema.safeParse(value)
    expect(checked.success ? '' : z.prettifyError(checked.error)).toBe('')
    return { status, value }
  }

  /** Keeps the working tree as the runtime does before a stage. */
  async keep(run = 'run-1234', request = 'request-1'): Promise<string> {
    const ports = { exec: execWith(systemClock), files: disk, clock: systemClock, environment: environment('/nowhere') }
    const found = await findRepository(ports, this.workspace)
    if (!found.on) throw new Error(found.reason)
    const bound = { deadlineMs: Number.POSITIVE_INFINITY }
    const { tree, leftOut } = await withScratch(
      disk,
      path.join(this.workspace, 'millrace-agents/state/scratch'),
      (scratch) => readWorkingTree(found.repository, { scratch, ...bound }),
    )
    const ref = rescueRef(run, request)
    const origin = {
      subject: `Working tree before builder of ${run}`,
      workspace: this.workspace,
      run_id: run,
      request_id: request,
      node_id: 'builder',
    }
    await keepTree(found.repository, { ref, tree, leftOut, origin }, bound)
    return ref
  }

  /** What no rescue command may change, whatever it writes. */
  untouched() {
    return {
      index: fs.readFileSync(this.at('.git/index'), 'latin1'),
      head: this.git('rev-parse', 'HEAD', '--abbrev-ref', 'HEAD'),
      stash: this.git('stash', 'list'),
      reflog: this.git('reflog'),
      state: fs.readdirSync(path.join(this.workspace, 'millrace-agents/state')).sort(),
    }
  }
}

const restored = (value: RescueRestoreOutput) => value.files.map(({ action, path: name }) => `${action} ${name}`)

describe('rescue ls', () => {
  it('says plainly outside a repository that the protection is off, why, and how to turn it on', async () => {
    const project = new Project({ repository: false })
    const { status, value } = await project.json<RescueListOutput>('rescue', 'ls')
    expect(status).toBe(0)
    expect(value).toEqual({
      protection: 'off',
      reason: `${project.top} is not in a git repository.`,
      remedy: `make it one with: git -C ${project.top} init`,
      repository: null,
      trees: [],
    })
    expect(project.millrace('rescue', 'list').stdout).toContain('protection: off\nreason: ')
  })

  it('lists kept trees newest first, and those of one run', async () => {
    const project = new Project()
    expect((await project.json<RescueListOutput>('rescue', 'ls')).value).toMatchObject({
      protection: 'on',
      trees: [],
    })
    await project.keep('run-1234', 'request-1')
    await project.keep('run-1234', 'request-2')
    await project.keep('run-5678', 'request-3')
    const requests = (value: RescueListOutput) => value.trees.map((tree) => tree.request_id)
    const all = await project.json<RescueListOutput>('rescue', 'ls')
    expect(requests(all.value)).toEqual(['request-3', 'request-2', 'request-1'])
    expect(all.value.trees[0]).toMatchObject({ run_id: 'run-5678', node_id: 'builder', workspace: project.workspace })
    const one = await project.json<RescueListOutput>('rescue', 'ls', '--run', '1234')
    expect(requests(one.value)).toEqual(['request-2', 'request-1'])
    expect(project.millrace('rescue', 'list').stdout.match(/^kept_tree: ref=refs\/millrace\/rescue\//gm)).toHaveLength(
      3,
    )
  })

  it('has the spellings of every list', () => {
    const project = new Project()
    const [first, ...others] = [['rescue', 'list'], ['rescue', 'ls'], ['rescue']].map((args) =>
      project.millrace(...args),
    )
    for (const other of others) expect(other).toEqual(first)
  })

  it('refuses where there is no workspace', () => {
    const project = new Project()
    const { status, stderr } = project.millrace('rescue', 'list', '--workspace', project.at('src'))
    expect(status).toBe(1)
    expect(stderr).toContain('There is no Millrace workspace')
  })
})

describe('rescue show', () => {
  it('compares the present working tree with the kept one and leaves the repository as it was, objects included', async () => {
    const project = new Project()
    project.put('notes.txt', 'notes\n')
    const ref = await project.keep()
    project.put('code.txt', 'edited\n')
    project.put('new/file.txt', 'new\n')
    fs.rmSync(project.at('notes.txt'))
    const before = { ...project.untouched(), objects: project.git('count-objects') }
    const { status, value } = await project.json<RescueShowOutput>('rescue', 'show', '1234')
    expect({ ...project.untouched(), objects: project.git('count-objects') }).toEqual(before)
    expect(status).toBe(0)
    expect(value).toMatchObject({ ref, difference_count: 3, content: null, present_left_out: [] })
    expect(value.differences).toEqual([
      { path: 'code.txt', change: 'changed' },
      { path: 'new/file.txt', change: 'added' },
      { path: 'notes.txt', change: 'missing' },
    ])
    expect(project.millrace('rescue', 'show', ref).stdout).toContain(
      '\nchanged: code.txt\nadded: new/file.txt\nmissing: notes.txt\n',
    )
  })

  it('prints a kept file byte by byte, in the workspace of a folder of the repository too', async () => {
    const project = new Project({ at: 'app' })
    project.put('app/main.txt', 'main\n\u001b[31mred\n')
    const ref = await project.keep()
    fs.rmSync(project.at('app/main.txt'))
    for (const name of ['main.txt', 'app/main.txt', project.at('app/main.txt')])
      expect(project.millrace('rescue', 'show', ref, name).stdout).toBe('main\n\u001b[31mred\n')
    const { value } = await project.json<RescueShowOutput>('rescue', 'show', ref, 'app/main.txt')
    expect(value).toMatchObject({ differences: null, content: { path: 'app/main.txt', mode: '100644', bytes: 14 } })
  })

  it('gives bytes that are no text as base64, and names files whose name is none', async () => {
    const project = new Project()
    const bytes = Buffer.from([0, 255, 10, 13])
    project.put('image.bin', bytes)
    fs.writeFileSync(Buffer.concat([Buffer.from(`${project.top}/`), Buffer.from([0xff, 0x0a])]), 'odd\n')
    const ref = await project.keep()
    const { value } = await project.json<RescueShowOutput>('rescue', 'show', ref, 'image.bin')
    expect(value.content).toMatchObject({ encoding: 'base64', text: bytes.toString('base64'), bytes: 4 })
    expect(project.millrace('rescue', 'show', ref, 'image.bin').stdout).toContain('4 bytes that are no text')
    expect(project.millrace('rescue', 'show', ref, '"\\377\\n"').stdout).toBe('odd\n')
  })

  it.each([
    ['an unknown ref', ['show', 'nothing'], 'No kept tree is called "nothing"', 'millrace rescue ls'],
    ['an unknown path', ['show', 'run-1234', 'nothing'], 'holds no "nothing"', 'top of the repository'],
    ['a folder', ['show', 'run-1234', 'src'], 'src is a folder in the kept tree', 'name a file in it'],
    ['a start that runs share', ['show', 'run-'], 'is the start of 2 runs', 'give more of the id'],
  ])('ends with an error for %s', async (_, args, sentence, hint) => {
    const project = new Project()
    project.put('src/other.txt', 'x')
    await project.keep()
    await project.keep('run-5678')
    const { status, stderr } = project.millrace('rescue', ...args)
    expect([status === 0, stderr]).toEqual([false, expect.stringContaining(sentence)])
    expect(stderr).toContain(hint)
  })

  it('ends with an error where nothing can be kept', () => {
    const project = new Project({ repository: false })
    const { status, stderr } = project.millrace('rescue', 'show', 'run-1')
    expect(status).toBe(1)
    expect(stderr).toContain('is not in a git repository')
  })
})

describe('rescue restore', () => {
  it('previews, writes nothing without --apply, and then brings missing files back with their modes', async () => {
    const project = new Project()
    project.put('run.sh', '#!/bin/sh\n', 0o755)
    fs.symlinkSync('code.txt', project.at('link'))
    project.put('-dash and "quote".txt', 'odd\n')
    const ref = await project.keep()
    for (const name of ['run.sh', 'link', '-dash and "quote".txt', 'src'])
      fs.rmSync(project.at(name), { recursive: true })
    project.put('new.txt', 'stays\n')
    const before = project.untouched()
    const preview = await project.json<RescueRestoreOutput>('rescue', 'restore', ref)
    expect(preview).toMatchObject({ status: 0, value: { state: 'preview', applied: false, present_ref: null } })
    const files = ['create -dash and "quote".txt', 'create link', 'create run.sh', 'create src/deep.txt']
    expect(restored(preview.value)).toEqual(files)
    expect(fs.existsSync(project.at('run.sh'))).toBe(false)
    const done = await project.json<RescueRestoreOutput>('rescue', 'restore', ref, '--apply')
    expect(done).toMatchObject({ status: 0, value: { state: 'applied', applied: true, left_in_place: 1 } })
    expect(fs.statSync(project.at('run.sh')).mode & 0o111).toBe(0o111)
    expect(fs.readlinkSync(project.at('link'))).toBe('code.txt')
    expect([project.text('-dash and "quote".txt'), project.text('src/deep.txt'), project.text('new.txt')]).toEqual([
      'odd\n',
      'deep\n',
      'stays\n',
    ])
    expect(project.untouched()).toEqual(before)
    const again = await project.json<RescueRestoreOutput>('rescue', 'restore', ref, '--apply')
    expect(again).toMatchObject({ status: 0, value: { state: 'nothing', applied: false, files: [] } })
  })

  it('refuses to overwrite what differs, writing nothing at all; --force does it and keeps the present content', async () => {
    const project = new Project()
    project.put('code.txt', 'as kept\n')
    project.put('gone.txt', 'gone\n')
    const ref = await project.keep()
    project.put('code.txt', 'a later edit\n')
    fs.rmSync(project.at('gone.txt'))
    const before = project.untouched()
    const refs = project.git('for-each-ref')
    const refused = await project.json<RescueRestoreOutput>('rescue', 'restore', ref, '--apply')
    expect(refused).toMatchObject({ status: 3, value: { state: 'refused', applied: false, present_ref: null } })
    expect(restored(refused.value)).toEqual(['overwrite code.txt', 'create gone.txt'])
    expect([project.text('code.txt'), fs.existsSync(project.at('gone.txt'))]).toEqual(['a later edit\n', false])
    expect(project.git('for-each-ref')).toBe(refs)
    const forced = await project.json<RescueRestoreOutput>('rescue', 'restore', ref, '--apply', '--force')
    expect(forced).toMatchObject({ status: 0, value: { state: 'applied' } })
    expect([project.text('code.txt'), project.text('gone.txt')]).toEqual(['as kept\n', 'gone\n'])
    expect(project.untouched()).toEqual(before)
    expect(project.git('show', `${forced.value.present_ref}:code.txt`)).toBe('a later edit\n')
    const back = await project.json('rescue', 'restore', forced.value.present_ref!, 'code.txt', '--apply', '--force')
    expect(back.status).toBe(0)
    expect(project.text('code.txt')).toBe('a later edit\n')
  })

  it('takes single files and folders, and refuses a path the tree does not hold', async () => {
    const project = new Project()
    for (const name of ['a/one.txt', 'a/two.txt', 'b.txt']) project.put(name, 'x\n')
    const ref = await project.keep()
    for (const name of ['a', 'b.txt']) fs.rmSync(project.at(name), { recursive: true })
    const { value } = await project.json<RescueRestoreOutput>('rescue', 'restore', ref, 'a/', '--apply')
    expect(restored(value)).toEqual(['create a/one.txt', 'create a/two.txt'])
    expect(fs.existsSync(project.at('b.txt'))).toBe(false)
    expect(project.millrace('rescue', 'restore', ref, 'nothing', '--apply').status).toBe(1)
  })

  it('never writes through a link, over a folder, or over a file that could not be kept, not even with --force', async () => {
    const project = new Project()
    for (const name of ['linked/a.txt', 'folder', 'hidden.txt', 'filed/b.txt', 'emptied']) project.put(name, 'kept\n')
    const ref = await project.keep()
    const outside = fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-outside-'))
    opened.push(outside)
    for (const name of ['linked', 'folder', 'filed', 'emptied']) fs.rmSync(project.at(name), { recursive: true })
    fs.symlinkSync(outside, project.at('linked'))
    project.put('folder/inside.txt', 'mine\n')
    fs.mkdirSync(project.at('emptied'))
    project.put('filed', 'mine\n')
    project.put('hidden.txt', 'mine\n')
    project.put('.gitignore', 'ignored/\nhidden.txt\n')
    const { status, value } = await project.json<RescueRestoreOutput>('rescue', 'restore', ref, '--apply', '--force')
    expect(status).toBe(3)
    expect(value.files.filter((one) => one.action === 'blocked')).toEqual([
      { path: 'emptied', action: 'blocked', reason: 'a folder is there now' },
      { path: 'filed/b.txt', action: 'blocked', reason: 'filed is a file now' },
      { path: 'folder', action: 'blocked', reason: 'a folder is there now' },
      {
        path: 'hidden.txt',
        action: 'blocked',
        reason: 'a file is there that git ignores, so that it could not be kept',
      },
      { path: 'linked/a.txt', action: 'blocked', reason: 'linked is a symbolic link now' },
    ])
    expect(fs.readdirSync(outside)).toEqual([])
    expect([project.text('filed'), project.text('hidden.txt'), project.text('folder/inside.txt')]).toEqual([
      'mine\n',
      'mine\n',
      'mine\n',
    ])
  })

  it('turns a link into the file it was and back, without touching where it leads', async () => {
    const project = new Project()
    project.put('target.txt', 'target\n')
    fs.symlinkSync('target.txt', project.at('link'))
    project.put('file', 'a file\n')
    const ref = await project.keep()
    for (const name of ['link', 'file']) fs.rmSync(project.at(name))
    project.put('link', 'now a file\n')
    fs.symlinkSync('target.txt', project.at('file'))
    expect((await project.json('rescue', 'restore', ref, '--apply', '--force')).status).toBe(0)
    expect(fs.readlinkSync(project.at('link'))).toBe('target.txt')
    expect([fs.lstatSync(project.at('file')).isFile(), project.text('file'), project.text('target.txt')]).toEqual([
      true,
      'a file\n',
      'target\n',
    ])
  })

  it('leaves submodules and embedded repositories to their own git', async () => {
    const project = new Project()
    project.put('own/x.txt', 'x\n')
    const inside = (...args: string[]) =>
      execFileSync('git', args, { cwd: project.at('own'), env: environment('/nowhere') })
    const who = ['-c', 'user.name=T', '-c', 'user.email=t@example.invalid']
    inside('init', '--quiet')
    inside('add', '.')
    inside(...who, 'commit', '--quiet', '-m', 'one')
    const ref = await project.keep()
    inside(...who, 'commit', '--quiet', '--allow-empty', '-m', 'two')
    const { value } = await project.json<RescueRestoreOutput>('rescue', 'restore', ref, '--apply', '--force')
    expect(restored(value)).toEqual(['skip own'])
    expect(value.left_out).toEqual(['own/: a repository of its own; at most the commit it stands at is kept'])
  })

  it('is refused while a stage is running in the workspace, unless it is forced', async () => {
    const project = new Project()
    project.put('gone.txt', 'gone\n')
    const ref = await project.keep()
    fs.rmSync(project.at('gone.txt'))
    const state = path.join(project.workspace, 'millrace-agents/state/runtime_snapshot.json')
    const snapshot = JSON.parse(fs.readFileSync(state, 'utf8'))
    const subject = { runId: 'run-9', plane: 'execution', nodeId: 'builder', stageKindId: 'builder', planId: 'p' }
    const run = newRun(new Date().toISOString(), { ...subject, item: { kind: 'task', id: 'T' } })
    snapshot.active_runs = [{ ...run, status: 'started', request_id: 'request-9' }]
    fs.writeFileSync(state, JSON.stringify(snapshot))
    const self = processIdentity.self()
    project.put(
      'millrace-agents/runs/run-9/runner_handle.request-9.json',
      JSON.stringify({ pid: self.pid, start_time: self.startTime }),
    )
    const refused = await project.json<RescueRestoreOutput>('rescue', 'restore', ref, '--apply')
    expect(refused).toMatchObject({ status: 3, value: { state: 'refused' } })
    expect(refused.value.detail).toContain('stage builder is running in this workspace')
    expect(fs.existsSync(project.at('gone.txt'))).toBe(false)
    fs.writeFileSync(
      project.at('millrace-agents/runs/run-9/runner_handle.request-9.json'),
      JSON.stringify({ pid: self.pid, start_time: 'earlier' }),
    )
    expect((await project.json('rescue', 'restore', ref, '--apply')).status).toBe(0)
    expect(project.text('gone.txt')).toBe('gone\n')
  })

  it('brings a file back whose name is no text', async () => {
    const project = new Project()
    const name = Buffer.concat([Buffer.from(`${project.top}/`), Buffer.from([0x66, 0xff])])
    fs.writeFileSync(name, 'odd\n')
    const ref = await project.keep()
    fs.rmSync(name)
    const { value } = await project.json<RescueRestoreOutput>('rescue', 'restore', ref, '--apply')
    expect(restored(value)).toEqual(['create "f\\377"'])
    expect(fs.readFileSync(name, 'utf8')).toBe('odd\n')
  })

  it('writes line endings as the attributes of the repository ask for', async () => {
    const project = new Project()
    project.put('.gitattributes', '*.bat text eol=crlf\n')
    project.put('run.bat', 'one\r\ntwo\r\n')
    const ref = await project.keep()
    fs.rmSync(project.at('run.bat'))
    expect(project.millrace('rescue', 'show', ref, 'run.bat').stdout).toBe('one\r\ntwo\r\n')
    await project.json('rescue', 'restore', ref, '--apply')
    expect(project.text('run.bat')).toBe('one\r\ntwo\r\n')
  })

  it('takes --dry-run for the preview, and not together with --apply', async () => {
    const project = new Project()
    const ref = await project.keep()
    fs.rmSync(project.at('code.txt'))
    expect((await project.json('rescue', 'restore', ref, '--dry-run')).value).toMatchObject({ state: 'preview' })
    expect(project.millrace('rescue', 'restore', ref, '--dry-run', '--apply').status).toBe(2)
  })
})

describe('doctor', () => {
  it('tells as a remark that the protection is off, and nothing of it where it is on', async () => {
    const findings = (project: Project) => {
      const { findings: all } = JSON.parse(project.millrace('doctor', '--json').stdout) as {
        findings: { code: string; level: string; remedy: string }[]
      }
      return all.filter((one) => one.code === 'rescue_off')
    }
    expect(findings(new Project())).toEqual([])
    const off = new Project({ repository: false })
    expect(findings(off)).toMatchObject([{ level: 'info', remedy: `make it one with: git -C ${off.top} init` }])
  })
})

describe('at a terminal', () => {
  const read = async (name: string, answer: unknown) =>
    (await rendererOf(name))(answer, makeLook({ terminal: true, colour: false, width: 120, now: new Date() }))

  it('reads as a table, a comparison and a list of what was or would be done', async () => {
    const project = new Project()
    project.put('gone.txt', 'gone\n')
    const ref = await project.keep()
    fs.rmSync(project.at('gone.txt'))
    project.put('esc\u001b[2J.txt', 'x\n')
    const list = await read('rescue ls', (await project.json('rescue', 'ls')).value)
    expect(list).toMatch(/^RUN +BEFORE +WHEN/)
    expect(list).toContain(ref)
    const show = await read('rescue show', (await project.json('rescue', 'show', ref)).value)
    expect(show).toContain('- gone.txt')
    expect(show).not.toContain('\u001b[2J')
    const restore = await read('rescue restore', (await project.json('rescue', 'restore', ref)).value)
    expect(restore).toContain('create    gone.txt')
    expect(restore).toContain('preview 1 file would be created; nothing was written, --apply does it.')
    const off = await read('rescue ls', (await new Project({ repository: false }).json('rescue', 'ls')).value)
    expect(off).toMatch(/^off: .+ is not in a git repository\.\n {2}→ make it one/)
  })
})
