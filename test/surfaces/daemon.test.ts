/** The detached daemon, as an operator meets it: real processes, in sessions of their own, in workspaces of their own. */
import { type ChildProcess, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { DAEMON_LOG_BYTES_MAX } from '../../src/operations/daemon/log.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import { processIdentity } from '../../src/runners/process.ts'
import { eventually } from '../agents/rig.ts'
import { Rig, reply } from '../rig/runtime.ts'

const PROGRAM = path.resolve(import.meta.dirname, '../../dist/millrace.js')

let rig: Rig
const begun = new Set<ChildProcess>()
const daemons = new Set<number>()

afterEach(async () => {
  for (const child of begun) child.kill('SIGKILL')
  const left = [...daemons].filter(isAlive)
  for (const pid of left) process.kill(pid, 'SIGKILL')
  daemons.clear()
  expect(left, 'daemons that a test left running').toEqual([])
  rig.dispose()
})

interface Ended {
  status: number | null
  stdout: string
  stderr: string
}

/** An environment made from nothing, with what a test adds. */
const environment = (more: Record<string, string> = {}) => ({
  PATH: process.env.PATH!,
  HOME: path.join(rig.root, 'home'),
  ...more,
})

function run(file: string, args: readonly string[], env: Record<string, string> = {}, detached = false) {
  const child = spawn(file, args, { cwd: rig.root, env: environment(env), detached, stdio: ['ignore', 'pipe', 'pipe'] })
  begun.add(child)
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      texts[name] += chunk
    })
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (status) => {
      begun.delete(child)
      resolve({ status, ...texts })
    })
  })
  return { child, ended, texts }
}

const millrace = (args: string, env?: Record<string, string>): Promise<Ended> =>
  run(process.execPath, [PROGRAM, ...args.split(' ')], env).ended

interface Asked {
  status: number | null
  // biome-ignore lint/suspicious/noExplicitAny: whatever the command prints; the schema is what judges it.
  value: any
}

/** The answer as JSON, which has to fit the schema the command gives of it. */
async function asked(args: string, env?: Record<string, string>): Promise<Asked> {
  const { status, stdout } = await millrace(`${args} --json`, env)
  const value = JSON.parse(stdout)
  const [first, second] = args.split(' ')
  const entry = OPERATIONS.find((one) => one.name === `${first} ${second}`)!
  if (value.error === undefined) z.fromJSONSchema((await (await entry.load()).output()) as never).parse(value)
  if (typeof value.pid === 'number') daemons.add(value.pid)
  return { status, value }
}

async function started(args = '', env?: Record<string, string>): Promise<number> {
  const { status, value } = await asked(`daemon start${args === '' ? '' : ` ${args}`}`, env)
  expect(value).toMatchObject({ state: 'ready', workspace: rig.root })
  expect(status).toBe(0)
  return value.pid
}

const isAlive = (pid: number): boolean => {
  const found = processIdentity.identify(pid)
  return found !== null && !found.zombie
}

/** Fields of `/proc/<pid>/stat` behind the command: state, parent, group, session, terminal. */
const procStat = (pid: number): string[] => {
  const line = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
  return line.slice(line.lastIndexOf(')') + 2).split(' ')
}

