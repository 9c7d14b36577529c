/** After the death of a runtime: what becomes of the stages it left (design §6; spec 02 §11, 28). Nothing is done twice or forgotten. */
import * as fs from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/core/config.ts'
import type { StageRequest } from '../../src/core/request.ts'
import type { ClosureTarget, Snapshot } from '../../src/core/state.ts'
import type { Listener } from '../../src/engine/engine.ts'
import { carriersOf } from '../../src/runners/process.ts'
import type { Handle } from '../../src/runners/runner.ts'
import { Daemon, killAgent, Live, pause, until } from '../rig/live.ts'
import { enginePorts } from '../rig/ports.ts'
import { PACKAGE_ROOT, type Reply, Rig, scriptedProgram } from '../rig/runtime.ts'

let rig: Rig
afterEach(() => rig?.dispose())

const builder = (steps: Record<string, unknown>[]): Reply => ({
  stage: 'builder',
  attempt: 1,
  steps: [{ artifacts: true }, ...steps],
  outcome: 'BUILDER_COMPLETE',
})
const snapshot = () => rig.json<Snapshot>('state/runtime_snapshot.json')
const run = () => snapshot().active_runs[0]!
const started = (stage: string) => rig.log('stage_started').filter((data) => data.stage === stage)

/** A workspace whose runtime was killed while the builder worked; the agent is left as it is. */
async function orphaned(steps: Record<string, unknown>[], config?: string): Promise<string> {
  rig = await Rig.create({ replies: [builder(steps)], ...(config ? { config } : {}) })
  rig.addTask('task-a')
  const daemon = new Daemon(rig)
  const requestId = await daemon.agent('builder')
  await daemon.kill()
  return requestId
}

/** Makes the active run look as if its runtime had died right after it made the request durable: no agent was started. */
function diedBeforeTheAgent(requestId: string): void {
  const state = snapshot()
  const active = state.active_runs[0]!
  const folder = rig.at('runs', active.run_id, 'stage_requests')
  const earlier = JSON.parse(fs.readFileSync(`${folder}/${fs.readdirSync(folder)[0]}`, 'utf8')) as StageRequest
  const request = { ...earlier, request_id: requestId, node_id: active.node_id, stage_kind_id: active.stage_kind_id }
  fs.writeFileSync(`${folder}/${requestId}.json`, JSON.stringify(request))
  Object.assign(active, { status: 'started', request_id: requestId })
  fs.writeFileSync(rig.at('state/runtime_snapshot.json'), JSON.stringify(state))
}

/** Types of the events of each transaction of a runtime; `work` gives it the listener. */
let told: string[][] = []
const listener: Listener = (change) => {
  if (change.change === 'event.append') told.at(-1)!.push(change.event_type)
  else if (change.change === 'state.set') told.push([])
}
async function transactionsOf(work: () => Promise<unknown>): Promise<string[][]> {
  told = [[]]
  await work()
  return told
}

