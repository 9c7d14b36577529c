/** Auto-recovery: a blocked task that others wait for is put back by the runtime itself, where what blocked it may pass. */
import * as fs from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/engine/clock.ts'
import { runPass } from '../../src/engine/pass.ts'
import { doctor } from '../../src/operations/doctor/doctor.ts'
import { contextIn } from '../rig/context.ts'
import { Live } from '../rig/live.ts'
import { type Reply, Rig, reply } from '../rig/runtime.ts'

let rig: Rig
let live: Live | null = null
let aheadMs = 0
afterEach(async () => {
  await live?.close().catch(() => {})
  live = null
  rig?.dispose()
  aheadMs = 0
})

const LATE = '[stages.builder]\ntimeout_seconds = 1\n'
const hangs = (item: string): Reply => reply('builder', null, { item, steps: [{ hang: true }] })
const keys = (members: Record<string, unknown>): string =>
  `${LATE}[auto_recovery]\n${Object.entries(members)
    .map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
    .join('')}`

/** A loop of one stage, whose time is up after a second; the builder of `task-a` hangs, and `task-b` waits for it. */
async function begin(config: string, replies: Reply[] = [hangs('task-a')]): Promise<void> {
  rig = await Rig.create({ config, replies, clock: { ...systemClock, now: () => new Date(Date.now() + aheadMs) } })
  rig.shortLoop()
  rig.addTask('task-a')
  rig.addTask('task-b', { depends_on: ['task-a'] })
}

