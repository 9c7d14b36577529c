/** Taking the lock where a file system answers late, shows what was, or loses its answers. */
import * as fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { elsewhere, heldBy, lockPorts } from '../../test/rig/lock.ts'
import { type Network, networkFiles } from '../../test/rig/network-files.ts'
import { emptyWorkspace, exists, temporaryFolder } from '../../test/rig/store.ts'
import { seeded } from '../selftest/virtual-clock.ts'
import { disk, type Files } from './files.ts'
import { AT, type Places } from './layout.ts'
import { lockState } from './lock.ts'
import { takeLock } from './take-lock.ts'

const workspace = (): Places => emptyWorkspace(temporaryFolder())
const code = (expected: string) => expect.objectContaining({ code: expected })

/** A client on a network that is slow enough to be late and quick enough for a test. */
const client = (changes: Partial<Network> = {}, base: Files = disk): Files =>
  networkFiles({ latencyMs: [0, 1], staleMs: 60_000, repliesLost: 0, random: seeded(1), ...changes }, base)

describe('a link that was made although an error is reported', () => {
  test.each(['EEXIST', 'EIO', 'ETIMEDOUT', 'ESTALE'])('holds the lock, whatever the error says (%s)', async (errno) => {
    const places = workspace()
    const link: Files['link'] = (from, to) => {
      disk.link(from, to)
      throw Object.assign(new Error('the answer was lost'), { code: errno })
    }
    const lock = await takeLock(lockPorts(places, { files: { ...disk, link } }))
    lock.guard()
    expect(lockState(lockPorts(places))).toMatchObject({ state: 'active', generation: 1 })
    await lock.release()
    expect(fs.readdirSync(places.at(AT.lockFolder)).sort()).toEqual(['1', '1.released'])
  })

  test('does not hold it if the link is that of another', async () => {
    const places = workspace()
    const link: Files['link'] = (from, to) => {
      heldBy(places, 1)
      disk.link(from, to)
    }
    await expect(takeLock(lockPorts(places, { files: { ...disk, link } }))).rejects.toEqual(code('lock_held'))
    expect(lockState(lockPorts(places))).toMatchObject({ state: 'active', generation: 1, holder: { token: 't' } })
    expect(exists(places.runtime, AT.lockFile)).toBe(false)
  })
})

describe('a client whose listings are old', () => {
  test.each([1, 2, 3, 4, 5, 6])('does not take the lock while another holds it, %i generations on', async (others) => {
    const places = workspace()
    await (await takeLock(lockPorts(places))).release()
    const late = client()
    expect(lockState(lockPorts(places, { files: late }))).toMatchObject({ state: 'released', generation: 1 })
    for (let taken = 1; taken < others; taken++) await (await takeLock(lockPorts(places))).release()
    const holder = await takeLock(lockPorts(places))
    expect(late.list(places.at(AT.lockFolder))).not.toContain(String(1 + others))
    await expect(takeLock(lockPorts(places, { files: late }))).rejects.toEqual(code('lock_held'))
    holder.guard()
    expect(lockState(lockPorts(places))).toMatchObject({ state: 'active', generation: 1 + others })
  })

  test('believes a released lock to be held for a while, and takes it then', async () => {
    const places = workspace()
    const first = await takeLock(lockPorts(places))
    let staleMs = 60_000
    const late = networkFiles({
      latencyMs: [0, 1],
      get staleMs() {
        return staleMs
      },
      repliesLost: 0,
      random: seeded(1),
    })
    await expect(takeLock(lockPorts(places, { files: late }))).rejects.toEqual(code('lock_held'))
    await first.release()
    await expect(takeLock(lockPorts(places, { files: late }))).rejects.toEqual(code('lock_held'))
    staleMs = 0
    expect(
      await takeLock(
        lockPorts(places, { files: networkFiles({ latencyMs: [0, 1], staleMs, repliesLost: 0, random: seeded(1) }) }),
      ),
    ).toMatchObject({ generation: 2 })
  })

  test('is told at once that it was succeeded by force, however old its listing is', async () => {
    const places = workspace()
    const late = client()
    const first = await takeLock(lockPorts(places, { files: late, processes: elsewhere() }))
    first.guard()
    const second = await takeLock(lockPorts(places), { force: true })
    expect(late.list(places.at(AT.lockFolder))).not.toContain('2')
    expect(() => first.guard()).toThrow(code('lock_lost'))
    second.guard()
  })
})

test('removed files that go on as .nfs… are in nobody’s way, and lost answers to removals neither', async () => {
  const places = workspace()
  const random = seeded(7)
  const files = client({ staleMs: 0, repliesLost: 0.5, random: () => random() / 12 })
  for (let generation = 1; generation <= 12; generation++) {
    const lock = await takeLock(lockPorts(places, { files }))
    expect(lock.generation).toBe(generation)
    lock.guard()
    await lock.release()
  }
  const names = fs.readdirSync(places.at(AT.lockFolder))
  expect(names.filter((name) => name.startsWith('.nfs')).length).toBeGreaterThan(5)
  expect(
    names
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b),
  ).toEqual([10, 11, 12])
})
