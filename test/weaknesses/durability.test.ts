/** What reaches the disk, and who may write it (W-19 to W-27; W-19 and W-23 are told in test/crash, see README.md here). */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { Files } from '../../src/core/files.ts'
import type { ClosureTarget, Snapshot } from '../../src/core/state.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { tick } from '../../src/engine/tick.ts'
import { addTask } from '../../src/operations/queue/add.ts'
import type { StatusOutput } from '../../src/operations/schemas/status.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import { quickDisk } from '../../src/selftest/faulty-files.ts'
import { instantRunner } from '../../src/selftest/instant-runner.ts'
import { succeeding } from '../../src/selftest/story.ts'
import { seeded } from '../../src/selftest/virtual-clock.ts'
import { tailEvents } from '../../src/store/event-log.ts'
import { disk } from '../../src/store/files.ts'
import { placesOf } from '../../src/store/layout.ts'
import { contextIn } from '../rig/context.ts'
import { Incarnations } from '../rig/incarnations.ts'
import { Daemon, pause } from '../rig/live.ts'
import { forgetfulDisk } from '../rig/power-loss.ts'
import { Rig } from '../rig/runtime.ts'

const rigs: Rig[] = []
const create = async (...options: Parameters<typeof Rig.create>): Promise<Rig> => {
  const rig = await Rig.create(...options)
  rigs.push(rig)
  return rig
}
afterEach(async () => {
  for (const rig of rigs.splice(0)) {
    await rig.close()
    rig.dispose()
  }
})

const snapshotOf = (rig: Rig) => rig.json<Snapshot>('state/runtime_snapshot.json')
const instantly = () => ({
  runners: () => new Map([['scripted', instantRunner(quickDisk, systemClock, succeeding())]]),
})

const isJournal = (file: string) => /^journal\b.*\.json$/.test(path.basename(file))

/** One pass, and what the stages it started report at once. */
async function pass(rig: Rig): Promise<void> {
  await tick(rig.engine!)
  await new Promise((resolve) => setImmediate(resolve))
}

test('W-20: nothing that others read is ever seen half-written, whichever write they come upon', async () => {
  const rig = await create()
  const root = path.join(rig.root, 'millrace-agents')
  const halfWritten = new Set<string>()
  const disturbed: string[] = []
  let looks = 0
  /** Somebody reads everything while only half of a write has arrived. */
  const look = (file: string) => {
    const name = path
      .relative(root, file)
      .replaceAll(/[0-9a-f]{8,}/g, '#')
      .replace(/\d+\./, 'N.')
    if (!path.basename(file).startsWith('.')) halfWritten.add(isJournal(file) ? 'the journal' : name)
    looks += 1
    try {
      const read = rig.view((view) => [view.snapshot.revision, view.items.find('task', 'task-a').length] as const)
      if (read[1] !== 1) disturbed.push(`${name}: the task lies in ${read[1]} places`)
      tailEvents(disk, placesOf(rig.root), 50)
    } catch (error) {
      disturbed.push(`${name}: ${(error as Error).message}`)
    }
  }
  rig.addTask('task-a')
  rig.options.files = {
    ...disk,
    write(file, bytes, options) {
      const whole = Buffer.from(bytes)
      disk.write(file, whole.subarray(0, whole.length >> 1), options)
      look(file)
      disk.write(file, bytes, { ...options, exclusive: false })
    },
    append(file, bytes) {
      const whole = Buffer.from(bytes)
      disk.append(file, whole.subarray(0, whole.length >> 1))
      look(file)
      disk.append(file, whole.subarray(whole.length >> 1))
    },
  }
  await rig.work()
  await addTask.run(contextIn(rig.root, { files: rig.options.files }), { title: 'One more' })
  expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  expect(disturbed).toEqual([])
  expect(looks).toBeGreaterThan(50)
  // What may be met unfinished: the checksummed journal, lines that are being added, a prompt before its agent starts.
  expect([...halfWritten].sort()).toEqual([
    'logs/runtime_events.jsonl',
    'runs/run-#/runner_prompt.request-#.md',
    'runs/run-#/transition_history.jsonl',
    'state/lock/N.released',
    'the journal',
  ])
})

test('W-21: what was answered, told or settled is still there when the power goes at that very moment', async () => {
  // What others wrote a moment ago counts as whole at once.
  const clock = { ...systemClock, now: () => new Date(Date.now() + 60_000) }
  for (const [stages, moment] of [
    [0, 'added'],
    [1, 'built'],
    [3, 'done'],
  ] as const) {
    for (let seed = 1; seed <= 3; seed++) {
      const where = `${moment}, seed ${seed}`
      const rig = await create({ ...instantly(), clock })
      const incarnations = new Incarnations()
      const forgetful = forgetfulDisk(rig.root, quickDisk)
      const processes = incarnations.next()
      const context = contextIn(rig.root, { files: forgetful.files, processes })
      expect(await addTask.run(context, { title: 'A', id: 'task-a' }), where).toMatchObject({ applied: true })
      Object.assign(rig.options, { files: forgetful.files, processes })
      const settled = () => rig.eventTypes().filter((type) => type === 'stage_completed').length
      if (stages > 0) await rig.open()
      for (let passes = 0; settled() < stages; passes++) {
        expect(passes, where).toBeLessThan(20)
        await pass(rig)
      }
      const told = rig.eventTypes()
      // The process dies with the machine: nothing of it comes to an end.
      rig.engine = null
      forgetful.losePower(seeded(100 * stages + seed))

      Object.assign(rig.options, { files: quickDisk, processes: incarnations.next() })
      await rig.open()
      expect(rig.logTypes(), where).toEqual(expect.arrayContaining(told))
      expect(rig.log('stage_completed'), where).toHaveLength(stages)
      expect(rig.list(stages === 0 ? 'tasks/queue' : stages < 3 ? 'tasks/active' : 'tasks/done'), where).toEqual([
        'task-a.md',
      ])
      await rig.close()
      await rig.work()
      expect(rig.list('tasks/done'), where).toEqual(['task-a.md'])
      expect(rig.log('stage_completed'), where).toHaveLength(3)
      expect(rig.log('work_item_claimed'), where).toHaveLength(1)
      rig.dispose()
    }
  }
})

