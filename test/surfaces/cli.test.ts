/** The built command line, as people and scripts meet it: real processes in folders of their own. */
import { spawn, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ended, endAll, type Place as GivenPlace, type Started, startMillrace } from '../rig/program.ts'

const PROGRAM = path.resolve(import.meta.dirname, '../../dist/millrace.js')

const top = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'millrace-cli-')))
const workspace = path.join(top, 'workspace')
const empty = path.join(top, 'empty')

afterAll(() => {
  endAll()
  fs.rmSync(top, { recursive: true, force: true })
})

type Place = Partial<GivenPlace>

const start = (args: readonly string[], place: Place = {}): Started => startMillrace(args, { cwd: workspace, ...place })

const millrace = (args: string, place?: Place): Promise<Ended> => start(args.split(' ').filter(Boolean), place).ended

async function json(args: string, place?: Place): Promise<{ status: number | null; value: Record<string, unknown> }> {
  const { status, stdout } = await millrace(args, place)
  return { status, value: JSON.parse(stdout) as Record<string, unknown> }
}

beforeAll(async () => {
  for (const folder of [workspace, empty, path.join(workspace, 'src')]) fs.mkdirSync(folder, { recursive: true })
  const made = await millrace('init')
  expect(made).toMatchObject({ status: 0, stderr: '' })
  expect(made.stdout).toMatch(/^workspace: .+\ninitialized: true\ncreated: /)
})

describe('a wrong command line', () => {
  it.each([
    ['statsu', 'did you mean `millrace status`?'],
    ['queue lss', 'did you mean `millrace queue ls`?'],
    ['status --jsno', 'did you mean --json?'],
    ['--workspce x status', 'did you mean --workspace?'],
    ['control', 'it is one of: pause'],
    ['', 'millrace --help'],
    ['run fix-the-login', 'millrace add-task "fix-the-login"'],
    ['run fix-the-login', 'millracer run "fix-the-login"'],
    ['pause --reason', '--reason needs a value.'],
    ['run daemon --max-ticks none', 'whole number'],
    ['cancel', 'needs RUN'],
    ['status --workspace package.json --config other.toml', '--config names a workspace'],
  ])('`millrace %s` ends with 2 and says on stderr: %s', async (args, sentence) => {
    const { status, stdout, stderr } = await millrace(args)
    expect(status).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain(sentence)
    expect(stderr).toMatch(/^error: .+\.\n {2}.+\n$|^error: .+\.\n$/)
  })

  it('is told as one JSON value on stdout as well where JSON was asked for, anywhere on the line', async () => {
    for (const args of ['--json statsu', 'status --json --frob', 'queue --frob --format=json', '--json']) {
      const { status, stdout, stderr } = await millrace(args)
      expect(status).toBe(2)
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'usage', message: expect.any(String) } })
      expect(stderr).toContain('error: ')
    }
  })
})

describe('help and version', () => {
  it('are printed on stdout with status 0', async () => {
    const overview = await millrace('--help')
    expect(overview).toMatchObject({ status: 0, stderr: '' })
    expect(overview.stdout).toContain('Usage: millrace COMMAND')
    expect((await millrace('help queue')).stdout).toContain('Usage: millrace queue VERB')
    expect((await millrace('version')).stdout).toMatch(/^millrace \d+\.\d+\.\d+\S*\n$/)
  })

  it('are the same for every spelling of a command', async () => {
    const [canonical, ...others] = await Promise.all(
      ['control pause --help', 'pause --help', 'help pause', 'pause -h'].map((args) => millrace(args)),
    )
    for (const other of others) expect(other).toEqual(canonical)
    const versions = await Promise.all(['version', '--version', '-V'].map((args) => millrace(args)))
    expect(new Set(versions.map(({ stdout }) => stdout)).size).toBe(1)
  })
})

