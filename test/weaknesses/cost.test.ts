/** What the runtime asks of the disk, counted and never timed (W-24, W-28 to W-30; W-31 is told in test/scenarios/claims.test.ts). */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/engine/clock.ts'
import { tick } from '../../src/engine/tick.ts'
import { addTask } from '../../src/operations/queue/add.ts'
import { quickDisk } from '../../src/selftest/faulty-files.ts'
import { instantRunner } from '../../src/selftest/instant-runner.ts'
import { succeeding } from '../../src/selftest/story.ts'
import { contextIn } from '../rig/context.ts'
import { type Call, CHANGING, countingFiles } from '../rig/counting-files.ts'
import { ledgerLine, tokens } from '../rig/ledger.ts'
import { PACKAGE_ROOT, Rig } from '../rig/runtime.ts'

const rigs: Rig[] = []
afterEach(async () => {
  for (const rig of rigs.splice(0)) {
    await rig.close()
    rig.dispose()
  }
})

/** A runtime whose disk is counted, whose stages succeed at once, and whose clock the test sets forward. */
async function counting(tasks: number, fields: Record<string, unknown> = {}) {
  const disk = countingFiles(quickDisk)
  const time = { aheadMs: 0 }
  const rig = await Rig.create({
    files: disk.files,
    clock: { ...systemClock, now: () => new Date(Date.now() + time.aheadMs) },
    runners: () => new Map([['scripted', instantRunner(quickDisk, systemClock, succeeding())]]),
  })
  rigs.push(rig)
  for (let number = 1; number <= tasks; number++) rig.addTask(`task-${number}`, fields)
  rest(rig.at())
  return { rig, disk, time }
}

/** Folders as they are once nobody has touched them for a while. */
function rest(folder: string): void {
  const past = new Date(Date.now() - 60_000)
  for (const name of fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(folder, name)
    if (fs.statSync(file).isDirectory()) fs.utimesSync(file, past, past)
  }
}

const times = (calls: Call[], operation: Call['operation'], ...within: string[]): number =>
  calls.filter((call) => call.operation === operation && within.some((folder) => call.path.startsWith(folder))).length

const folders = (rig: Rig): string[] =>
  fs
    .readdirSync(rig.at(), { recursive: true, encoding: 'utf8' })
    .filter((name) => fs.statSync(rig.at(name)).isDirectory())
    .sort()

