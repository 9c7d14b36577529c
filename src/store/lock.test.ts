import { spawn, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { bundle, clock } from '../../test/agents/rig.ts'
import { failAt, faultyFiles } from '../../test/rig/faulty-files.ts'
import { Incarnations } from '../../test/rig/incarnations.ts'
import { contents, emptyWorkspace, exists, read, temporaryFolder, write } from '../../test/rig/store.ts'
import type { MillraceError } from '../core/errors.ts'
import { processIdentity } from '../runners/process.ts'
import { disk } from './files.ts'
import { AT, type Places } from './layout.ts'
import { describeLock, type LockPorts, lockState, type Processes, takeLock } from './lock.ts'

const portsIn = (places: Places, changes: Partial<LockPorts> = {}): LockPorts => {
  return { files: disk, places, processes: processIdentity, clock, ...changes }
}

const workspace = (): Places => emptyWorkspace(temporaryFolder())
const code = (expected: string) => expect.objectContaining({ code: expected })

/** Writes the file of a generation, held by this very process unless `changes` say otherwise. */
function heldBy(places: Places, generation: number, changes: Record<string, unknown> = {}): void {
  const { pid, startTime, bootId, pidNamespace } = processIdentity.self()
  const record = {
    host: os.hostname(),
    pid,
    start_time: startTime,
    boot_id: bootId,
    pid_namespace: pidNamespace,
    token: 't',
    acquired_at: 'then',
  }
  write(places.at(AT.lockFolder), String(generation), JSON.stringify({ ...record, ...changes }))
}

/** A pid that no process has: of one that has ended and was reaped. */
const goneBy = (): number => spawnSync(process.execPath, ['--version']).pid

describe('taking the lock', () => {
  test('begins with generation 1 and goes up by one each time', async () => {
    const places = workspace()
    expect(lockState(portsIn(places))).toEqual({ state: 'absent', generation: 0 })
    for (let generation = 1; generation <= 8; generation++) {
      const lock = await takeLock(portsIn(places))
      expect([lock.generation, lock.tookOver]).toEqual([generation, null])
      expect(lockState(portsIn(places))).toMatchObject({ state: 'active', generation, provable: true })
      await lock.release()
      expect(lockState(portsIn(places))).toMatchObject({ state: 'released', generation })
    }
  })

  test('forgets all but the newest generations and leaves no temporary file', async () => {
    const places = workspace()
    for (let round = 0; round < 6; round++) await (await takeLock(portsIn(places))).release()
    expect(fs.readdirSync(places.at(AT.lockFolder)).sort()).toEqual([
      '4',
      '4.released',
      '5',
      '5.released',
      '6',
      '6.released',
    ])
  })

  test('records who holds it', async () => {
    const places = workspace()
    await takeLock(portsIn(places))
    const { pid, startTime, bootId, pidNamespace } = processIdentity.self()
    expect(JSON.parse(read(places.at(AT.lockFolder), '1'))).toMatchObject({
      host: os.hostname(),
      pid,
      start_time: startTime,
      boot_id: bootId,
      pid_namespace: pidNamespace,
      token: expect.stringMatching(/^[0-9a-f]{32}$/),
    })
  })

  test('keeps the lock file an old runtime looks for while it is held, in its five fields', async () => {
    const places = workspace()
    const lock = await takeLock(portsIn(places))
    expect(JSON.parse(read(places.runtime, AT.lockFile))).toEqual({
      workspace_root: places.root,
      owner_pid: process.pid,
      owner_hostname: os.hostname(),
      owner_session_id: 'generation-1',
      acquired_at: expect.any(String),
    })
    await lock.release()
    expect(exists(places.runtime, AT.lockFile)).toBe(false)
  })

  test('makes its generation durable before it is visible', async () => {
    const places = workspace()
    const faulty = faultyFiles()
    await takeLock(portsIn(places, { files: faulty.files }))
    const order = faulty.steps.map(({ operation }) => operation)
    expect(order.indexOf('flush')).toBeLessThan(order.indexOf('link'))
    expect(order.at(-1)).toBe('flush')
    expect(faulty.flushRounds).toBe(2)
  })

  test('is refused while a living process holds it, with the sentence that says who', async () => {
    const places = workspace()
    await takeLock(portsIn(places))
    await expect(takeLock(portsIn(places))).rejects.toEqual(code('lock_held'))
    await expect(takeLock(portsIn(places), { force: true })).rejects.toThrow(`process ${process.pid}`)
  })

  test('holds nothing if the disk fails at any point of it', async () => {
    for (let number = 1; ; number++) {
      const places = workspace()
      const faulty = faultyFiles(failAt(number, 'ENOSPC'))
      const failed = await takeLock(portsIn(places, { files: faulty.files })).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'ENOSPC',
      )
      if (faulty.steps.length < number) return expect(number).toBeGreaterThan(5)
      expect(failed).toBe(true)
      expect(lockState(portsIn(places)).state).toBe('absent')
      expect(Object.keys(contents(places.runtime)).filter((name) => name.includes('lock'))).toEqual([])
      await (await takeLock(portsIn(places))).release()
    }
  })
})

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
    expect(lockState(portsIn(places))).toMatchObject({
      state: 'stale',
      generation: 5,
      why: expect.stringContaining(why),
    })
    const lock = await takeLock(portsIn(places))
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
      expect(lockState(portsIn(places))).toMatchObject({ state: 'stale', why: expect.stringContaining('reaped') })
      expect((await takeLock(portsIn(places))).generation).toBe(2)
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
    expect(lockState(portsIn(places))).toMatchObject({ state: 'active', provable: false })
    expect(describeLock(lockState(portsIn(places))).hint).toContain('--force')
    await expect(takeLock(portsIn(places))).rejects.toEqual(code('lock_held'))
    expect(await takeLock(portsIn(places), { force: true })).toMatchObject({
      generation: 3,
      tookOver: { state: 'active' },
    })
  })

  test.each(['', 'no json', 'null', '{"pid":"x"}', '{"pid":1}'])(
    'whose file says %j: unreadable, until it is succeeded by force',
    async (text) => {
      const places = workspace()
      write(places.at(AT.lockFolder), '4', text)
      expect(lockState(portsIn(places))).toMatchObject({ state: 'invalid', generation: 4 })
      await expect(takeLock(portsIn(places))).rejects.toEqual(code('lock_held'))
      expect((await takeLock(portsIn(places), { force: true })).generation).toBe(5)
    },
  )

  test('the one that is succeeded by force stops at its next step', async () => {
    const places = workspace()
    const elsewhere = new Incarnations().next()
    const away: Processes = { ...elsewhere, self: () => ({ ...elsewhere.self(), pidNamespace: 'pid:[1]' }) }
    const first = await takeLock(portsIn(places, { processes: away }))
    first.guard()
    const second = await takeLock(portsIn(places), { force: true })
    expect(() => first.guard()).toThrow(code('lock_lost'))
    await expect(first.release()).rejects.toEqual(code('lock_lost'))
    second.guard()
    expect(lockState(portsIn(places))).toMatchObject({ state: 'active', generation: 2 })
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
    expect(lockState(portsIn(places))).toMatchObject({ state: 'foreign', alive: true, pid: process.pid })
    await expect(takeLock(portsIn(places), { force: true })).rejects.toThrow('Another version')
  })

  test('is found as well after a generation of ours was released, or died', async () => {
    const places = workspace()
    await (await takeLock(portsIn(places))).release()
    old(places)
    expect(lockState(portsIn(places)).state).toBe('foreign')
    heldBy(places, 2, { start_time: 'earlier' })
    expect(lockState(portsIn(places)).state).toBe('foreign')
    await expect(takeLock(portsIn(places))).rejects.toEqual(code('lock_held'))
  })

  test.each<[string, () => Record<string, unknown>, boolean | null]>([
    ['dead', () => ({ owner_pid: goneBy() }), false],
    ['on another host', () => ({ owner_hostname: 'elsewhere' }), null],
  ])('that is %s is succeeded only by force', async (_, changes, alive) => {
    const places = workspace()
    old(places, changes())
    expect(lockState(portsIn(places))).toMatchObject({ state: 'foreign', alive })
    await expect(takeLock(portsIn(places))).rejects.toThrow('left its lock behind')
    const lock = await takeLock(portsIn(places), { force: true })
    expect(JSON.parse(read(places.runtime, AT.lockFile))).toMatchObject({
      owner_session_id: `generation-${lock.generation}`,
    })
  })

  test('that has created its file but not yet filled it makes the lock unreadable', async () => {
    const places = workspace()
    write(places.runtime, AT.lockFile, '')
    expect(lockState(portsIn(places))).toMatchObject({ state: 'invalid', why: expect.stringContaining(AT.lockFile) })
    await expect(takeLock(portsIn(places))).rejects.toEqual(code('lock_held'))
  })
})

