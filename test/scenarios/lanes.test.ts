/** Planes side by side: who may run beside whom is the mode's to say, and no lane touches another (spec 02 §11, 103). */
import * as fs from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import type { Snapshot } from '../../src/core/state.ts'
import { carriersOf } from '../../src/runners/process.ts'
import { Daemon, killAgent, Live, pause } from '../rig/live.ts'
import { type Reply, Rig } from '../rig/runtime.ts'

let rig: Rig
afterEach(() => rig?.dispose())

const BESIDE = { mutually_exclusive_planes: [], may_run_concurrently: [['execution', 'planning']] }
const long = (stage: string): Reply => ({ stage, steps: [{ wait_ms: 60_000 }], outcome: 'BLOCKED' })
const runs = () => rig.json<Snapshot>('state/runtime_snapshot.json').active_runs
const at = () =>
  runs()
    .map((run) => `${run.plane} ${run.node_id} ${run.status}`)
    .sort()

/** A workspace with a task and a spec, whose planes may run side by side. */
async function both(replies: Reply[], concurrency_policy: object | null = BESIDE): Promise<void> {
  rig = await Rig.create({ replies, mode: concurrency_policy ? { concurrency_policy } : {} })
  rig.addTask('task-a')
  rig.addSpec('spec-a', { source_type: 'derived_spec', parent_spec_id: 'spec-root' })
}

describe('one lane at a time', () => {
  test.each([
    ['without a policy', null],
    [
      'where a policy both allows and excludes',
      { mutually_exclusive_planes: [['planning', 'execution']], may_run_concurrently: [['execution', 'planning']] },
    ],
  ])('scenario 103: %s execution waits for planning', async (_, policy) => {
    await both([long('planner')], policy)
    const live = await Live.start(rig)
    await live.agent('planner')
    await pause(150)
    expect(at()).toEqual(['planning planner started'])
    expect(rig.list('tasks/queue')).toEqual(['task-a.md'])
    await live.close()
  })
})

describe('two lanes', () => {
  test('scenario 103: run side by side, and one that settles leaves the other alone', async () => {
    await both([long('planner'), long('checker')])
    const live = await Live.start(rig)
    const planner = await live.agent('planner')
    await live.agent('checker')
    expect(at()).toEqual(['execution checker started', 'planning planner started'])
    expect([rig.read('state/planning_status.md'), rig.read('state/execution_status.md')]).toEqual([
      '### PLANNER_RUNNING\n',
      '### CHECKER_RUNNING\n',
    ])
    expect(carriersOf(planner)).not.toEqual([])
    await live.close()
  })

  test('both come to their end', async () => {
    await both([])
    await rig.work()
    expect([rig.list('specs/done'), rig.list('tasks/done').length]).toEqual([['spec-a.md'], 2])
    expect(runs()).toEqual([])
  })

  test('a stop ends both agents, and the next start takes both up', async () => {
    await both([long('planner'), long('builder')])
    const live = await Live.start(rig)
    const agents = [await live.agent('planner'), await live.agent('builder')]
    await live.command('stop')
    await live.finish()
    for (const agent of agents) expect(carriersOf(agent)).toEqual([])
    expect(at()).toEqual(['execution builder ready', 'planning planner ready'])
    rig.replies([])
    await rig.work()
    expect(rig.list('specs/done')).toEqual(['spec-a.md'])
  })

  test('a cancelled run leaves the other at work, and a retry must say which plane is meant', async () => {
    await both([long('planner'), long('builder')])
    const live = await Live.start(rig)
    const planner = await live.agent('planner')
    await live.agent('builder')
    expect(await live.command('retry_active')).toMatchObject({
      disposition: 'failed',
      result: { code: 'item_ambiguous' },
    })
    expect((await live.command('retry_active', { scope: 'execution' })).result).toMatchObject({ applied: true })
    await live.agent('builder', 2)
    await live.command('cancel_run', { run_id: runs().find((run) => run.plane === 'execution')!.run_id })
    await live.until('task-a blocked', () => rig.list('tasks/blocked').length === 1)
    expect(carriersOf(planner)).not.toEqual([])
    expect(at()).toEqual(['planning planner started'])
    await live.close()
  })

  test('a run that is held keeps its own lane only', async () => {
    await both([long('planner'), long('builder')])
    const live = await Live.start(rig)
    await live.agent('planner')
    await live.agent('builder')
    await live.command('stop')
    await live.finish()
    rig.replies([])
    const snapshot = rig.json<Snapshot>('state/runtime_snapshot.json')
    snapshot.active_runs.find((run) => run.plane === 'planning')!.compiled_plan_id = 'plan-gone'
    fs.writeFileSync(rig.at('state/runtime_snapshot.json'), JSON.stringify(snapshot))
    await rig.work()
    expect(at()).toEqual(['planning planner held'])
    expect(rig.log('run_held')).toHaveLength(1)
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  test('after a crash each lane is resumed by itself: one adopted, one run again (W-52)', async () => {
    await both([
      { stage: 'planner', steps: [{ artifacts: true }, { wait_ms: 900 }], outcome: 'PLANNER_COMPLETE' },
      long('builder'),
    ])
    const daemon = new Daemon(rig)
    await daemon.agent('planner')
    const builder = await daemon.agent('builder')
    await daemon.kill()
    await killAgent(builder)
    rig.replies([])
    await rig.work()
    expect(rig.log('stage_adopted')).toMatchObject([{ node_id: 'planner' }])
    expect(rig.log('stage_interrupted')).toMatchObject([{ node_id: 'builder', request_id: builder }])
    expect(rig.stages().filter((stage) => stage === 'planner')).toEqual([])
    expect([rig.list('specs/done'), rig.list('tasks/done').length]).toEqual([['spec-a.md'], 2])
  })
})