describe('however it is called', () => {
  it('status --json is the same to the byte: by its name, as a module, imported, and in a folder with a blank', async () => {
    const link = path.join(top, 'my bin', 'millrace')
    fs.mkdirSync(path.dirname(link))
    fs.symlinkSync(PROGRAM, link)
    const imported = `process.argv.splice(1, 0, 'millrace'); await import(${JSON.stringify(pathToFileURL(PROGRAM).href)})`
    const env = { PATH: process.env.PATH!, HOME: top }
    const calls: [string, string[]][] = [
      [process.execPath, [PROGRAM, 'status', '--json']],
      [link, ['status', '--json']],
      [process.execPath, ['--input-type=module', '-e', imported, '--', 'status', '--json']],
    ]
    const answers = calls.map(([file, args]) => spawnSync(file, args, { cwd: workspace, env, encoding: 'utf8' }))
    for (const { status, stdout, stderr } of answers) {
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
      expect(stdout).toBe(answers[0]!.stdout)
    }
    expect(JSON.parse(answers[0]!.stdout)).toMatchObject({ workspace })
  })

  it.each([
    'start --daemon --max-ticks 1 --json',
    'start --max-ticks 1 --daemon --json',
    '--json start --daemon --max-ticks=1',
  ])('`millrace %s` is `run daemon`', async (args) => {
    const idle = { cwd: path.join(top, 'spelled') }
    fs.mkdirSync(idle.cwd, { recursive: true })
    expect(await json(args, idle)).toMatchObject({ status: 0, value: { run_mode: 'daemon', ticks: 1 } })
  })

  it('`start --daemon --help` is the help of `run daemon`, which names it', async () => {
    const [one, other] = await Promise.all(['start --daemon --help', 'run daemon --help'].map((args) => millrace(args)))
    expect(one).toEqual(other)
    expect(one!.stdout).toContain('millrace start --daemon')
  })

  it('`start` is --once, and not both', async () => {
    const idle = { cwd: path.join(top, 'spelled') }
    expect(await json('start --json', idle)).toMatchObject({ status: 0, value: { end_reason: 'nothing_to_do' } })
    for (const args of ['start --once --daemon', 'start --daemon --once']) {
      const { status, stderr } = await millrace(args, idle)
      expect(status).toBe(2)
      expect(stderr).toContain('takes --once or --daemon, not both')
    }
  })

  it.each([
    '--set runtime.idle_sleep_seconds=7 config show --json',
    'config show --json --set=runtime.idle_sleep_seconds=7',
  ])('`millrace %s` takes a setting for this once', async (args) => {
    expect((await json(args)).value).toMatchObject({ idle_sleep_seconds: 7 })
    expect(fs.readFileSync(path.join(workspace, 'millrace-agents/millrace.toml'), 'utf8')).not.toContain('= 7')
  })
})

describe('finding the workspace', () => {
  it('refuses to read where there is none, says how to make one, and makes nothing', async () => {
    const { status, value } = await json('status --json', { cwd: empty })
    expect(status).toBe(1)
    expect(value).toMatchObject({
      error: { code: 'workspace_missing', hint: expect.stringContaining('millrace init') },
    })
    expect(fs.readdirSync(empty)).toEqual([])
  })

  it('finds it above and says so on stderr only', async () => {
    const { status, stdout, stderr } = await millrace('status --json', { cwd: path.join(workspace, 'src') })
    expect(status).toBe(0)
    expect(stderr).toBe(`using the workspace ${workspace}, found above this folder\n`)
    expect(JSON.parse(stdout)).toMatchObject({ workspace })
  })

  it.each([
    ['--workspace before the verb', `--workspace ${workspace} status --json`, {}],
    ['--workspace after the verb', `status --workspace=${workspace} --json`, {}],
    ['--config inside the runtime root', `status --json --config ${workspace}/millrace-agents/millrace.toml`, {}],
    ['--config beside it', `--config ${workspace}/millrace.toml status --json`, {}],
    ['the environment', 'status --json', { MILLRACE_WORKSPACE: workspace }],
  ])('takes it from %s', async (_, args, env) => {
    const { status, stdout, stderr } = await millrace(args, { cwd: empty, env })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ workspace })
  })

  it('adds to the workspace above instead of making one inside it, unless that was named', async () => {
    const src = path.join(workspace, 'src')
    expect((await millrace('init', { cwd: src })).stdout).toContain(`workspace: ${workspace}\ninitialized: true\n`)
    const named = path.join(src, 'named')
    expect((await millrace(`init --workspace ${named}`, { cwd: src })).stdout).toContain(`workspace: ${named}\n`)
    expect(fs.existsSync(path.join(named, 'millrace-agents'))).toBe(true)
  })

  it('refuses to make a new one in a folder that is not empty', async () => {
    const { status, stderr } = await millrace(`init ${top}`, { cwd: empty })
    expect(status).toBe(2)
    expect(stderr).toContain(`cd ${top} && millrace init`)
  })
})