test('W-22: torn lines and rubbish in the event log break no reader, and no decision is taken from it', async () => {
  const rig = await create(instantly())
  rig.addRootSpec('root')
  await rig.ticks(1)
  fs.appendFileSync(
    rig.at('logs/runtime_events.jsonl'),
    Buffer.from('{"event_type":"stage_comp\n\xff\xfe\0\n[1]\n{"da', 'latin1'),
  )
  const status = async () => {
    const operation = await OPERATIONS.find((entry) => entry.name === 'status')!.load()
    return (await operation.run(contextIn(rig.root), {})) as StatusOutput
  }
  expect(await status()).toMatchObject({ process_running: false })
  await rig.ticks(3)
  fs.rmSync(rig.at('logs/runtime_events.jsonl'))
  await rig.work()
  expect(rig.stages()).toEqual(['planner', 'manager', 'builder', 'checker', 'updater', 'arbiter'])
  expect(rig.json<ClosureTarget>('arbiter/targets/root.json').closure_open).toBe(false)
  expect(await status()).toMatchObject({ process_running: false })
})

test('W-25: a change and a start at the same moment never both write: one of them waits, and neither undoes the other', async () => {
  const rig = await create(instantly())
  const meeting = (files: Files, what: () => Promise<unknown>): { files: Files; met: Promise<unknown>[] } => {
    const met: Promise<unknown>[] = []
    const write: Files['write'] = (file, bytes, options) => {
      if (isJournal(file) && met.length === 0) met.push(what().catch((error) => error))
      files.write(file, bytes, options)
    }
    return { files: { ...files, write }, met }
  }
  // A runtime starts while a command has decided and is about to write.
  const direct = meeting(quickDisk, () => rig.open())
  await addTask.run(contextIn(rig.root, { files: direct.files }), { title: 'First', id: 'first' })
  expect(direct.met).toHaveLength(1)
  expect(await direct.met[0]).toMatchObject({ code: 'lock_held' })
  expect(rig.list('tasks/queue')).toEqual(['first.md'])

  // A command is given while a runtime that starts has decided and is about to write.
  const starting = meeting(quickDisk, () => rig.issue('pause', { reason: 'just now' }))
  rig.options.files = starting.files
  await rig.open()
  expect(starting.met).toHaveLength(1)
  expect(snapshotOf(rig)).toMatchObject({ process_running: true, pause_sources: [] })
  let answer: unknown = null
  void starting.met[0]!.then((given) => {
    answer = given
  })
  for (let passes = 0; answer === null && passes < 200; passes++) {
    await pass(rig)
    await pause(10)
  }
  expect(answer).toMatchObject({ mode: 'mailbox', applied: true })
  expect(snapshotOf(rig)).toMatchObject({ process_running: true, pause_sources: [{ reason: 'just now' }] })
  expect(rig.list('tasks/queue')).toEqual(['first.md'])
  await rig.close()
})

test('W-26: after a crash the next start needs nobody, even where another process has the pid by now; a living holder keeps its lock', async () => {
  const rig = await create()
  rig.addTask('task-a')
  rig.replies([{ stage: 'builder', steps: [{ artifacts: true }, { wait_ms: 400 }], outcome: 'BUILDER_COMPLETE' }])
  const daemon = new Daemon(rig)
  await daemon.agent('builder')
  await expect(rig.open()).rejects.toMatchObject({ code: 'lock_held' })
  await daemon.kill()
  // The pid comes around again: this very process has it, and lives.
  const folder = rig.at('state/lock')
  const newest = fs
    .readdirSync(folder)
    .filter((name) => /^\d+$/.test(name))
    .sort((a, b) => Number(b) - Number(a))[0]!
  const holder = rig.json('state/lock', newest)
  expect(holder.pid).toBe(daemon.child.pid)
  fs.writeFileSync(path.join(folder, newest), JSON.stringify({ ...holder, pid: process.pid }))
  expect(rig.lock()).toMatchObject({ state: 'stale' })
  await rig.work()
  expect(rig.log('runtime_lock_taken_over')).toEqual([{ state: 'stale' }])
  expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  expect(rig.lock().state).toBe('released')
})

test('W-27: every transaction raises the revision by one, whoever makes it', async () => {
  const rig = await create(instantly())
  const revisions: number[] = []
  const counted: Files = {
    ...quickDisk,
    rename(from, to) {
      quickDisk.rename(from, to)
      if (path.basename(to) === 'runtime_snapshot.json') revisions.push(snapshotOf(rig).revision)
    },
  }
  rig.options.files = counted
  const first = snapshotOf(rig).revision + 1
  await addTask.run(contextIn(rig.root, { files: counted }), { title: 'A', id: 'task-a' })
  await rig.ticks(1)
  await addTask.run(contextIn(rig.root, { files: counted }), { title: 'B', id: 'task-b' })
  await rig.work()
  expect(rig.list('tasks/done')).toHaveLength(2)
  expect(revisions.length).toBeGreaterThan(20)
  expect(revisions).toEqual(revisions.map((_, index) => first + index))
})
