import { type ChildProcess, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { clock, eventually, temporaryFolder } from '../../test/agents/rig.ts'
import { carriersOf, findProgram, MARKER, processIdentity, startDetached } from './process.ts'
import { sweepMarked } from './sweep.ts'

const folder = temporaryFolder()
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

const sleeper = (env: Record<string, string> = {}): ChildProcess =>
  spawn('sleep', ['60'], { stdio: 'ignore', env: { ...process.env, ...env } })

describe('the identity of a process', () => {
  it('is the same as long as it lives, and other than that of another process', async () => {
    const child = sleeper()
    const first = processIdentity.identify(child.pid!)!
    const self = processIdentity.self()
    expect(first).toMatchObject({ pid: child.pid, zombie: false, bootId: self.bootId, pidNamespace: self.pidNamespace })
    expect(processIdentity.identify(child.pid!)).toEqual(first)
    expect(first.startTime).not.toBe(self.startTime)
    expect(processIdentity.alive(first.pid, first.startTime, first.bootId)).toBe(true)
    expect(processIdentity.alive(first.pid, self.startTime, first.bootId), 'a later process with its pid').toBe(false)
    expect(processIdentity.alive(first.pid, first.startTime, 'another boot')).toBe(false)
    child.kill('SIGKILL')
    expect(await eventually(() => !processIdentity.alive(first.pid, first.startTime, first.bootId))).toBe(true)
  })

  it('tells a zombie from the living', async () => {
    // The shell starts a child, becomes a program that never reaps, and so leaves a zombie.
    const parent = spawn('/bin/sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
    const pid = Number(await new Promise<Buffer>((resolve) => parent.stdout.once('data', resolve)))
    expect(await eventually(() => processIdentity.identify(pid)?.zombie === true)).toBe(true)
    const zombie = processIdentity.identify(pid)!
    expect(processIdentity.alive(pid, zombie.startTime, zombie.bootId)).toBe(false)
    parent.kill('SIGKILL')
  })

  it('is null for a pid that nobody has', () => {
    expect(processIdentity.identify(2 ** 22 + 1)).toBeNull()
  })

  it('never signals everything, the own group or the init process', () => {
    for (const pid of [0, 1, -1, Number.NaN, 1.5]) expect(processIdentity.kill(pid, 'SIGKILL')).toBe(false)
    expect(processIdentity.kill(2 ** 22 + 1, 'SIGTERM')).toBe(false)
  })

  it('comes with a clock that runs from boot', async () => {
    const before = processIdentity.bootMs()
    await new Promise((resolve) => setTimeout(resolve, 60))
    const passed = processIdentity.bootMs() - before
    expect(passed).toBeGreaterThanOrEqual(40)
    expect(passed).toBeLessThan(2000)
  })
})

describe('looking for a marker', () => {
  it('finds it wherever it stands in the environment, and only the whole of it', async () => {
    const id = `request-${clock.hex(32)}`
    const first = spawn('sleep', ['60'], { stdio: 'ignore', env: { [MARKER]: id, PATH: process.env.PATH } })
    const last = sleeper({ FILLER: 'x'.repeat(100_000), OTHER: 'y'.repeat(31_000), [MARKER]: id })
    const longer = sleeper({ [MARKER]: `${id}0`, [`X${MARKER}`]: id })
    expect(await eventually(() => carriersOf(id).length === 2)).toBe(true)
    expect(
      carriersOf(id)
        .map(({ pid }) => pid)
        .sort(),
    ).toEqual([first.pid, last.pid].sort())
    expect(carriersOf(id)[0]).toMatchObject({ command: 'sleep 60', leader: false })
    for (const child of [first, last, longer]) child.kill('SIGKILL')
  })

  it('finds it at every offset in an environment read in pieces', async () => {
    const children: ChildProcess[] = []
    const ids: string[] = []
    for (const shift of [-60, -50, -40, -20, -1, 0, 1]) {
      const id = `request-${clock.hex(32)}`
      ids.push(id)
      children.push(
        spawn('sleep', ['60'], {
          stdio: 'ignore',
          env: { A: 'x'.repeat(64 * 1024 + shift), [MARKER]: id, PATH: process.env.PATH },
        }),
      )
    }
    expect(await eventually(() => ids.every((id) => carriersOf(id).length === 1))).toBe(true)
    for (const child of children) child.kill('SIGKILL')
  })
})

describe('the sweep', () => {
  it('ends what carries the marker, processes that fork all the time included, and nothing else', async () => {
    const id = `request-${clock.hex(32)}`
    const stranger = sleeper()
    const forks = 'trap "" TERM; while :; do (trap "" TERM; sleep 30) & sleep 0.01; done'
    const forker = spawn('/bin/sh', ['-c', forks], {
      stdio: 'ignore',
      detached: true,
      env: { ...process.env, [MARKER]: id },
    })
    expect(await eventually(() => carriersOf(id).length > 5)).toBe(true)
    const swept = await sweepMarked(id, clock)
    expect(swept.left).toEqual([])
    expect(swept.found.map(({ pid }) => pid)).toContain(forker.pid)
    expect(carriersOf(id)).toEqual([])
    expect(processIdentity.identify(stranger.pid!)?.zombie).toBe(false)
    stranger.kill('SIGKILL')
  })

  it('finds nothing where there is nothing', async () => {
    expect(await sweepMarked(`request-${clock.hex(32)}`, clock)).toEqual({ found: [], left: [] })
  })
})

describe('finding a program', () => {
  it('looks along the path for a file that may be executed', () => {
    fs.writeFileSync(path.join(folder, 'tool'), '#!/bin/sh\n')
    expect(findProgram('tool', folder, '/')).toBeNull()
    fs.chmodSync(path.join(folder, 'tool'), 0o755)
    fs.mkdirSync(path.join(folder, 'sub'), { recursive: true })
    expect(findProgram('tool', `/nowhere:${folder}`, '/')).toBe(path.join(folder, 'tool'))
    expect(findProgram('./tool', '/nowhere', folder)).toBe(path.join(folder, 'tool'))
    expect(findProgram('sub', folder, '/'), 'a folder is no program').toBeNull()
    expect(findProgram(path.join(folder, 'tool'), '', '/')).toBe(path.join(folder, 'tool'))
  })
})

describe('starting under the keeper', () => {
  const launch = (script: string) => {
    const input = fs.openSync('/dev/null', 'r')
    const output = fs.openSync(path.join(folder, 'out'), 'a')
    return startDetached({
      program: '/bin/sh',
      args: ['-c', script],
      cwd: folder,
      env: { PATH: '/nowhere' },
      stdin: input,
      stdout: output,
      stderr: output,
      pidFile: path.join(folder, 'keeper pid'),
      exitFile: path.join(folder, "the exit's record"),
    }).finally(() => {
      fs.closeSync(input)
      fs.closeSync(output)
    })
  }

  it('gives a leader of its own session that records pid and exit status under any PATH', async () => {
    const launched = await launch('exit 7')
    if ('problem' in launched) throw new Error(launched.problem)
    launched.hold()
    expect(await launched.ended).toBe(7)
    expect(fs.readFileSync(path.join(folder, 'keeper pid'), 'utf8')).toBe(`${launched.identity.pid}\n`)
    expect(fs.readFileSync(path.join(folder, "the exit's record"), 'utf8')).toBe('7\n')
  })

  it('survives a TERM to the group and records what it did to the program', async () => {
    const launched = await launch('echo ready; while :; do :; done')
    if ('problem' in launched) throw new Error(launched.problem)
    launched.hold()
    await eventually(() => fs.readFileSync(path.join(folder, 'out'), 'utf8').includes('ready'))
    expect(processIdentity.kill(-launched.identity.pid, 'SIGTERM')).toBe(true)
    expect(await launched.ended).toBe(143)
    expect(fs.readFileSync(path.join(folder, "the exit's record"), 'utf8')).toBe('143\n')
  })
})