describe('what a person hands over', () => {
  it.each([
    ['add-task absent.md', 'absent.md does not exist'],
    ['add-task some/where', 'some/where does not exist'],
    ['add-spec src', 'src is a folder'],
    ['add-idea /dev/null', '/dev/null is not an ordinary file'],
  ])('`millrace %s` ends with 2 and names the file', async (args, sentence) => {
    const { status, stderr } = await millrace(args)
    expect(stderr).toContain(sentence)
    expect(status).toBe(2)
  })

  it('guesses the file that was meant', async () => {
    fs.writeFileSync(path.join(workspace, 'login.md'), 'x')
    expect((await millrace('add-task lgoin.md')).stderr).toContain('did you mean login.md?')
  })

  it('may be piped in, and is refused in one sentence where it is no document', async () => {
    const { status, stdout, stderr } = await millrace('add-task - --json', { input: 'no task at all\n' })
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'document_invalid' } })
    expect(stderr).not.toContain('    at ')
  })

  it('may be a title', async () => {
    const { status, stdout } = await start(['add-task', 'Mend the login', '--json']).ended
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ applied: true, state: 'applied', work_item_kind: 'task' })
    expect((await millrace('queue ls')).stdout).toContain('Mend the login')
  })
})

describe('a change', () => {
  it('is 0 when applied and 3 when there was nothing to apply', async () => {
    const first = await millrace('pause')
    expect(first.status).toBe(0)
    expect(first.stdout).toMatch(/^action: pause\nmode: direct\napplied: true\ndetail: .+\nstate: applied\n$/)
    const second = await json('pause --json')
    expect(second).toMatchObject({ status: 3, value: { applied: false, state: 'refused', mode: 'direct' } })
    expect((await millrace('resume')).status).toBe(0)
  })

  it('prints no colour where nobody looks at a terminal', async () => {
    for (const args of ['status', 'queue', 'runs', 'modes', 'pause', 'resume']) {
      expect((await millrace(args)).stdout).not.toContain('\u001b')
    }
  })
})

describe('beside a daemon', () => {
  // A workspace of its own with nothing to do, so that no agent is started.
  const at = { cwd: path.join(top, 'idle') }

  beforeAll(async () => {
    fs.mkdirSync(at.cwd)
    expect((await millrace('init', at)).status).toBe(0)
  })

  async function withDaemon(check: (daemon: Started) => Promise<void>): Promise<void> {
    const daemon = start(['run', 'daemon', '--monitor', 'basic'], at)
    try {
      await daemon.said('runtime started')
      await check(daemon)
    } finally {
      daemon.child.kill('SIGCONT')
      daemon.child.kill('SIGTERM')
      await daemon.ended
    }
  }

  it('a change goes through its mailbox and is answered', async () => {
    await withDaemon(async () => {
      const paused = await json('pause --json', at)
      expect(paused).toMatchObject({ status: 0, value: { mode: 'mailbox', applied: true, state: 'applied' } })
      const resumed = await millrace('resume', at)
      expect(resumed.status).toBe(0)
      expect(resumed.stdout).toMatch(
        /^action: resume\nmode: mailbox\napplied: true\ndetail: .+\ncommand_id: resume-.+\nmailbox_path: \/.+\nstate: applied\n$/,
      )
    })
  })

  it('a change with --no-wait is queued with 0; one that gets no answer in time ends with 3', async () => {
    await withDaemon(async (daemon) => {
      daemon.child.kill('SIGSTOP')
      const queued = await json('pause --no-wait --json', at)
      expect(queued).toMatchObject({ status: 0, value: { mode: 'mailbox', applied: false, state: 'queued' } })
      const late = await json('resume --wait-seconds 0.3 --json', at)
      expect(late).toMatchObject({ status: 3, value: { error: { code: 'wait_elapsed' } } })
    })
  })

  it('Ctrl-C while a change waits ends it with 130 and one JSON value', async () => {
    await withDaemon(async (daemon) => {
      daemon.child.kill('SIGSTOP')
      const incoming = path.join(at.cwd, 'millrace-agents/state/mailbox/incoming')
      const before = fs.readdirSync(incoming).length
      const waiting = start(['resume', '--json'], at)
      while (fs.readdirSync(incoming).length === before) await new Promise((resolve) => setTimeout(resolve, 10))
      waiting.child.kill('SIGINT')
      const { status, stdout } = await waiting.ended
      expect(status).toBe(130)
      expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'interrupted' } })
    })
  })

  it('a second daemon is refused with 3 and told who owns the workspace', async () => {
    await withDaemon(async (daemon) => {
      const second = await json('run daemon --json', at)
      expect(second).toMatchObject({ status: 3, value: { error: { code: 'lock_held' } } })
      expect(JSON.stringify(second.value)).toContain(`process ${daemon.child.pid} `)
    })
  })

  it('Ctrl-C ends the daemon with 130, SIGTERM with 0, and its answer says which', async () => {
    const interrupted = start(['run', 'daemon', '--monitor', 'basic'], at)
    await interrupted.said('runtime started')
    interrupted.child.kill('SIGINT')
    const byHand = await interrupted.ended
    expect(byHand.status).toBe(130)
    expect(byHand.stdout).toContain('interrupted: true\nrun_mode: daemon\n')
    const terminated = start(['run', 'daemon', '--monitor', 'basic'], at)
    await terminated.said('runtime started')
    terminated.child.kill('SIGTERM')
    const politely = await terminated.ended
    expect(politely).toMatchObject({ status: 0, stderr: '' })
    expect(politely.stdout).not.toContain('interrupted')
  })

  it('who follows a run waits for one, and ends with 0 by Ctrl-C, the last line saying why', async () => {
    await withDaemon(async () => {
      const following = start(['runs', 'follow', '--json'], at)
      await following.said('no run is active')
      following.child.kill('SIGINT')
      const { status, stdout } = await following.ended
      expect(status).toBe(0)
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
      expect(lines.map((line) => line.event ?? Object.keys(line)[0])).toEqual(['waiting', 'end'])
      expect(lines[1]).toMatchObject({ end: { reason: 'interrupted', run_id: null } })
    })
  })

  it('to follow a run that there is not is a failure, told as the last line', async () => {
    const { status, stdout, stderr } = await millrace('runs follow run-nowhere --json', at)
    expect(status).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({ end: { reason: 'error', error: { code: 'run_unknown' } } })
    expect(stdout.trimEnd()).not.toContain('\n')
    expect(stderr).toContain('There is no run run-nowhere.')
  })

  it('the daemon goes on when nobody reads its monitor any more', async () => {
    await withDaemon(async (daemon) => {
      daemon.child.stdout!.destroy()
      expect((await json('pause --json', at)).value).toMatchObject({ mode: 'mailbox', applied: true })
      expect((await json('resume --json', at)).value).toMatchObject({ mode: 'mailbox', applied: true })
    })
  })

  it('the daemon prints one JSON value even while it monitors, the lines going to stderr', async () => {
    const { status, stdout, stderr } = await millrace('run daemon --max-ticks 1 --monitor basic --json', at)
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ run_mode: 'daemon', exit_reason: 'max_ticks', ticks: 1 })
    expect(stderr).toContain('runtime started')
  })

  it('one tick with nothing to do is 0 and says so', async () => {
    const { status, stdout } = await millrace('run once', at)
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /^run_mode: once\nactive_mode_id: .+\nmode_override: none\ncompiled_plan_id: .+\ntick_reason: no_work\n/,
    )
  })
})

