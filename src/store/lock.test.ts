import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import { describe, expect, test } from 'vitest'
import { clock } from '../../test/agents/clock.ts'
import { elsewhere, goneBy, heldBy, lockPorts } from '../../test/rig/lock.ts'
import { emptyWorkspace, read, temporaryFolder, write } from '../../test/rig/store.ts'
import { processIdentity } from '../runners/process.ts'
import { disk } from './files.ts'
import { AT, type Places } from './layout.ts'
import { describeLock, lockState, type Processes } from './lock.ts'
import { takeLock } from './take-lock.ts'

const workspace = (): Places => emptyWorkspace(temporaryFolder())
const code = (expected: string) => expect.objectContaining({ code: expected })

/** What the file of a holder must say. */
const holderText = {
  host: 'elsewhere',
  pid: 7,
  start_time: 's',
  boot_id: 'b',
  pid_namespace: 'n',
  token: 't',
  acquired_at: 'then',
}

async function isUnreadableUntilForced(places: Places, generation: number, why: string): Promise<void> {
  const state = lockState(lockPorts(places))
  expect(state).toMatchObject({ state: 'invalid', generation, why: expect.stringContaining(why) })
  expect(describeLock(state).hint).toContain('--force')
  await expect(takeLock(lockPorts(places))).rejects.toEqual(code('lock_held'))
  const lock = await takeLock(lockPorts(places), { force: true })
  expect(lock.generation).toBe(generation + 1)
  await lock.release()
}

describe('a dead holder is succeeded', () => {
  test.each<[string, () => Record<string, unknown>, string]>([
    ['whose process is gone', () => ({ pid: goneBy() }), 'is gone'],
    ['whose pid is another process by now', () => ({ start_time: 'earlier' }), 'is another one now'],
    ['from before the machine was restarted', () => ({ boot_id: 'another boot' }), 'restarted'],
    [
      'from before a restart, in another container',
      () => ({ boot_id: 'another boot', pid_namespace: 'pid:[1]' }),
      'restarted',
    ],
  ])('%s', async (_, holder, why) => {
    const places = workspace()
    heldBy(places, 5, holder())
    expect(lockState(lockPorts(places))).toMatchObject({
      state: 'stale',
      generation: 5,
      why: expect.stringContaining(why),
    })
    const lock = await takeLock(lockPorts(places))
    expect(lock).toMatchObject({ generation: 6, tookOver: { state: 'stale', generation: 5 } })
    lock.guard()
  })

  test('that is only a zombie', async () => {
    const places = workspace()
    // The shell starts a child, becomes a program that never reaps it, and only then does the child end.
    const shell = spawn('/bin/sh', ['-c', 'sleep 1 & echo $!; exec sleep 20'], { stdio: ['ignore', 'pipe', 'ignore'] })
    try {
      const pid = Number(await new Promise<Buffer>((resolve) => shell.stdout.once('data', resolve)))
      await expect.poll(() => processIdentity.identify(pid)?.zombie, { timeout: 10_000 }).toBe(true)
      heldBy(places, 1, { pid, start_time: processIdentity.identify(pid)?.startTime })
      expect(lockState(lockPorts(places))).toMatchObject({ state: 'stale', why: expect.stringContaining('reaped') })
      expect((await takeLock(lockPorts(places))).generation).toBe(2)
    } finally {
      shell.kill('SIGKILL')
    }
  })
})