describe('daemon start', () => {
  it('leaves a daemon at work in a session of its own: no terminal, no input, in the workspace, both outputs in its log', async () => {
    rig = await Rig.create()
    const pid = await started()
    const [, , group, session, terminal] = procStat(pid)
    expect({ group, session, terminal }).toEqual({ group: `${pid}`, session: `${pid}`, terminal: '0' })
    const link = (name: string) => fs.readlinkSync(`/proc/${pid}/${name}`)
    expect(link('cwd')).toBe(rig.root)
    expect(link('fd/0')).toBe('/dev/null')
    expect([link('fd/1'), link('fd/2')]).toEqual([rig.at('logs/daemon.log'), rig.at('logs/daemon.log')])
    const { value } = await asked('daemon status')
    expect(value).toMatchObject({
      running: true,
      pid,
      lock: 'active',
      installed: [],
      log_path: rig.at('logs/daemon.log'),
    })
    expect(value.memory_bytes).toBeGreaterThan(1024 * 1024)
    expect(value.uptime_seconds).toBeGreaterThanOrEqual(0)
    expect((await asked('daemon stop')).value).toMatchObject({ state: 'stopped', pid })
    expect(isAlive(pid)).toBe(false)
  })

  it('works through what is queued', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    const pid = await started('--stop-when-idle')
    expect(await eventually(() => !isAlive(pid), 20_000)).toBe(true)
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    const { stdout } = await millrace('daemon logs')
    expect(stdout).toContain('millrace daemon start\n')
    expect(stdout).toContain('runtime started')
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('exit_reason: idle')
  })

  it('refuses where a runtime owns the workspace, and names its process', async () => {
    rig = await Rig.create()
    const pid = await started()
    const second = await millrace('daemon start')
    expect(second.status).toBe(3)
    expect(second.stderr).toMatch(new RegExp(`^error: A runtime owns the workspace: process ${pid} since .+\\.\n`))
    await asked('daemon stop')
  })

  it('of several starts at once exactly one wins; the others say who did', async () => {
    rig = await Rig.create()
    const answers = await Promise.all([1, 2, 3].map(() => asked('daemon start')))
    const won = answers.filter(({ status }) => status === 0)
    expect(won).toHaveLength(1)
    const { pid } = won[0]!.value
    for (const { status, value } of answers.filter((one) => one !== won[0])) {
      expect(status).toBe(3)
      expect(value.error).toMatchObject({ code: 'lock_held', message: expect.stringContaining(`process ${pid} `) })
    }
    expect((await asked('daemon status')).value.pid).toBe(pid)
    await asked('daemon stop')
  })

  it('says in one sentence why a daemon ended before it was at work, with status 1', async () => {
    rig = await Rig.create()
    fs.appendFileSync(rig.at('millrace.toml'), 'broken = [\n')
    const { status, stdout, stderr } = await millrace('daemon start')
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
    expect(stderr).toMatch(
      /^error: The daemon ended with exit status 1 before it was at work: millrace-agents\/millrace\.toml: line \d+, .+\.\n {2}mend the file .+\n$/,
    )
    expect((await asked('daemon status')).value).toMatchObject({ running: false, pid: null })
  })

  it('with --no-wait answers at once; an override and a mode reach the daemon', async () => {
    rig = await Rig.create()
    const mode = JSON.parse(fs.readFileSync(rig.at('modes/scripted.json'), 'utf8')) as object
    fs.writeFileSync(rig.at('modes/other.json'), JSON.stringify({ ...mode, mode_id: 'other' }))
    const { status, value } = await asked('daemon start --no-wait --mode other --set runtime.idle_sleep_seconds=7')
    expect({ status, state: value.state }).toEqual({ status: 0, state: 'starting' })
    const command = () => fs.readFileSync(`/proc/${value.pid}/cmdline`, 'utf8').split('\0')
    expect(command()).toEqual(expect.arrayContaining(['--mode=other', '--set=runtime.idle_sleep_seconds=7']))
    expect(await eventually(() => rig.lock().state === 'active')).toBe(true)
    await asked('daemon stop')
  })

  it('from inside an agent carries nothing of its stage, by which it would be swept away with it', async () => {
    rig = await Rig.create()
    const pid = await started('', { MILLRACE_REQUEST_ID: 'request-1', MILLRACE_RUN_DIR: '/tmp', KEPT: 'yes' })
    const variables = fs.readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    expect(variables).toContain('KEPT=yes')
    expect(variables.filter((one) => one.startsWith('MILLRACE_'))).toEqual([])
    await asked('daemon stop')
  })

  it('outlives the terminal it was started from', async () => {
    rig = await Rig.create()
    const shell = run('sh', ['-c', `"${process.execPath}" "${PROGRAM}" daemon start && exec sleep 60`], {}, true)
    expect(await eventually(() => shell.texts.stdout.includes('state: ready'), 20_000)).toBe(true)
    const pid = Number(/^pid: (\d+)$/m.exec(shell.texts.stdout)?.[1])
    daemons.add(pid)
    process.kill(-shell.child.pid!, 'SIGHUP') // what a closed terminal sends to everything in it
    expect((await shell.ended).status).toBe(null)
    expect((await asked('daemon status')).value).toMatchObject({ running: true, pid })
    await asked('daemon stop')
  })

  it('after kill -9 takes over, and adopts the agent that went on', async () => {
    rig = await Rig.create({
      replies: [reply('builder', 'BUILDER_COMPLETE', { steps: [{ wait_ms: 4000 }, { artifacts: true }] })],
    })
    rig.addTask('task-a')
    const first = await started()
    expect(await eventually(() => rig.log('stage_started').some((one) => rig.isHeard(one)), 20_000)).toBe(true)
    process.kill(first, 'SIGKILL')
    expect(await eventually(() => !isAlive(first))).toBe(true)
    const dead = (await asked('daemon status')).value
    expect(dead).toMatchObject({ running: false, lock: 'stale', pid: null })
    const second = await started('--stop-when-idle')
    expect(await eventually(() => !isAlive(second), 20_000)).toBe(true)
    expect(rig.log('stage_adopted')).toHaveLength(1)
    expect(rig.requests('builder')).toHaveLength(1)
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })
})