describe('a lock that was given back', () => {
  test('guards nothing any more', async () => {
    const lock = await takeLock(portsIn(workspace()))
    await lock.release()
    expect(() => lock.guard()).toThrow(code('lock_lost'))
    await expect(lock.release()).rejects.toEqual(code('lock_lost'))
  })
})

describe('takers at the same moment', () => {
  test('of one process: one of them gets it', async () => {
    for (let round = 0; round < 10; round++) {
      const places = workspace()
      const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(portsIn(places))))
      const got = attempts.filter((attempt) => attempt.status === 'fulfilled')
      const refused = attempts
        .filter((attempt) => attempt.status === 'rejected')
        .map(({ reason }) => (reason as MillraceError).code)
      expect(got).toHaveLength(1)
      expect(new Set(refused)).toEqual(new Set(['lock_held']))
      got[0]?.value.guard()
    }
  })

  test('one that judged an older generation does not take a newer one', async () => {
    // Others take and give back the lock between the judgement and the link, up to forgetting the judged generation.
    for (const others of [1, 2, 3, 4, 5]) {
      const places = workspace()
      await (await takeLock(portsIn(places))).release()
      let newest: Awaited<ReturnType<typeof takeLock>> | null = null
      const flush: typeof disk.flush = async (paths) => {
        for (let taken = 1; newest === null || taken <= others; taken++) {
          const lock = await takeLock(portsIn(places))
          newest = lock
          if (taken >= others) break
          await lock.release()
        }
        await disk.flush(paths)
      }
      await expect(takeLock(portsIn(places, { files: { ...disk, flush } }))).rejects.toEqual(code('lock_held'))
      expect(lockState(portsIn(places))).toMatchObject({ state: 'active', generation: 1 + others })
      newest!.guard()
    }
  })

  test('of six processes, fifty times each: never two hold it', async () => {
    const places = workspace()
    const program = bundle(path.join(import.meta.dirname, '../../test/rig/lock-taker.ts'), places.root)
    const ended = Array.from({ length: 6 }, () => {
      const child = spawn(process.execPath, [program, places.root, '50'], { stdio: ['ignore', 'ignore', 'inherit'] })
      return new Promise<number | null>((resolve) => child.once('exit', resolve))
    })
    expect(await Promise.all(ended)).toEqual([0, 0, 0, 0, 0, 0])
    const generations = read(places.root, 'taken').trim().split('\n').map(Number)
    expect(generations).toEqual(Array.from({ length: 300 }, (_, index) => index + 1))
    expect(lockState(portsIn(places))).toMatchObject({ state: 'stale', generation: 300 })
  })
})
