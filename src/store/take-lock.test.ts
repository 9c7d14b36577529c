import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as os from 'node:os'
import { describe, expect, test } from 'vitest'
import { clock } from '../../test/agents/clock.ts'
import { elsewhere, heldBy, lockPorts } from '../../test/rig/lock.ts'
import { contents, emptyWorkspace, exists, read, temporaryFolder } from '../../test/rig/store.ts'
import type { MillraceError } from '../core/errors.ts'
import { processIdentity } from '../runners/process.ts'
import { failAt, faultyFiles } from '../selftest/faulty-files.ts'
import { disk } from './files.ts'
import { AT, type Places } from './layout.ts'
import { lockState } from './lock.ts'
import { endHolder, type Lock, takeLock } from './take-lock.ts'

const workspace = (): Places => emptyWorkspace(temporaryFolder())
const code = (expected: string) => expect.objectContaining({ code: expected })

describe('taking the lock', () => {
  test('begins with generation 1 and goes up by one each time', async () => {
    const places = workspace()
    expect(lockState(lockPorts(places))).toEqual({ state: 'absent', generation: 0 })
    for (let generation = 1; generation <= 8; generation++) {
      const lock = await takeLock(lockPorts(places))
      expect([lock.generation, lock.tookOver]).toEqual([generation, null])
      expect(lockState(lockPorts(places))).toMatchObject({ state: 'active', generation, provable: true })
      await lock.release()
      expect(lockState(lockPorts(places))).toMatchObject({ state: 'released', generation })
    }
  })

  test('forgets all but the newest generations and leaves no temporary file', async () => {
    const places = workspace()
    for (let round = 0; round < 6; round++) await (await takeLock(lockPorts(places))).release()
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
    await takeLock(lockPorts(places))
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
    const lock = await takeLock(lockPorts(places))
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
    await takeLock(lockPorts(places, { files: faulty.files }))
    const order = faulty.steps.map(({ operation }) => operation)
    expect(order.indexOf('flush')).toBeLessThan(order.indexOf('link'))
    expect(order.at(-1)).toBe('flush')
    expect(faulty.flushRounds).toBe(2)
  })

  test('is refused while a living process holds it, with the sentence that says who', async () => {
    const places = workspace()
    await takeLock(lockPorts(places))
    await expect(takeLock(lockPorts(places))).rejects.toEqual(code('lock_held'))
    await expect(takeLock(lockPorts(places), { force: true })).rejects.toThrow(`process ${process.pid}`)
  })

  // Forgetting is best effort, so what fails there fails nobody; in a fresh workspace there is nothing to forget.
  test.each(['ENOSPC', 'EDQUOT', 'EIO', 'EROFS'])('holds nothing if any call fails with %s', async (errno) => {
    for (let number = 1; ; number++) {
      const places = workspace()
      const faulty = faultyFiles(failAt(number, errno))
      const failed = await takeLock(lockPorts(places, { files: faulty.files })).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === errno,
      )
      if (faulty.steps.length < number) return expect(number).toBeGreaterThan(5)
      expect(failed).toBe(true)
      expect(lockState(lockPorts(places)).state).toBe('absent')
      expect(Object.keys(contents(places.runtime)).filter((name) => name.includes('lock'))).toEqual([])
      await (await takeLock(lockPorts(places))).release()
    }
  })
})

describe('a disk that fails while a holder is succeeded by force', () => {
  test('leaves it what it was, or tells it that it lost; never two', async () => {
    for (let number = 1; ; number++) {
      const places = workspace()
      const first = await takeLock(lockPorts(places, { processes: elsewhere() }))
      const faulty = faultyFiles(failAt(number, 'ENOSPC'))
      const second = await takeLock(lockPorts(places, { files: faulty.files }), { force: true }).catch(() => null)
      const holds = (lock: Lock | null) => {
        try {
          lock?.guard()
          return lock !== null
        } catch {
          return false
        }
      }
      expect([holds(first), holds(second)], `call ${number}`).not.toEqual([true, true])
      if (second === null) expect(lockState(lockPorts(places))).toMatchObject({ state: 'active', generation: 1 })
      if (faulty.steps.length < number) return expect(holds(second)).toBe(true)
    }
  })
})

describe('ending a holder', () => {
  test('does nothing where there is none, and where none can be judged', async () => {
    const kill = () => expect.fail('nobody may be killed')
    const places = workspace()
    for (const holder of [null, { host: 'elsewhere' }, { pid_namespace: 'pid:[1]' }, { start_time: 'earlier' }]) {
      if (holder !== null) heldBy(places, 1, holder)
      const before = lockState(lockPorts(places))
      await endHolder(lockPorts(places, { processes: { ...processIdentity, kill } }))
      expect(lockState(lockPorts(places))).toEqual(before)
    }
  })

  test('kills a stopped process, and returns only once it is proven dead', async () => {
    const places = workspace()
    const child = spawn('sleep', ['60'], { stdio: 'ignore' })
    try {
      heldBy(places, 1, { pid: child.pid, start_time: processIdentity.identify(child.pid!)!.startTime })
      child.kill('SIGSTOP')
      await expect(takeLock(lockPorts(places), { force: true })).rejects.toEqual(code('lock_held'))
      await endHolder(lockPorts(places))
      expect(lockState(lockPorts(places)).state).toBe('stale')
      expect((await takeLock(lockPorts(places))).generation).toBe(2)
    } finally {
      child.kill('SIGKILL')
    }
  })

  test('is refused for this very process, for one that may not be signalled, and for one that does not die', async () => {
    const places = workspace()
    await takeLock(lockPorts(places))
    await expect(endHolder(lockPorts(places))).rejects.toEqual(code('lock_held'))
    let signals = 0
    const other = { ...processIdentity, self: () => ({ ...processIdentity.self(), pid: 1 }) }
    const deaf = { ...other, kill: () => false }
    await expect(endHolder(lockPorts(places, { processes: deaf }))).rejects.toThrow('may not be ended from here')
    const immortal = { ...other, kill: () => ++signals > 0 }
    let ms = 0
    const hasty = {
      ...clock,
      monotonicMs: () => (ms += 1000),
      after: (_: number, then: () => void) => clock.after(0, then),
    }
    await expect(endHolder(lockPorts(places, { processes: immortal, clock: hasty }))).rejects.toThrow(
      'did not end within',
    )
    expect(signals).toBe(1)
  })
})

describe('a lock that was given back', () => {
  test('guards nothing any more', async () => {
    const lock = await takeLock(lockPorts(workspace()))
    await lock.release()
    expect(() => lock.guard()).toThrow(code('lock_lost'))
    await expect(lock.release()).rejects.toEqual(code('lock_lost'))
  })
})

describe('takers at the same moment', () => {
  test('of one process: one of them gets it', async () => {
    for (let round = 0; round < 10; round++) {
      const places = workspace()
      const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(lockPorts(places))))
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
      await (await takeLock(lockPorts(places))).release()
      let newest: Awaited<ReturnType<typeof takeLock>> | null = null
      const flush: typeof disk.flush = async (paths) => {
        for (let taken = newest === null ? 1 : others + 1; taken <= others; taken++) {
          newest = await takeLock(lockPorts(places))
          if (taken < others) await newest.release()
        }
        await disk.flush(paths)
      }
      await expect(takeLock(lockPorts(places, { files: { ...disk, flush } }))).rejects.toEqual(code('lock_held'))
      expect(lockState(lockPorts(places))).toMatchObject({ state: 'active', generation: 1 + others })
      newest!.guard()
    }
  })
})