describe('start --once', () => {
  it('is ended by Ctrl-C with 130; its run goes back to ready, and the next one takes it up', async () => {
    const hang = reply('builder', null, { attempt: 1, steps: [{ hang: true }] })
    rig = await Rig.create({ replies: [hang] })
    rig.addTask('task-a')
    const once = run(process.execPath, [PROGRAM, 'start', '--once', '--json'])
    expect(await eventually(() => rig.log('stage_started').some((one) => rig.isHeard(one)), 20_000)).toBe(true)
    once.child.kill('SIGINT')
    const { status, stdout } = await once.ended
    expect(status).toBe(130)
    expect(JSON.parse(stdout)).toMatchObject({ end_reason: 'stop_requested', items: [{ state: 'active' }] })
    expect(rig.view((view) => view.snapshot.active_runs)).toMatchObject([{ status: 'ready', node_id: 'builder' }])
    rig.replies([])
    const { status: again, stdout: text } = await millrace('start --once')
    expect(again).toBe(0)
    expect(text).toContain('detail: task task-a is done\n')
  })
})

describe('daemon stop', () => {
  it('where nothing runs has nothing to do, and that is no failure', async () => {
    rig = await Rig.create()
    expect(await asked('daemon stop')).toMatchObject({ status: 0, value: { state: 'not_running', pid: null } })
  })

  it('with --drain waits for the running stage, and for the process after it', async () => {
    rig = await Rig.create({
      replies: [reply('builder', 'BUILDER_COMPLETE', { steps: [{ wait_ms: 1500 }, { artifacts: true }] })],
    })
    rig.addTask('task-a')
    const pid = await started()
    expect(await eventually(() => rig.log('stage_started').some((one) => rig.isHeard(one)), 20_000)).toBe(true)
    expect((await asked('daemon stop --drain')).value).toMatchObject({ state: 'stopped', pid })
    expect(isAlive(pid)).toBe(false)
    expect(rig.log('stage_completed')).toHaveLength(1)
  })

  it('stops nothing for a preview, and prints the state by which it can be carried out', async () => {
    rig = await Rig.create()
    const pid = await started()
    const { status, value } = await asked('daemon stop --dry-run')
    expect({ status, value }).toMatchObject({ status: 0, value: { state: 'preview', applied: false, pid } })
    expect(isAlive(pid)).toBe(true)
    expect((await millrace('daemon stop --dry-run')).stdout).toContain(`state_id: ${value.state_id}`)
    const stopped = await asked(`daemon stop --if-state ${value.state_id}`)
    expect(stopped).toMatchObject({ status: 0, value: { state: 'stopped', applied: true } })
  })

  it('ends with 3 and names the process where it does not end in time', async () => {
    rig = await Rig.create({ replies: [reply('builder', null, { steps: [{ hang: true }] })] })
    rig.addTask('task-a')
    const pid = await started()
    expect(await eventually(() => rig.log('stage_started').some((one) => rig.isHeard(one)), 20_000)).toBe(true)
    const { status, value } = await asked('daemon stop --drain --wait-seconds 0.5')
    expect(status).toBe(3)
    expect(value.error).toMatchObject({ code: 'wait_elapsed', message: expect.stringContaining(`${pid}`) })
    expect(await asked('daemon stop --dry-run')).toMatchObject({ status: 0, value: { state: 'preview', pid } })
    expect(await asked('daemon stop --no-wait')).toMatchObject({ status: 0, value: { state: 'queued', pid } })
    expect(await eventually(() => !isAlive(pid), 20_000)).toBe(true)
  })
})