describe('of a holder nothing is known', () => {
  test.each<[string, Record<string, unknown>]>([
    ['on another host', { host: 'elsewhere', pid: 1 }],
    ['in another pid namespace', { pid_namespace: 'pid:[1]', pid: 999_999_999 }],
  ])('%s, so it counts as alive until it is succeeded by force', async (_, holder) => {
    const places = workspace()
    heldBy(places, 2, holder)
    expect(lockState(lockPorts(places))).toMatchObject({ state: 'active', provable: false })
    expect(describeLock(lockState(lockPorts(places))).hint).toContain('--force')
    await expect(takeLock(lockPorts(places))).rejects.toEqual(code('lock_held'))
    expect(await takeLock(lockPorts(places), { force: true })).toMatchObject({
      generation: 3,
      tookOver: { state: 'active' },
    })
  })

  test.each<[string, string]>([
    ['', 'is empty'],
    ['no json', 'is not a JSON object'],
    ['\0\0\0\0', 'is not a JSON object'],
    ['\ufeff{}', 'is not a JSON object'],
    ['null', 'is not a JSON object'],
    ['[1]', 'is not a JSON object'],
    ['{"pid":"x"}', 'does not say who'],
    ['{"pid":1,"token":"t"}', 'does not say who'],
    [JSON.stringify({ ...holderText, pid: -1 }), 'does not say who'],
    [JSON.stringify({ ...holderText, pid: 0 }), 'does not say who'],
    [JSON.stringify({ ...holderText, host: null }), 'does not say who'],
    [`${' '.repeat(64 * 1024)}{}`, 'is larger than any lock'],
  ])('whose file says %.40j: unreadable, until it is succeeded by force', async (text, why) => {
    const places = workspace()
    write(places.at(AT.lockFolder), '4', text)
    await isUnreadableUntilForced(places, 4, why)
  })

  test('whose file is a folder, or may not be read: unreadable as well, and a later taker forgets it', async () => {
    const places = workspace()
    fs.mkdirSync(places.at(`${AT.lockFolder}/4`))
    await isUnreadableUntilForced(places, 4, 'EISDIR')
    for (let round = 0; round < 5; round++) await (await takeLock(lockPorts(places))).release()
    const denied = workspace()
    heldBy(denied, 1)
    const readRange: typeof disk.readRange = (file) => {
      throw Object.assign(new Error(file), { code: 'EACCES' })
    }
    const state = lockState(lockPorts(denied, { files: { ...disk, readRange } }))
    expect(describeLock(state).sentence).toBe('The lock is unreadable (state/lock/1 cannot be read: EACCES).')
  })

  test('the one that is succeeded by force stops at its next step', async () => {
    const places = workspace()
    const first = await takeLock(lockPorts(places, { processes: elsewhere() }))
    first.guard()
    const second = await takeLock(lockPorts(places), { force: true })
    expect(() => first.guard()).toThrow(code('lock_lost'))
    await expect(first.release()).rejects.toEqual(code('lock_lost'))
    second.guard()
    expect(lockState(lockPorts(places))).toMatchObject({ state: 'active', generation: 2 })
    // The file of the one that was succeeded says so, under the name it had.
    expect(JSON.parse(read(places.at(AT.lockFolder), '1'))).toMatchObject({ succeeded_by: 2, pid: process.pid })
  })
})

describe('a holder is not proven dead', () => {
  /** What this machine says of the holder's process, and of itself. */
  const told = (found: Partial<ReturnType<Processes['self']>> | null, self = {}): Processes => {
    const own = processIdentity.self()
    return {
      self: () => ({ ...own, ...self }),
      identify: () => found && { ...own, zombie: false, ...found },
      kill: () => false,
    }
  }

  test.each<[string, Processes, Record<string, unknown>]>([
    ['by a process table that hides whose process it is', told({ startTime: '' }), {}],
    ['by a start time it never knew', told({}), { start_time: '' }],
    ['by a machine that cannot say which boot this is', told(null, { bootId: '' }), {}],
    ['by a boot it never knew', told(null), { boot_id: '' }],
    ['by a process table that is not its own', told(null, { pidNamespace: 'pid:[2]' }), {}],
    ['by another boot of another machine', told(null, { bootId: 'another' }), { host: 'elsewhere' }],
  ])('%s', async (_, processes, holder) => {
    const places = workspace()
    heldBy(places, 1, holder)
    const ports = lockPorts(places, { processes })
    expect(lockState(ports)).toMatchObject({ state: 'active', generation: 1 })
    await expect(takeLock(ports)).rejects.toEqual(code('lock_held'))
  })

  test('by a clock that went back behind the time it was taken', async () => {
    const places = workspace()
    const back = { ...clock, now: () => new Date(0) }
    heldBy(places, 1, { acquired_at: '2026-03-02T09:15:00.000Z' })
    await expect(takeLock(lockPorts(places, { clock: back }))).rejects.toEqual(code('lock_held'))
    heldBy(places, 1, { acquired_at: '2026-03-02T09:15:00.000Z', start_time: 'earlier' })
    expect((await takeLock(lockPorts(places, { clock: back }))).generation).toBe(2)
  })
})