const isBlocked = (id = 'task-a') => rig.exists(`tasks/blocked/${id}.md`)
const isDone = (id: string) => rig.exists(`tasks/done/${id}.md`)
const requeued = () => rig.log('blocked_dependency_auto_requeued')
const skipped = () => rig.log('blocked_dependency_auto_requeue_skipped').map(({ reason }) => reason)
const reviews = () => rig.log('blocked_lineage_requires_operator_review').map(({ reason }) => reason)
const attempts = () =>
  rig
    .read('tasks/queue/task-a.requeue.jsonl')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('a task whose time ran out, and that another waits for', () => {
  test('is told of by doctor, and in the log, only where it is not put back by itself', async () => {
    const stuck = async () =>
      (await doctor.run(contextIn(rig.root), {})).findings.filter(({ code }) => code === 'dependency_unsatisfiable')
    await begin(keys({ cooldown_seconds: [300] }))
    await rig.ticks(1)
    expect(isBlocked()).toBe(true)
    await rig.ticks(1)
    expect([await stuck(), rig.log('dependency_unsatisfiable')]).toEqual([[], []])
    rig.config(keys({ enabled: false }))
    await rig.ticks(1)
    expect(rig.log('dependency_unsatisfiable')).toMatchObject([{ dependencies: { 'task-a': 'blocked' } }])
    expect(await stuck()).toMatchObject([{ message: 'task task-b waits in vain: task-a is blocked.' }])
  })

  test('is put back once its cooldown is over, and then both are done', async () => {
    await begin(keys({ cooldown_seconds: [300, 900] }))
    await rig.ticks(1)
    expect(isBlocked()).toBe(true)
    expect(rig.json('diagnostics/blocked/task-task-a.json')).toMatchObject({
      work_item_kind: 'task',
      work_item_id: 'task-a',
      blocked_origin: 'runner_failure',
      failure_class: 'runner_timeout',
      failure_scope: 'environment',
      auto_requeue_candidate: true,
      failure_classifier_code: 'timed_out',
      source_stage: 'builder',
      source_run_id: rig.list('runs')[0],
    })
    await rig.ticks(3)
    aheadMs += 290_000
    await rig.ticks(2)
    expect([isBlocked(), requeued(), skipped(), reviews()]).toEqual([true, [], ['cooldown_active'], []])
    rig.replies([])
    aheadMs += 15_000
    await rig.work()
    expect([isDone('task-a'), isDone('task-b')]).toEqual([true, true])
    expect(requeued()).toMatchObject([
      { work_item_id: 'task-a', queued_dependent_ids: ['task-b'], auto_attempt_number: 1, attempts_max: 3 },
    ])
    expect(attempts()).toMatchObject([
      { auto: true, actor: 'runtime', attempt_number: 1, failure_class: 'runner_timeout', source_state: 'blocked' },
    ])
    expect(rig.list('diagnostics/blocked')).toEqual([])
  })

  test('waits longer before the second attempt, also for a runtime that was started anew in between', async () => {
    await begin(keys({ cooldown_seconds: [10, 900] }))
    await rig.ticks(1)
    aheadMs += 11_000
    await rig.ticks(1)
    expect([isBlocked(), attempts()]).toMatchObject([true, [{ attempt_number: 1 }]])
    aheadMs += 800_000
    await rig.ticks(2)
    expect(attempts()).toHaveLength(1)
    aheadMs += 101_000
    await rig.ticks(1)
    expect(attempts()).toMatchObject([{ attempt_number: 1 }, { attempt_number: 2 }])
  })

  test('is left to a person after as many attempts as it may have, which is told once', async () => {
    await begin(keys({ cooldown_seconds: [0], max_auto_requeues_per_work_item: 2 }))
    await rig.work()
    await rig.work()
    expect([isBlocked(), attempts().length]).toEqual([true, 2])
    expect(rig.log('stage_started')).toHaveLength(3)
    expect([skipped(), reviews()]).toEqual([['retry_budget_exhausted'], ['retry_budget_exhausted']])
  })

  test('is never put back with max_auto_requeues_per_work_item = 0', async () => {
    await begin(keys({ cooldown_seconds: [0], max_auto_requeues_per_work_item: 0 }))
    await rig.work()
    expect([isBlocked(), requeued(), skipped()]).toEqual([true, [], ['retry_budget_exhausted']])
  })

  test.each(['enabled', 'blocked_dependency_retry_enabled'])('is left alone with %s = false', async (key) => {
    await begin(keys({ [key]: false, cooldown_seconds: [0] }))
    await rig.work()
    expect([isBlocked(), requeued(), skipped()]).toEqual([true, [], []])
  })

  test('is not put back while the runtime is paused', async () => {
    await begin(keys({ cooldown_seconds: [60] }))
    await rig.ticks(1)
    await rig.issue('pause')
    aheadMs += 61_000
    await rig.ticks(2)
    expect(isBlocked()).toBe(true)
    await rig.issue('resume')
    rig.replies([])
    await rig.work()
    expect(isDone('task-b')).toBe(true)
  })

  test('is put back only once nothing else is to be done', async () => {
    await begin(keys({ cooldown_seconds: [0] }))
    rig.addTask('task-c', { created_at: '2026-03-02T12:00:00Z' })
    await rig.ticks(2)
    expect([isDone('task-c'), requeued()]).toEqual([true, []])
  })

  test('is put back by a person as ever, who is not counted', async () => {
    await begin(keys({ cooldown_seconds: [900] }))
    await rig.ticks(1)
    await rig.issue('retry_work_item', { work_item_id: 'task-a' })
    expect(rig.list('diagnostics/blocked')).toEqual([])
    await rig.ticks(1)
    aheadMs += 901_000
    rig.replies([])
    await rig.work()
    expect(requeued()).toMatchObject([{ auto_attempt_number: 1 }])
  })

  test('is left where a person has moved it by hand', async () => {
    await begin(keys({ cooldown_seconds: [60] }))
    await rig.ticks(1)
    await rig.issue('retry_work_item', { work_item_id: 'task-a' })
    fs.renameSync(rig.at('tasks/queue/task-a.md'), rig.at('tasks/blocked/task-a.md'))
    aheadMs += 61_000
    await rig.work()
    expect([isBlocked(), requeued(), skipped()]).toEqual([true, [], ['missing_or_invalid_metadata']])
  })
})

