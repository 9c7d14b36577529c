/** A runtime with nothing to do: what its looks cost, and that they miss nothing even if no watcher tells of it. */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Files } from '../../src/core/files.ts'
import { runLoop } from '../../src/engine/daemon.ts'
import { disk } from '../../src/store/files.ts'
import { AT, itemCopyFile, PLAN_SOURCES } from '../../src/store/layout.ts'
import { Live } from '../rig/live.ts'
import { Rig, type RigOptions } from '../rig/runtime.ts'

/** Long enough that a whole pass comes round much later than a look. */
const FLOOR = 'idle_sleep_seconds = 0.2'
const SOON_MS = 3000

let rig: Rig
afterEach(() => rig.dispose())

async function idleRig(options: RigOptions): Promise<Rig> {
  rig = await Rig.create(options)
  const config = rig.at('millrace.toml')
  fs.writeFileSync(config, fs.readFileSync(config, 'utf8').replace('idle_sleep_seconds = 0.05', FLOOR))
  return rig
}

/** A disk whose changes no watcher tells of. */
const unwatched: Files = { ...disk, watch: () => () => {} }

test('an idle look costs a small part of a pass and counts as a tick like one', async () => {
  let stats = 0
  const counted: Files = {
    ...unwatched,
    stat(file) {
      stats += 1
      return disk.stat(file)
    },
  }
  await idleRig({ files: counted })
  const engine = await rig.open()
  const idleTicks = async (count: number) => {
    stats = 0
    const end = await runLoop(engine, { ticksMax: count, stopWhenIdle: false })
    expect(end.ticks).toBe(count)
    return stats
  }
  await idleTicks(8) // tells once that it is idle, and sees folders of the start settle
  const pass = await idleTicks(1)
  const looks = (await idleTicks(12)) - 2 * pass
  await rig.close()
  expect(looks / 10).toBeLessThan(pass / 2)
})

test('a document that comes to rest just after the claim has looked is not left behind', async () => {
  let looks = 0
  // Written a moment ago when the claim looks, and long ago by the next look of the same pass.
  const resting: Files = {
    ...unwatched,
    stat(file) {
      const found = disk.stat(file)
      if (found === null || !file.endsWith('/late.md')) return found
      looks += 1
      return { ...found, mtimeMs: Date.now() - (looks === 1 ? 0 : 60_000) }
    },
  }
  rig = await Rig.create({ files: resting })
  rig.addTask('late')
  await rig.work()
  expect(rig.log('work_item_claimed')).toHaveLength(1)
})

test('an idle runtime notices by looking alone: a task, a command, an idea and an idea written anew', async () => {
  await idleRig({ files: unwatched })
  const live = await Live.start(rig)
  const toIdle = () => live.until('idleness', () => rig.log('runtime_tick_idle').length > 0)
  const lookSoon = (what: string, type: string, count: number) =>
    live.until(what, () => rig.log(type).length >= count, SOON_MS)
  await toIdle()
  rig.addTask('by-hand')
  await lookSoon('the task', 'work_item_claimed', 1)
  await live.until('the task to be done', () => rig.log('work_item_finished').length === 1)
  await rig.command('pause')
  await lookSoon('the command', 'runtime_paused', 1)
  const idea = path.join(rig.root, 'ideas/inbox/dark-mode.md')
  fs.mkdirSync(path.dirname(idea), { recursive: true })
  fs.writeFileSync(idea, '# Dark mode\n\nFor the night.\n')
  await lookSoon('the idea', 'idea_normalized_to_spec', 1)
  fs.writeFileSync(idea, '# Dark mode\n\nFor the night, and the evening before it.\n')
  await lookSoon('the idea written anew', 'idea_normalization_skipped', 1)
  await live.close()
})

test('an idle runtime leaves derived copies behind for who reads next, once, and decides the same without them', async () => {
  await idleRig({})
  for (let number = 0; number < 70; number++) rig.addTask(`task-${number}`, { depends_on: ['late'] })
  const live = await Live.start(rig)
  const copy = rig.at(itemCopyFile('tasks/queue'))
  // Nothing is copied that changed a moment ago: what was left out comes with another copy, and then there is no more.
  const writtenMs = () => (fs.existsSync(copy) && fs.existsSync(rig.at(PLAN_SOURCES)) ? fs.statSync(copy).mtimeMs : 0)
  let seen = { atMs: Date.now(), writtenMs: 0 }
  await live.until(
    'the copies to be whole',
    () => {
      if (writtenMs() !== seen.writtenMs) seen = { atMs: Date.now(), writtenMs: writtenMs() }
      return seen.writtenMs > 0 && Date.now() - seen.atMs > 4000
    },
    20_000,
  )
  const looks = live.engine.clock.monotonicMs()
  await live.until('more idle looks', () => live.engine.clock.monotonicMs() - looks > 1000)
  expect(writtenMs()).toBe(seen.writtenMs)
  fs.rmSync(rig.at(AT.derived), { recursive: true })
  rig.addTask('late')
  await live.until('the others, once theirs was done', () => rig.log('work_item_claimed').length >= 2)
  expect(rig.log('work_item_claimed').map((data) => data.work_item_id)).toEqual(['late', 'task-0'])
  await live.close()
})