describe('the log of the daemon', () => {
  it('is put aside whole, under a dated name, when the next daemon starts and it has grown', async () => {
    rig = await Rig.create()
    const grown = `${'x'.repeat(99)}\n`.repeat(Math.ceil(DAEMON_LOG_BYTES_MAX / 100) + 1)
    fs.writeFileSync(rig.at('logs/daemon.log'), grown)
    await started()
    await asked('daemon stop')
    const names = rig.list('logs').filter((name) => name.startsWith('daemon.'))
    expect(names).toEqual([expect.stringMatching(/^daemon\.\d{8}T\d{6}Z\.log$/), 'daemon.log'])
    expect(rig.read('logs', names[0]!)).toBe(grown)
    expect(rig.read('logs/daemon.log')).toMatch(/^\[.+\] millrace daemon start\n/)
  })

  it('is appended to as long as it is small', async () => {
    rig = await Rig.create()
    fs.writeFileSync(rig.at('logs/daemon.log'), 'from before\n')
    await started()
    await asked('daemon stop')
    expect(rig.read('logs/daemon.log')).toMatch(/^from before\n\[.+\] millrace daemon start\n/)
  })

  it('is shown from its last lines on, and an unfinished line as it stands', async () => {
    rig = await Rig.create()
    fs.writeFileSync(
      rig.at('logs/daemon.log'),
      `${Array.from({ length: 20_000 }, (_, at) => `line ${at}`).join('\n')}\nopen`,
    )
    expect((await millrace('daemon logs --tail 2')).stdout).toBe('line 19998\nline 19999\nopen\n')
    const { stdout } = await millrace('daemon logs --tail 0 --json')
    expect(stdout).toBe('{"line":"open"}\n{"end":{"reason":"end_of_log","lines":1}}\n')
  })

  it('is followed from one daemon to the next, also where it is put aside in between, until Ctrl-C ends it with 0', async () => {
    rig = await Rig.create()
    await started()
    const following = run(process.execPath, [PROGRAM, 'daemon', 'logs', '--follow', '--json'])
    const has = (text: string, times = 1) => eventually(() => following.texts.stdout.split(text).length > times, 20_000)
    expect(await has('runtime started')).toBe(true)
    await asked('daemon stop')
    expect(await has('exit_reason: stop_requested')).toBe(true)
    fs.renameSync(rig.at('logs/daemon.log'), rig.at('logs/daemon.old.log'))
    await started()
    expect(await has('runtime started', 2)).toBe(true)
    await asked('daemon stop')
    following.child.kill('SIGINT')
    const { status, stdout } = await following.ended
    expect(status).toBe(0)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.at(-1)).toEqual({ end: { reason: 'interrupted', lines: lines.length - 1 } })
    expect(lines.filter(({ line }) => String(line).includes('millrace daemon start'))).toHaveLength(2)
  })
})