describe('a blocked task that is left alone', () => {
  test('because nothing waits for it', async () => {
    await begin(keys({ cooldown_seconds: [0] }))
    fs.rmSync(rig.at('tasks/queue/task-b.md'))
    await rig.work()
    expect([isBlocked(), requeued(), skipped()]).toEqual([true, [], []])
  })

  test('because its own stage calls it blocked; it does not keep another from being put back', async () => {
    await begin(keys({ cooldown_seconds: [0] }), [reply('builder', 'BLOCKED', { item: 'task-a' }), hangs('task-c')])
    rig.addTask('task-c')
    rig.addTask('task-d', { depends_on: ['task-c'] })
    await rig.ticks(2)
    expect([isBlocked('task-a'), isBlocked('task-c')]).toEqual([true, true])
    rig.replies([])
    await rig.work()
    expect([isBlocked('task-a'), isDone('task-c'), isDone('task-d')]).toEqual([true, true, true])
    expect([skipped(), reviews()]).toEqual([['blocked_dependency_not_retryable'], ['blocked_dependency_not_retryable']])
  })

  test('because a person has ended it', async () => {
    await begin('[auto_recovery]\ncooldown_seconds = [0]\n')
    live = await Live.start(rig)
    await live.agent('builder')
    await live.command('cancel_run', { run_id: rig.list('runs')[0], reason: 'wrong branch' })
    await live.until('the block', () => skipped().length > 0)
    expect([isBlocked(), skipped()]).toEqual([true, ['blocked_dependency_not_retryable']])
  })

  test('because its record cannot be read; a record that was mended counts', async () => {
    await begin(keys({ cooldown_seconds: [0, 0], max_auto_requeues_per_work_item: 1 }))
    await rig.ticks(1)
    const record = rig.read('diagnostics/blocked/task-task-a.json')
    rig.place('diagnostics/blocked/task-task-a.json', '{"half":')
    await rig.ticks(1)
    expect([isBlocked(), skipped()]).toEqual([true, ['missing_or_invalid_metadata']])
    rig.place('diagnostics/blocked/task-task-a.json', record)
    rig.replies([])
    await rig.work()
    expect(isDone('task-b')).toBe(true)
  })
})

describe('a runtime that waits for a cooldown', () => {
  test('wakes up when it is over, however long it sleeps', async () => {
    await begin(keys({ cooldown_seconds: [2] }))
    const file = rig.at('millrace.toml')
    fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace(/idle_sleep_seconds = \S+/, 'idle_sleep_seconds = 60'))
    live = await Live.start(rig)
    await live.until('the block', () => isBlocked())
    const ms = await live.until('the way back', () => requeued().length === 1)
    expect(ms).toBeGreaterThan(1500)
  })

  test('does not end with --stop-when-idle before that', async () => {
    await begin(keys({ cooldown_seconds: [2] }))
    live = await Live.start(rig)
    await live.until('the block', () => isBlocked())
    await live.close()
    live = null
    rig.replies([])
    expect(await rig.work()).toMatchObject({ exit_reason: 'idle' })
    expect(isDone('task-b')).toBe(true)
  })

  test('ends all the same where it was to make one pass, and puts it back in the next that comes after it', async () => {
    await begin(keys({ cooldown_seconds: [900] }))
    const pass = async () => {
      const engine = await rig.open()
      const made = await runPass(engine, () => {})
      await rig.close()
      return made
    }
    await pass()
    expect([isBlocked(), (await pass()).stages]).toEqual([true, 0])
    rig.replies([])
    aheadMs += 901_000
    expect((await pass()).stages).toBe(1)
    expect(isDone('task-a')).toBe(true)
  })

  test('goes by a changed config from the next tick on', async () => {
    await begin(keys({ cooldown_seconds: [900] }))
    live = await Live.start(rig)
    await live.until('the first word', () => skipped().length === 1)
    rig.replies([])
    rig.config(keys({ cooldown_seconds: [0] }))
    await live.until('the way back', () => isDone('task-b'))
    expect(requeued()).toHaveLength(1)
  })
})