describe('a stage whose runtime died', () => {
  test('scenario 28: if its agent is gone too, the same node runs again with a new request that is told so', async () => {
    const requestId = await orphaned([{ wait_ms: 60_000 }])
    const before = run()
    await killAgent(requestId)
    rig.replies([])
    await rig.work()
    expect(rig.stages()).toEqual(['builder', 'checker', 'updater'])
    const [, second] = rig.requests('builder')
    expect(second).toMatchObject({
      run_id: before.run_id,
      previous_attempt: { request_id: requestId, reason: expect.stringContaining('died') },
    })
    expect(rig.read('runs', second!.run_id, `runner_prompt.${second!.request_id}.md`)).toContain(requestId)
    expect(rig.log('stage_interrupted')).toMatchObject([{ request_id: requestId, node_id: 'builder' }])
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  test('if its agent has finished meanwhile, the result is settled and nothing runs again', async () => {
    const requestId = await orphaned([{ wait_ms: 300 }])
    await until(
      'the exit record',
      () => rig.list('runs', run().run_id).includes(`runner_exit.${requestId}`) || carriersOf(requestId).length === 0,
    )
    await rig.work()
    expect(rig.stages()).toEqual(['checker', 'updater'])
    expect(started('builder')).toHaveLength(1)
    expect(rig.log('stage_completed')[0]).toMatchObject({ request_id: requestId, terminal_result: 'BUILDER_COMPLETE' })
  })

  test('if its agent still works, it is adopted and followed to its end', async () => {
    const requestId = await orphaned([{ wait_ms: 1200 }])
    const keeper = carriersOf(requestId).find(({ leader }) => leader)!.pid
    await rig.work()
    expect(rig.log('stage_adopted')).toMatchObject([{ request_id: requestId, node_id: 'builder', pid: keeper }])
    expect(started('builder')).toHaveLength(1)
    expect(rig.stages()).toEqual(['checker', 'updater'])
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  test('an adopted agent answers to a stop like any other', async () => {
    const requestId = await orphaned([{ wait_ms: 60_000 }])
    const live = await Live.start(rig)
    await live.command('stop')
    await live.finish()
    expect(carriersOf(requestId)).toEqual([])
    expect(run()).toMatchObject({
      node_id: 'builder',
      status: 'ready',
      interruptions: 0,
      previous_attempt: { request_id: requestId },
    })
  })

  test('with on_restart = "kill" a living agent is ended, and its node runs again', async () => {
    const requestId = await orphaned([{ wait_ms: 60_000 }])
    fs.writeFileSync(
      rig.at('millrace.toml'),
      rig.read('millrace.toml').replace('[runtime]', '[runtime]\non_restart = "kill"'),
    )
    rig.replies([])
    const live = await Live.start(rig)
    expect(carriersOf(requestId)).toEqual([])
    await live.until('done', () => rig.list('tasks/done').length === 1)
    expect(rig.log('stage_interrupted')).toMatchObject([{ request_id: requestId }])
    expect(started('builder')).toHaveLength(2)
    await live.close()
  })

  test('with on_restart = "kill" an agent that has finished already keeps its result', async () => {
    const requestId = await orphaned([{ wait_ms: 100 }])
    await until('its end', () => carriersOf(requestId).length === 0)
    fs.writeFileSync(
      rig.at('millrace.toml'),
      rig.read('millrace.toml').replace('[runtime]', '[runtime]\non_restart = "kill"'),
    )
    await rig.work()
    expect(started('builder')).toHaveLength(1)
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  test('with on_restart = "kill" an agent that ends by itself just before the kill keeps its result', async () => {
    const requestId = await orphaned([{ wait_ms: 100 }])
    await until('its end', () => carriersOf(requestId).length === 0)
    const { runners } = enginePorts(rig.root, { packageRoot: PACKAGE_ROOT, scriptedAgent: scriptedProgram() })
    rig.options.runners = (config, root) => {
      const all = runners(config, root)
      const scripted = all.get('scripted')!
      const handle = rig.json<Handle>('runs', run().run_id, `runner_handle.${requestId}.json`)
      // It is seen alive, and is gone when it is to be killed.
      return new Map([...all, ['scripted', { ...scripted, remains: async () => ({ state: 'alive', handle }) }]])
    }
    fs.writeFileSync(
      rig.at('millrace.toml'),
      rig.read('millrace.toml').replace('[runtime]', '[runtime]\non_restart = "kill"'),
    )
    await rig.work()
    expect(started('builder')).toHaveLength(1)
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  test('a stop that the runtime did not live to settle uses no budget', async () => {
    rig = await Rig.create({ replies: [builder([{ run: { command: 'trap "" TERM; while :; do sleep 0.1; done' } }])] })
    rig.addTask('task-a')
    const daemon = new Daemon(rig)
    const requestId = await daemon.agent('builder')
    await until('the stubborn child', () => carriersOf(requestId).some(({ command }) => command.includes('trap')))
    await rig.command('stop')
    await until('the stop to begin', () =>
      rig.list('runs', run().run_id).some((name) => name.startsWith('runner_stop')),
    )
    await daemon.kill()
    rig.replies([])
    await rig.work()
    expect(carriersOf(requestId)).toEqual([])
    expect(rig.log('router_decision').map((data) => data.reason)).toEqual([
      'builder:BUILDER_COMPLETE',
      'checker:CHECKER_PASS',
      'updater_complete',
    ])
    expect(rig.log('stage_interrupted')).toMatchObject([{ request_id: requestId, reason: 'stopped' }])
  })

  test('an agent that was killed by a runtime which did not live to say so uses no budget either', async () => {
    const requestId = await orphaned([{ wait_ms: 60_000 }])
    const { runners } = enginePorts(rig.root, { packageRoot: PACKAGE_ROOT, scriptedAgent: scriptedProgram() })
    const runner = runners(parseConfig({}, 'test'), rig.root).get('scripted')!
    const request = rig.requests('builder')[0]!
    await runner
      .follow(request, rig.json<Handle>('runs', run().run_id, `runner_handle.${requestId}.json`))
      .stop('killed')
    rig.replies([])
    await rig.work()
    expect(rig.log('router_decision').map((data) => data.reason)).toEqual([
      'builder:BUILDER_COMPLETE',
      'checker:CHECKER_PASS',
      'updater_complete',
    ])
    expect(rig.log('stage_interrupted')).toMatchObject([{ request_id: requestId }])
  })

  test('a run that is cancelled while no runtime lives ends its agent and blocks its item at once', async () => {
    const requestId = await orphaned([{ wait_ms: 60_000 }])
    expect(await rig.issue('cancel_run', { run_id: run().run_id })).toMatchObject({ mode: 'direct', applied: true })
    expect(carriersOf(requestId)).toEqual([])
    expect([rig.list('tasks/blocked'), rig.list('tasks/active')]).toEqual([['task-a.md'], []])
    expect(snapshot().active_runs).toEqual([])
  })

  test('an item that was moved away meanwhile withdraws its run, and the agent left running is ended', async () => {
    const requestId = await orphaned([{ wait_ms: 60_000 }])
    fs.renameSync(rig.at('tasks/active/task-a.md'), rig.at('tasks/blocked/task-a.md'))
    const live = await Live.start(rig)
    await live.until('withdrawn', () => rig.log('run_withdrawn').length === 1)
    expect(carriersOf(requestId)).toEqual([])
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
    await live.close()
  })

  test('a run whose plan is gone from the workspace is held with the reason, and can be retried under the new one', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    await rig.ticks(1)
    rig.config('[recovery]\nmax_fix_cycles = 5\n')
    fs.rmSync(rig.at('state/plans'), { recursive: true })
    await rig.work()
    expect(run()).toMatchObject({ status: 'held', held: { reason: expect.stringContaining('state/plans') } })
    await rig.issue('retry_active')
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })
})

describe('the budget for interruptions', () => {
  test('a node that is interrupted again and again blocks its item in the end, without using other budgets', async () => {
    rig = await Rig.create({ mode: { recovery_limits: { interruptions_max: 2 } } })
    rig.addTask('task-a')
    await rig.ticks(1)
    for (const [index, interruptions] of [1, 2].entries()) {
      diedBeforeTheAgent(`request-lost-${index}`)
      const engine = await rig.open()
      expect(engine.workspace.view().snapshot.active_runs).toMatchObject([
        {
          node_id: 'checker',
          status: 'ready',
          interruptions,
          previous_attempt: { request_id: `request-lost-${index}` },
        },
      ])
      expect(engine.workspace.view().counters.entries).toEqual([])
      await rig.close()
    }
    diedBeforeTheAgent('request-lost-2')
    await rig.work()
    expect(rig.list('tasks/blocked')).toEqual(['task-a.md'])
    expect(rig.log('work_item_blocked')).toMatchObject([
      { work_item_id: 'task-a', failure_class: 'interrupted_too_often' },
    ])
    expect(rig.log('stage_interrupted')).toHaveLength(3)
    expect(rig.stages()).toEqual(['builder'])
  })

  test('its last interruption and the end of its run are one transaction, so that neither is told twice', async () => {
    rig = await Rig.create({ mode: { recovery_limits: { interruptions_max: 0 } } })
    rig.addTask('task-a')
    await rig.ticks(1)
    diedBeforeTheAgent('request-lost')
    const transactions = await transactionsOf(() => rig.work(100, [listener]))
    expect(transactions.filter((told) => told.includes('stage_interrupted'))).toEqual([
      ['stage_interrupted', 'work_item_blocked', 'run_cancelled'],
    ])
  })

  test('a stage that ends gives the next one a fresh budget', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    await rig.ticks(1)
    diedBeforeTheAgent('request-lost')
    await rig.ticks(1)
    expect(rig.stages()).toEqual(['builder', 'checker'])
    expect(run()).toMatchObject({ node_id: 'updater', interruptions: 0, previous_attempt: null })
  })
})

test('a stage that died with its runtime is left to a person where recovery.stale_state_recovery_enabled is false', async () => {
  rig = await Rig.create({ replies: [{ stage: 'builder', outcome: 'BLOCKED', steps: [{ wait_ms: 60_000 }] }] })
  rig.config('[recovery]\nstale_state_recovery_enabled = false\n')
  rig.addTask('task-a')
  const daemon = new Daemon(rig)
  const requestId = await daemon.agent('builder')
  await daemon.kill()
  await killAgent(requestId)
  rig.replies([])
  await rig.work()
  expect(rig.stages()).toEqual([])
  expect(run()).toMatchObject({
    node_id: 'builder',
    status: 'held',
    held: { reason: expect.stringContaining('recovery.stale_state_recovery_enabled') },
  })
  expect(await rig.issue('retry_active')).toMatchObject({ applied: true })
  await rig.work()
  expect(rig.list('tasks/done')).toEqual(['task-a.md'])
})

describe('a stage that may run only once', () => {
  /** A closure target whose judgement was interrupted: the shipped arbiter is declared single_attempt_only. */
  async function interruptedJudgement(listeners: Listener[] = []): Promise<void> {
    rig = await Rig.create({ replies: [{ stage: 'arbiter', outcome: 'BLOCKED', steps: [{ wait_ms: 60_000 }] }] })
    rig.addRootSpec('root')
    fs.renameSync(rig.at('specs/queue/root.md'), rig.at('specs/done/root.md'))
    const daemon = new Daemon(rig)
    const requestId = await daemon.agent('arbiter')
    await daemon.kill()
    await killAgent(requestId)
    rig.replies([])
    await rig.work(100, listeners)
  }

  test('is held after an interruption instead of being repeated unasked', async () => {
    await interruptedJudgement()
    expect(rig.stages()).toEqual([])
    expect(run()).toMatchObject({
      node_id: 'arbiter',
      status: 'held',
      held: { reason: expect.stringContaining('may not be repeated unasked') },
    })
    expect(rig.log('run_held')).toHaveLength(1)
    await rig.work()
    expect(rig.log('run_held')).toHaveLength(1)
  })

  test('is held in the transaction that tells of the interruption: a crash leaves no moment in which it would be repeated', async () => {
    const transactions = await transactionsOf(() => interruptedJudgement([listener]))
    expect(transactions.filter((told) => told.includes('stage_interrupted'))).toEqual([
      ['stage_interrupted', 'run_held'],
    ])
  })

  test.each(['retry_active', 'clear_stale_state'])('goes on by %s', async (command) => {
    await interruptedJudgement()
    expect(await rig.issue(command)).toMatchObject({ applied: true })
    await rig.work()
    expect(rig.stages()).toEqual(['arbiter'])
    expect(rig.json<ClosureTarget>('arbiter/targets/root.json').closure_open).toBe(false)
  })

  test('ends by a cancel, which holds its target for a person', async () => {
    await interruptedJudgement()
    await rig.issue('cancel_run', { run_id: run().run_id })
    await rig.work()
    expect(rig.stages()).toEqual([])
    expect(rig.json<ClosureTarget>('arbiter/targets/root.json')).toMatchObject({
      closure_open: true,
      held: { reason: 'cancelled', retry_at: null },
    })
  })

  test('is adopted like any other while its agent lives', async () => {
    rig = await Rig.create({
      replies: [{ stage: 'arbiter', outcome: 'ARBITER_COMPLETE', steps: [{ artifacts: true }, { wait_ms: 800 }] }],
    })
    rig.addRootSpec('root')
    fs.renameSync(rig.at('specs/queue/root.md'), rig.at('specs/done/root.md'))
    const daemon = new Daemon(rig)
    await daemon.agent('arbiter')
    await daemon.kill()
    await pause(20)
    await rig.work()
    expect(rig.stages()).toEqual([])
    expect(rig.json<ClosureTarget>('arbiter/targets/root.json').closure_open).toBe(false)
  })
})
