/** Starting and owning a workspace: the lock, what a start takes over, what it does not touch (spec 02 §11, 16 to 28). */
import * as fs from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import type { Counters, Snapshot } from '../../src/core/state.ts'
import { disk } from '../../src/store/files.ts'
import { Daemon, Live, pause, until } from '../rig/live.ts'
import { Rig } from '../rig/runtime.ts'

const rigs: Rig[] = []
const create = async (...options: Parameters<typeof Rig.create>): Promise<Rig> => {
  const rig = await Rig.create(...options)
  rigs.push(rig)
  return rig
}
afterEach(() => {
  for (const rig of rigs.splice(0)) rig.dispose()
})

/** Everything a refused start might have written. */
const written = (rig: Rig) =>
  [
    'state/compiled_plan.json',
    'state/compile_diagnostics.json',
    'state/runtime_snapshot.json',
    'logs/runtime_events.jsonl',
  ].map((file) => rig.read(file))

describe('the lock', () => {
  // The one who is refused may not write to the log either; who holds the workspace is said in the error.
  test('scenario 16: a second start is refused and changes nothing', async () => {
    const rig = await create()
    const first = await rig.open()
    const before = written(rig)
    const second = new Rig(rig.root)
    await expect(second.open()).rejects.toMatchObject({
      code: 'lock_held',
      message: expect.stringContaining(String(process.pid)),
    })
    expect(written(rig)).toEqual(before)
    await first.close()
  })

  test('scenario 16: one counted tick is refused too while a daemon in another process holds the workspace', async () => {
    const rig = await create({ replies: [{ stage: 'builder', steps: [{ wait_ms: 60_000 }], outcome: 'BLOCKED' }] })
    rig.addTask('task-a')
    const daemon = new Daemon(rig)
    await daemon.agent('builder')
    const before = written(rig)
    await expect(rig.ticks(1)).rejects.toMatchObject({
      code: 'lock_held',
      message: expect.stringContaining(String(daemon.child.pid)),
    })
    expect(written(rig)).toEqual(before)
    await daemon.stop()
    expect(rig.lock().state).toBe('released')
  })

  test('scenario 17: two workspaces have two runtimes side by side', async () => {
    const [a, b] = [await create(), await create()]
    a.addTask('task-a')
    b.addTask('task-b')
    await Promise.all([a.work(), b.work()])
    expect([a.list('tasks/done'), b.list('tasks/done')]).toEqual([['task-a.md'], ['task-b.md']])
  })

  test('scenario 18: one counted tick takes the lock and gives it back', async () => {
    const rig = await create()
    await rig.ticks(1)
    expect(rig.eventTypes().filter((type) => type.includes('lock'))).toEqual([
      'runtime_daemon_lock_acquired',
      'runtime_daemon_lock_released',
    ])
    expect(rig.lock().state).toBe('released')
    expect(rig.exists('state/runtime_daemon.lock.json')).toBe(false)
  })

  // Here a lock whose holder is proven dead needs no operator: the next start succeeds it.
  test('scenario 19, W-46: after a crash the lock is stale whatever the snapshot says, and the next start takes over', async () => {
    const rig = await create()
    const daemon = new Daemon(rig)
    // The snapshot is the last thing a transaction writes: then the daemon is at rest.
    await until('the daemon to run', () => rig.json<Snapshot>('state/runtime_snapshot.json').process_running)
    await daemon.kill()
    expect(rig.json<Snapshot>('state/runtime_snapshot.json').process_running).toBe(true)
    expect(rig.lock().state).toBe('stale')
    await rig.ticks(1)
    expect(rig.events.find((event) => event.type === 'runtime_lock_taken_over')?.data).toEqual({ state: 'stale' })
    expect(rig.json<Snapshot>('state/runtime_snapshot.json').process_running).toBe(false)
  })

  test('scenario 19: clear-stale-state works directly beside a dead holder', async () => {
    const rig = await create()
    const daemon = new Daemon(rig)
    while (rig.log('runtime_started').length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    await daemon.kill()
    expect(await rig.issue('clear_stale_state')).toMatchObject({ mode: 'direct', applied: true })
    expect(rig.lock().state).toBe('released')
    expect(rig.json<Snapshot>('state/runtime_snapshot.json').process_running).toBe(false)
  })
})

describe('a runtime that loses what it stands on', () => {
  test('a lock that was taken over ends it, and it writes nothing more', async () => {
    const rig = await create()
    const live = await Live.start(rig)
    await live.until('idle', () => rig.log('runtime_tick_idle').length === 1)
    const next = live.engine.workspace.lock.generation + 1
    fs.writeFileSync(rig.at('state/lock', String(next)), JSON.stringify({ pid: 1, token: 'other', host: 'elsewhere' }))
    const before = written(rig)
    rig.addTask('task-a')
    await expect(live.finish()).rejects.toMatchObject({ code: 'lock_lost' })
    expect(written(rig)).toEqual(before)
    expect(rig.list('tasks/queue')).toEqual(['task-a.md'])
  })

  /** A disk that, while told so, refuses to bring a file to a folder: a transaction then stops after it was made durable. */
  const refusing = (folder: string) => {
    const state = { refuses: true }
    const check = (to: string) => {
      if (state.refuses && to.includes(folder)) throw Object.assign(new Error('EIO: refused'), { code: 'EIO' })
    }
    const link = (from: string, to: string) => {
      check(to)
      disk.link(from, to)
    }
    const rename = (from: string, to: string) => {
      check(to)
      disk.rename(from, to)
    }
    return { state, files: { ...disk, link, rename } }
  }

  test('a disk that refuses half-way is tried again until the transaction is through', async () => {
    const { state, files } = refusing('/tasks/active/')
    const rig = await create({ files })
    const live = await Live.start(rig)
    rig.addTask('task-a')
    await live.until('degraded', () => live.engine.workspace.degraded)
    expect(rig.list('tasks/active')).toEqual([])
    state.refuses = false
    await live.until('done', () => rig.list('tasks/done').length === 1)
    expect(rig.log('runtime_recovered')).toHaveLength(1)
    expect(rig.log('stage_started').map((data) => data.stage)).toEqual(['builder', 'checker', 'updater'])
    await live.close()
  })

  test('an agent is not started before its request is on the disk', async () => {
    const { state, files } = refusing('/stage_requests/')
    const rig = await create({ files })
    const live = await Live.start(rig)
    rig.addTask('task-a')
    await live.until('degraded', () => live.engine.workspace.degraded)
    await pause(100)
    expect(live.engine.lanes.size).toBe(0)
    state.refuses = false
    await live.until('done', () => rig.list('tasks/done').length === 1)
    expect(rig.log('stage_started').map((data) => data.stage)).toEqual(['builder', 'checker', 'updater'])
    expect(rig.log('stage_interrupted')).toEqual([])
    await live.close()
  })

  test('a runtime on such a disk can still be stopped, and the next one goes on', async () => {
    const { state, files } = refusing('/tasks/active/')
    const rig = await create({ files })
    const live = await Live.start(rig)
    rig.addTask('task-a')
    await live.until('degraded', () => live.engine.workspace.degraded)
    live.engine.stopping = 'stop'
    live.engine.wake()
    await live.until('the end', () => live.end !== null)
    expect(live.end).toMatchObject({ exit_reason: 'stop_requested' })
    await expect(live.finish()).rejects.toMatchObject({ code: 'degraded' })
    state.refuses = false
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })
})

describe('what a start finds', () => {
  test('scenario 20: a pause survives a restart', async () => {
    const rig = await create()
    rig.addTask('task-a')
    await rig.issue('pause', { reason: 'release day' })
    await rig.work()
    await rig.work()
    expect(rig.stages()).toEqual([])
    expect(rig.json<Snapshot>('state/runtime_snapshot.json').pause_sources).toMatchObject([
      { source: 'operator', reason: 'release day' },
    ])
    await rig.issue('resume')
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  // Ownership is told by the lock, so a run between two runtimes is not stale: it goes on where it stands.
  test('scenarios 21, 22, W-08: a run left between two runtimes goes on at its own node, without any recovery', async () => {
    const rig = await create()
    rig.addTask('task-a')
    await rig.ticks(1)
    await rig.ticks(1)
    await rig.ticks(1)
    expect(rig.stages()).toEqual(['builder', 'checker', 'updater'])
    expect(
      new Set(
        rig
          .requests('updater')
          .concat(rig.requests('builder'))
          .map((request) => request.run_id),
      ).size,
    ).toBe(1)
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  // Status markers are an output here: no decision reads them, so none is impossible.
  test.each([
    ['scenario 23: an outcome of another stage', '### CHECKER_PASS\n'],
    ['scenario 25: an unknown marker', '### NO_SUCH\n'],
    ['scenario 25: two lines', '### IDLE\n### IDLE\n'],
    ['scenario 25: a missing file', null],
    ['scenario 26: the outcome that led here', '### BUILDER_COMPLETE\n'],
  ])('%s in the status file changes nothing about where a run goes on', async (_, marker) => {
    const rig = await create()
    rig.addTask('task-a')
    await rig.ticks(1)
    if (marker === null) fs.rmSync(rig.at('state/execution_status.md'))
    else fs.writeFileSync(rig.at('state/execution_status.md'), marker)
    await rig.ticks(1)
    expect(rig.stages()).toEqual(['builder', 'checker'])
    expect(rig.read('state/execution_status.md')).toBe('### CHECKER_PASS\n')
    expect(rig.json<Counters>('state/recovery_counters.json').entries).toEqual([])
  })

  test('scenario 24: nor does a marker of a plane that stands at its planner', async () => {
    const rig = await create()
    rig.addSpec('spec-a')
    rig.outcomes({ planner: ['PLANNER_COMPLETE'] })
    await rig.ticks(1)
    fs.writeFileSync(rig.at('state/planning_status.md'), '### MANAGER_COMPLETE\n')
    await rig.ticks(1)
    expect(rig.stages()).toEqual(['planner', 'manager'])
  })

  test('scenario 27, W-15: budgets that belong to no active run are dropped at the start', async () => {
    const rig = await create()
    rig.outcomes({ builder: ['BLOCKED', 'BUILDER_COMPLETE'] })
    rig.addTask('task-a')
    const entry = {
      work_item_kind: 'task',
      counter_name: 'troubleshoot_attempt_count',
      key: 'builder_blocked',
      count: 2,
      last_updated_at: '2026-03-01T10:00:00Z',
    }
    const entries = ['task-a', 'task-gone'].map((work_item_id) => ({ ...entry, work_item_id }))
    fs.writeFileSync(
      rig.at('state/recovery_counters.json'),
      JSON.stringify({ schema_version: '2.0', kind: 'recovery_counters', entries }),
    )
    await rig.work()
    expect(rig.stages()).toEqual(['builder', 'troubleshooter', 'builder', 'checker', 'updater'])
    expect(rig.json<Counters>('state/recovery_counters.json').entries).toEqual([])
  })

  test('W-07: an item in an active folder that no run owns goes back to its queue and is worked', async () => {
    const rig = await create()
    rig.addTask('task-a', {}, 'active')
    await rig.work()
    expect(rig.events.find((event) => event.type === 'work_item_requeued')?.data).toMatchObject({
      work_item_id: 'task-a',
      source_state: 'active',
    })
    expect(rig.read('tasks/queue/task-a.requeue.jsonl')).toContain('no run owns it')
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  test('scenario 35: two items in one active folder are both requeued, and worked one after the other', async () => {
    const rig = await create()
    rig.addTask('task-a', {}, 'active')
    rig.addTask('task-b', {}, 'active')
    await rig.work()
    expect(rig.log('work_item_requeued').map((data) => data.work_item_id)).toEqual(['task-a', 'task-b'])
    expect(rig.list('tasks/done')).toEqual(['task-a.md', 'task-b.md'])
  })

  test('W-45: a config that does not compile any more refuses the start although an old plan is there', async () => {
    const rig = await create()
    await rig.ticks(1)
    const plan = rig.read('state/compiled_plan.json')
    rig.mode({ loop_ids_by_plane: { execution: 'execution.standard', planning: 'planning.none' } })
    rig.addTask('task-a')
    await expect(rig.ticks(1)).rejects.toMatchObject({
      code: 'compile_failed',
      message: expect.stringContaining('planning.none'),
    })
    expect(rig.stages()).toEqual([])
    expect(rig.read('state/compiled_plan.json')).toBe(plan)
    expect(rig.json('state/compile_diagnostics.json')).toMatchObject({ ok: false, used_last_known_good: true })
    expect(rig.lock().state).toBe('released')
  })

  test('W-46: process_running is false once a runtime has given the workspace back', async () => {
    const rig = await create()
    const engine = await rig.open()
    expect(rig.json<Snapshot>('state/runtime_snapshot.json').process_running).toBe(true)
    await engine.close()
    expect(rig.json<Snapshot>('state/runtime_snapshot.json').process_running).toBe(false)
    expect(rig.eventTypes()).toContain('runtime_closed')
  })
})