describe('watching the status', () => {
  it('prints one JSON object per line and last why it ended', async () => {
    const { status, stdout } = await millrace('status watch --json --max-updates 2 --interval-seconds 0')
    expect(status).toBe(0)
    const lines = stdout.trimEnd().split('\n')
    expect(lines.map((line) => Object.keys(JSON.parse(line) as object)[0])).toEqual(['workspace', 'workspace', 'end'])
  })

  it('tells with --detail what the status tells with it', async () => {
    const once = await millrace('status --detail --json')
    const { status, stdout } = await millrace('status watch --detail --json --max-updates 1')
    expect(status).toBe(0)
    const [first] = stdout.split('\n')
    const members = Object.keys(JSON.parse(once.stdout) as object)
    expect(Object.keys(JSON.parse(first!) as object)).toEqual(members)
    const plain = Object.keys(JSON.parse((await millrace('status --json')).stdout) as object)
    expect(members.length).toBeGreaterThan(plain.length)
  })

  it('ends with 0 on Ctrl-C', async () => {
    const one = start(['status', 'watch', '--interval-seconds', '60'])
    await one.said('workspace: ')
    one.child.kill('SIGINT')
    const { status, stdout } = await one.ended
    expect(status).toBe(0)
    expect(stdout).toContain('interrupted: true')
  })

  it('ends with 0 when its reader has seen enough', async () => {
    const one = start(['status', 'watch', '--json', '--interval-seconds', '0.05'])
    await one.said('"workspace"')
    one.child.stdout!.destroy()
    expect(await one.ended).toMatchObject({ status: 0, stderr: '' })
  })

  it('refuses to start where there is no workspace', async () => {
    const { status, stderr } = await millrace('status watch', { cwd: empty })
    expect(status).toBe(1)
    expect(stderr).toContain('There is no Millrace workspace')
  })
})

describe('a disk without room', () => {
  it.runIf(fs.existsSync('/dev/full'))('makes a lost answer a failure (needs /dev/full)', async () => {
    const full = fs.openSync('/dev/full', 'w')
    const child = spawn(process.execPath, [PROGRAM, 'modes', 'list'], {
      cwd: workspace,
      stdio: ['ignore', full, 'pipe'],
    })
    fs.closeSync(full)
    let stderr = ''
    child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk
    })
    const status = await new Promise((resolve) => child.on('close', resolve))
    expect(status).toBe(1)
    expect(stderr).toContain('could not be written')
  })
})