describe('the folder of generations', () => {
  test.each(['0', '007', '-3', '1.5', '3.old', '5.released', 'x', '.nfs0000001', '.taking-1', '9'.repeat(16)])(
    'may hold %s, which is no generation',
    async (name) => {
      const places = workspace()
      write(places.at(AT.lockFolder), name, 'something')
      expect(lockState(lockPorts(places))).toEqual({ state: 'absent', generation: 0 })
      const lock = await takeLock(lockPorts(places))
      expect(lock.generation).toBe(1)
      lock.guard()
      await lock.release()
      expect(read(places.at(AT.lockFolder), name)).toBe('something')
    },
  )

  test('may hold a generation of the far future, from which it goes on', async () => {
    const places = workspace()
    heldBy(places, 999_999_999, { start_time: 'earlier' })
    const lock = await takeLock(lockPorts(places))
    expect(lock.generation).toBe(1_000_000_000)
    lock.guard()
    await lock.release()
    expect((await takeLock(lockPorts(places))).generation).toBe(1_000_000_001)
  })

  test('that is full, no folder, or has a folder for a lock file must be mended by hand', async () => {
    const cases: [(places: Places) => void, string][] = [
      [(places) => heldBy(places, 999_999_999_999_999, { start_time: 'earlier' }), 'no room for a next generation'],
      [
        (places) => {
          fs.rmdirSync(places.at(AT.lockFolder))
          fs.writeFileSync(places.at(AT.lockFolder), '')
        },
        'state/lock is not a folder',
      ],
      [(places) => fs.mkdirSync(places.at(AT.lockFile)), 'state/runtime_daemon.lock.json is a folder'],
    ]
    for (const [spoil, why] of cases) {
      const places = workspace()
      spoil(places)
      const state = lockState(lockPorts(places))
      expect(state).toMatchObject({ state: 'invalid', why: expect.stringContaining(why) })
      expect(describeLock(state).hint).toContain('move it away')
      await expect(takeLock(lockPorts(places), { force: true })).rejects.toEqual(code('lock_held'))
    }
  })
})

describe('an old runtime that knows only the lock file', () => {
  const old = (places: Places, changes: Record<string, unknown> = {}) =>
    write(
      places.runtime,
      AT.lockFile,
      JSON.stringify({
        workspace_root: places.root,
        owner_pid: process.pid,
        owner_hostname: os.hostname(),
        owner_session_id: '0123456789abcdef0123456789abcdef',
        acquired_at: 'then',
        ...changes,
      }),
    )

  test('is never taken over while it lives, by force neither', async () => {
    const places = workspace()
    old(places)
    expect(lockState(lockPorts(places))).toMatchObject({ state: 'foreign', alive: true, pid: process.pid })
    await expect(takeLock(lockPorts(places), { force: true })).rejects.toThrow('Another version')
  })

  test('is found as well after a generation of ours was released, or died', async () => {
    const places = workspace()
    await (await takeLock(lockPorts(places))).release()
    old(places)
    expect(lockState(lockPorts(places)).state).toBe('foreign')
    heldBy(places, 2, { start_time: 'earlier' })
    expect(lockState(lockPorts(places)).state).toBe('foreign')
    await expect(takeLock(lockPorts(places))).rejects.toEqual(code('lock_held'))
  })

  test.each<[string, () => Record<string, unknown>, boolean | null]>([
    ['dead', () => ({ owner_pid: goneBy() }), false],
    ['on another host', () => ({ owner_hostname: 'elsewhere' }), null],
  ])('that is %s is succeeded only by force', async (_, changes, alive) => {
    const places = workspace()
    old(places, changes())
    expect(lockState(lockPorts(places))).toMatchObject({ state: 'foreign', alive })
    await expect(takeLock(lockPorts(places))).rejects.toThrow('left its lock behind')
    const lock = await takeLock(lockPorts(places), { force: true })
    expect(JSON.parse(read(places.runtime, AT.lockFile))).toMatchObject({
      owner_session_id: `generation-${lock.generation}`,
    })
  })

  // An old runtime creates its file before it fills it.
  test.each(['', '{', '[]', '"x"', '{}', '{"owner_pid":"7","owner_hostname":"x"}', '{"owner_pid":7}', '\0'.repeat(99)])(
    'whose file says %.20j makes the lock unreadable, until it is succeeded by force',
    async (text) => {
      const places = workspace()
      write(places.runtime, AT.lockFile, text)
      expect(lockState(lockPorts(places))).toMatchObject({
        state: 'invalid',
        why: expect.stringContaining(AT.lockFile),
      })
      await expect(takeLock(lockPorts(places))).rejects.toEqual(code('lock_held'))
      expect((await takeLock(lockPorts(places), { force: true })).generation).toBe(1)
    },
  )

  test('is told with what to do where its pid belongs to something else by now', () => {
    const places = workspace()
    old(places)
    const { sentence, hint } = describeLock(lockState(lockPorts(places)))
    expect(sentence).toContain(`process ${process.pid} on ${os.hostname()}`)
    expect(hint).toContain(`remove ${AT.lockFile}`)
  })
})