test('W-24: rules on usage read the ledger once, and no stage result; a rule over one run counts that run alone', async () => {
  const { rig, disk, time } = await counting(3)
  const rule = (id: string, window: string, threshold: number) =>
    `[[usage_governance.runtime_token_rules.rules]]\nrule_id = "${id}"\nwindow = "${window}"\nthreshold = ${threshold}\n`
  rig.config(
    `[usage_governance]\nenabled = true\n${rule('week', 'calendar_week', 1_000_000)}${rule('run', 'per_run', 800)}`,
  )
  const line = ledgerLine('request-past', { run_id: 'run-past', token_usage: tokens(900) })
  fs.writeFileSync(rig.at('state/usage_governance_ledger.jsonl'), `${JSON.stringify(line)}\n`)
  const engine = await rig.open()
  disk.take()
  const finished = () => rig.list('tasks/done').length
  for (let pass = 0; finished() < 3; pass++) {
    expect(pass).toBeLessThan(200)
    time.aheadMs += 2000
    await tick(engine)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const calls = disk.take()
  const reads = (file: string) => times(calls, 'read', rig.at(file))
  expect(rig.stages().length).toBeGreaterThanOrEqual(9)
  expect(reads('state/usage_governance_ledger.jsonl')).toBeLessThanOrEqual(1)
  expect(calls.filter((call) => call.operation === 'read' && call.path.includes('/stage_results/'))).toEqual([])
  // The 900 of a run that is past would be over the rule for each of these.
  expect(rig.eventTypes()).not.toContain('usage_governance_paused')
})

test('W-28: adding a task costs the same beside two hundred others: no folder is made, no asset looked at', async () => {
  const costs = []
  for (const tasks of [2, 200]) {
    const { rig, disk } = await counting(tasks)
    await addTask.run(contextIn(rig.root, { files: disk.files }), { title: 'One first', id: 'first' })
    rest(rig.at())
    const before = folders(rig)
    disk.take()
    await addTask.run(contextIn(rig.root, { files: disk.files }), { title: 'One more', id: 'more' })
    const calls = disk.take()
    expect(rig.list('tasks/queue')).toContain('more.md')
    expect(folders(rig)).toEqual(before)
    const assets = ['modes', 'graphs', 'registry', 'entrypoints', 'skills'].map((family) => rig.at(family))
    expect(calls.filter((call) => [PACKAGE_ROOT, ...assets].some((at) => call.path.startsWith(at)))).toEqual([])
    costs.push(
      Object.fromEntries(
        [...CHANGING, 'read', 'list'].map((operation) => [
          operation,
          calls.filter((call) => call.operation === operation).length,
        ]),
      ),
    )
  }
  expect(costs[1]).toEqual(costs[0])
  expect(costs[0]!.makeFolder).toBeLessThan(15)
})

test('W-29: every document is read once; a claim reads the one it takes, and an idle pass neither reads nor lists work', async () => {
  const { rig, disk, time } = await counting(200)
  const engine = await rig.open()
  const claims = () => rig.eventTypes().filter((type) => type === 'work_item_claimed').length
  const pass = async () => {
    time.aheadMs += 2000
    await tick(engine)
    await new Promise((resolve) => setImmediate(resolve))
  }
  while (claims() < 1) await pass()
  const first = disk.take()
  for (const task of [2, 150, 200]) expect(times(first, 'read', rig.at(`tasks/queue/task-${task}.md`))).toBe(1)
  while (claims() < 3) await pass()
  const [second, third] = rig
    .log('work_item_claimed')
    .slice(1)
    .map((data) => String(data.work_item_id))
  const later = disk.take()
  const read = new Set(later.filter((call) => call.operation === 'read').map((call) => path.basename(call.path)))
  expect([...read].filter((name) => /^task-\d+\.md$/.test(name)).sort()).toEqual(
    ['task-1.md', `${second}.md`, `${third}.md`].sort(),
  )
  expect(times(later, 'list', rig.at('tasks/queue'))).toBeLessThanOrEqual(rig.stages().length)

  await rig.issue('pause', {}, 0)
  while (rig.json<{ pause_sources: unknown[] }>('state/runtime_snapshot.json').pause_sources.length === 0) await pass()
  for (let settled = 0; settled < 20; settled++) await pass()
  disk.take()
  const passes = 50
  for (let count = 0; count < passes; count++) await pass()
  const idle = disk.take()
  const looked = (operation: Call['operation']) =>
    idle.flatMap((call) => (call.operation === operation ? path.relative(rig.root, call.path) : []))
  // Only whether the lock is still ours, and whether anything was dropped in.
  expect(looked('read').filter((file) => path.dirname(file) !== 'millrace-agents/state/lock')).toEqual([])
  expect(looked('read').length).toBeLessThanOrEqual(passes)
  const doors = ['millrace-agents/state/mailbox/incoming', 'ideas/inbox', 'millrace-agents/state/lock']
  expect(looked('list').filter((folder) => !doors.includes(folder))).toEqual([])
  expect(looked('list').length).toBeLessThanOrEqual(3 * passes)
})

test('W-30: a day of idling writes nothing and flushes nothing, and a log grown large is put aside whole', async () => {
  const { rig, disk, time } = await counting(3, { depends_on: ['nowhere'] })
  const engine = await rig.open()
  for (let pass = 0; pass < 5; pass++) {
    time.aheadMs += 60_000
    await tick(engine)
  }
  const log = rig.read('logs/runtime_events.jsonl')
  disk.take()
  for (let minute = 0; minute < 24 * 60; minute += 5) {
    time.aheadMs += 5 * 60_000
    expect(await tick(engine)).toMatchObject({ progressed: false, reason: 'no_work' })
  }
  expect(disk.take().filter((call) => CHANGING.includes(call.operation))).toEqual([])
  expect(rig.read('logs/runtime_events.jsonl')).toBe(log)

  const line = `${JSON.stringify({ event_type: 'runtime_started', data: { note: 'x'.repeat(1000) } })}\n`
  await rig.close()
  fs.appendFileSync(rig.at('logs/runtime_events.jsonl'), line.repeat(32 * 1024))
  const bytes = fs.statSync(rig.at('logs/runtime_events.jsonl')).size
  await tick(await rig.open())
  const aside = rig.list('logs').filter((name) => name !== 'runtime_events.jsonl')
  expect(aside).toHaveLength(1)
  expect(fs.statSync(rig.at('logs', aside[0]!)).size).toBeGreaterThanOrEqual(bytes)
  await rig.close()
  expect(fs.statSync(rig.at('logs/runtime_events.jsonl')).size).toBeLessThan(10_000)
})
