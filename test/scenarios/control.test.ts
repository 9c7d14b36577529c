/** Control: pause, stop, cancel, retry, clear, add, also while an agent works for long (spec 02 §8 and §11, 37 to 38, 93 to 102). */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Snapshot } from '../../src/core/state.ts'
import { carriersOf } from '../../src/runners/process.ts'
import { Live, pause, until } from '../rig/live.ts'
import { Rig, task } from '../rig/runtime.ts'

let rig: Rig
afterEach(() => rig?.dispose())

const LONG = [{ wait_ms: 60_000 }]
const SOON_MS = 1000

const snapshot = () => rig.json<Snapshot>('state/runtime_snapshot.json')
const run = () => snapshot().active_runs[0]
const jsonl = (...parts: string[]) =>
  rig
    .read(...parts)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

/** A live runtime whose builder works on `task-a` until it is ended. */
async function building(more: Parameters<typeof Rig.create>[0] = {}): Promise<{ live: Live; requestId: string }> {
  rig = await Rig.create({ replies: [{ stage: 'builder', steps: LONG, outcome: 'BLOCKED' }], ...more })
  rig.addTask('task-a')
  const live = await Live.start(rig)
  return { live, requestId: await live.agent('builder') }
}

describe('while an agent works for long', () => {
  test('W-32: a pause is answered within a second, and the agent goes on', async () => {
    const { live, requestId } = await building()
    expect(await live.command('pause', { reason: 'wait' })).toMatchObject({
      disposition: 'processed',
      result: { applied: true },
      ms: expect.toSatisfy((ms) => ms < SOON_MS),
    })
    expect(carriersOf(requestId)).not.toEqual([])
    expect(run()).toMatchObject({ node_id: 'builder', status: 'started' })
    expect((await live.command('pause')).result).toMatchObject({
      applied: false,
      detail: 'already paused by the operator',
    })
    expect((await live.command('resume')).result).toMatchObject({ applied: true })
    expect((await live.command('resume')).result).toMatchObject({ applied: false })
    await live.close()
  })

  test('a pause lets the running stage end and settles it, and starts nothing new', async () => {
    rig = await Rig.create({
      replies: [{ stage: 'builder', steps: [{ artifacts: true }, { wait_ms: 300 }], outcome: 'BUILDER_COMPLETE' }],
    })
    rig.addTask('task-a')
    const live = await Live.start(rig)
    await live.agent('builder')
    await live.command('pause')
    await live.until('the builder settled', () => rig.log('stage_completed').length === 1)
    await pause(150)
    expect(rig.log('stage_started')).toHaveLength(1)
    expect(run()).toMatchObject({ node_id: 'checker', status: 'ready' })
    await live.command('resume')
    await live.until('done', () => rig.list('tasks/done').length === 1)
    await live.close()
  })

  test('W-32, W-16: a stop ends the agent and the runtime within a second; the next start runs the same node again', async () => {
    const { live, requestId } = await building()
    const began = performance.now()
    expect((await live.command('stop')).result).toMatchObject({ applied: true })
    expect(await live.finish()).toMatchObject({ exit_reason: 'stop_requested' })
    expect(performance.now() - began).toBeLessThan(SOON_MS)
    expect(carriersOf(requestId)).toEqual([])
    expect(rig.lock().state).toBe('released')
    expect(snapshot()).toMatchObject({ process_running: false, stop_requested: null })
    expect(run()).toMatchObject({
      node_id: 'builder',
      status: 'ready',
      request_id: null,
      interruptions: 0,
      previous_attempt: { request_id: requestId, reason: 'the runtime was stopped' },
    })
    expect(rig.json('state/recovery_counters.json').entries).toEqual([])
    const runId = run()!.run_id
    rig.replies([])
    await rig.work()
    expect(rig.stages()).toEqual(['builder', 'builder', 'checker', 'updater'])
    const [first, second] = rig.requests('builder')
    expect([first!.run_id, second!.run_id]).toEqual([runId, runId])
    expect(second!.request_id).not.toBe(first!.request_id)
    expect(second!.previous_attempt).toMatchObject({ request_id: requestId })
  })

  test('a stop also ends what ignores polite signals or has a session of its own', async () => {
    const stray = { spawn: { command: 'trap "" TERM HUP; while :; do sleep 60; done' } }
    const { live, requestId } = await building({
      replies: [
        {
          stage: 'builder',
          steps: [stray, { run: { command: 'trap "" TERM; while :; do sleep 60; done' } }],
          outcome: 'BLOCKED',
        },
      ],
    })
    await live.until(
      'the stray',
      () => carriersOf(requestId).filter(({ command }) => command.includes('while :')).length >= 2,
    )
    await live.command('stop')
    await live.finish()
    expect(carriersOf(requestId)).toEqual([])
  })

  test('scenario 107: a draining stop lets the stage end, and the next start goes on behind it', async () => {
    rig = await Rig.create({
      replies: [{ stage: 'builder', steps: [{ artifacts: true }, { wait_ms: 400 }], outcome: 'BUILDER_COMPLETE' }],
    })
    rig.addTask('task-a')
    const live = await Live.start(rig)
    await live.agent('builder')
    const answer = await live.command('stop', { drain: true })
    expect(answer.ms).toBeLessThan(SOON_MS)
    expect(live.end).toBeNull()
    expect(await live.finish()).toMatchObject({ exit_reason: 'stop_requested' })
    expect(rig.log('stage_completed').map((data) => data.terminal_result)).toEqual(['BUILDER_COMPLETE'])
    expect(run()).toMatchObject({ node_id: 'checker', status: 'ready' })
    await rig.work()
    expect(rig.stages()).toEqual(['builder', 'checker', 'updater'])
  })

  test('a stop during a draining stop does not wait for the agent', async () => {
    const { live, requestId } = await building()
    await live.command('stop', { drain: true })
    await live.command('stop')
    await live.finish()
    expect(carriersOf(requestId)).toEqual([])
    expect(run()).toMatchObject({ node_id: 'builder', status: 'ready' })
  })

  test('cancelling the run ends the agent and blocks the item within a second, and other work goes on', async () => {
    const { live, requestId } = await building()
    rig.addTask('task-b', { created_at: '2026-03-02T10:00:00Z' })
    rig.replies([])
    const began = performance.now()
    const answer = await live.command('cancel_run', { run_id: run()!.run_id, reason: 'wrong task' })
    expect(answer.result).toMatchObject({ applied: true })
    await live.until('task-a blocked', () => rig.list('tasks/blocked').length === 1)
    expect(performance.now() - began).toBeLessThan(SOON_MS)
    expect(carriersOf(requestId)).toEqual([])
    expect(rig.log('run_cancelled')).toMatchObject([{ reason: 'wrong task', requeued: false }])
    expect(rig.log('work_item_blocked')).toMatchObject([{ work_item_id: 'task-a', failure_class: 'cancelled' }])
    await live.until('task-b done', () => rig.list('tasks/done').length === 1)
    await live.close()
  })

  test('scenario 93: retry-active ends the agent, requeues the item with the reason and starts it over', async () => {
    const { live, requestId } = await building()
    rig.replies([])
    const first = run()!.run_id
    const answer = await live.command('retry_active', { reason: 'wrong branch' })
    expect(answer.result).toMatchObject({ applied: true, run_id: first })
    await live.until('done', () => rig.list('tasks/done').length === 1)
    expect(carriersOf(requestId)).toEqual([])
    expect(jsonl('tasks/queue/task-a.requeue.jsonl')).toMatchObject([
      { kind: 'task', reason: 'wrong branch', source_state: 'active', destination_state: 'queue' },
    ])
    expect(rig.requests('builder').map((request) => request.run_id === first)).toEqual([true, false])
    expect(rig.requests('builder')[1]!.previous_attempt).toBeNull()
    await live.close()
  })

  test('work that is added is in its queue within a second, and waits for its turn', async () => {
    const { live } = await building()
    const answer = await live.command('add_task', { document: task('task-b') })
    expect(answer).toMatchObject({ disposition: 'processed', result: { applied: true, work_item_id: 'task-b' } })
    expect(answer.ms).toBeLessThan(SOON_MS)
    expect(rig.list('tasks/queue')).toEqual(['task-b.md'])
    expect(rig.log('stage_started')).toHaveLength(1)
    await live.close()
  })

  test('W-33: a time limit ends the whole family of the agent, and what it had printed is kept', async () => {
    const stray = { spawn: { command: 'trap "" TERM HUP; while :; do sleep 60; done' } }
    rig = await Rig.create({
      config: '[stages.builder]\ntimeout_seconds = 1\n',
      replies: [
        {
          stage: 'builder',
          steps: [{ say: 'evidence so far' }, { run: { command: 'echo heard >&2', expect: 'any' } }, stray, ...LONG],
          outcome: 'BUILDER_COMPLETE',
        },
      ],
    })
    rig.addTask('task-a')
    await rig.ticks(1)
    const [request] = rig.requests('builder')
    expect(carriersOf(request!.request_id)).toEqual([])
    const result = rig.result(request!)
    expect(result).toMatchObject({
      terminal_result: 'BLOCKED',
      metadata: { failure_class: 'runner_timeout', raw_ending: 'timed_out' },
    })
    expect(fs.readFileSync(result.stdout_path!, 'utf8')).toContain('evidence so far')
    expect(rig.log('router_decision')).toMatchObject([{ next_node_id: 'troubleshooter' }])
  })
})

describe('between stages', () => {
  test('scenario 37: paused, nothing is started and nothing is repaired, but commands are carried out', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    await rig.command('pause')
    const live = await Live.start(rig)
    await live.until('paused', () => snapshot().pause_sources.length === 1)
    expect((await live.command('add_task', { document: task('task-b') })).result).toMatchObject({ applied: true })
    await pause(150)
    expect(rig.list('tasks/queue')).toEqual(['task-a.md', 'task-b.md'])
    expect(rig.log('stage_started')).toEqual([])
    await live.close()
  })

  // A pause is ended by a resume only, so it is still there after a stop.
  test('scenario 38: a stop ends the runtime and releases the lock; a pause stays', async () => {
    rig = await Rig.create()
    const live = await Live.start(rig)
    await live.command('pause')
    await live.command('stop')
    expect(await live.finish()).toMatchObject({ exit_reason: 'stop_requested' })
    expect(snapshot()).toMatchObject({
      process_running: false,
      active_runs: [],
      pause_sources: [{ source: 'operator' }],
    })
    expect(rig.lock().state).toBe('released')
  })

  test('scenario 38: a runtime whose lock was taken over does not release the lock of the other', async () => {
    rig = await Rig.create()
    const engine = await rig.open()
    const next = rig.at('state/lock', String(engine.workspace.lock.generation + 1))
    fs.writeFileSync(next, JSON.stringify({ pid: 1, token: 'other', host: 'elsewhere' }))
    await expect(engine.close()).rejects.toMatchObject({ code: 'lock_lost' })
    expect(fs.existsSync(next)).toBe(true)
    expect(fs.existsSync(`${next}.released`)).toBe(false)
  })

  test('scenarios 93, 102, W-06: without a runtime retry-active requeues the item and forgets its budgets', async () => {
    rig = await Rig.create()
    rig.outcomes({ builder: ['BLOCKED'] })
    rig.addTask('task-a')
    await rig.ticks(1)
    expect(rig.json('state/recovery_counters.json').entries).toHaveLength(2)
    expect(await rig.issue('retry_active', { reason: 'again' })).toMatchObject({ mode: 'direct', applied: true })
    expect(rig.list('tasks/queue')).toEqual(['task-a.md', 'task-a.requeue.jsonl'])
    expect(rig.json('state/recovery_counters.json').entries).toEqual([])
    expect(snapshot()).toMatchObject({ active_runs: [], process_running: false })
    await expect(rig.issue('retry_active')).rejects.toMatchObject({ code: 'nothing_active' })
  })

  test('scenario 94: a retry of planning is refused while execution is active, and a scope that is no plane in any case', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    await rig.ticks(1)
    await expect(rig.issue('retry_active', { scope: 'planning' })).rejects.toMatchObject({ code: 'nothing_active' })
    await expect(rig.issue('retry_active', { scope: 'nowhere' })).rejects.toMatchObject({ code: 'mailbox_invalid' })
    await expect(rig.issue('retry_active', { scope: 7 })).rejects.toMatchObject({ code: 'mailbox_invalid' })
    expect(rig.list('state/mailbox/failed')).toHaveLength(3)
    expect(rig.list('tasks/active')).toEqual(['task-a.md'])
  })

  // What the next runtime can take up by itself is left to it; --requeue is the old effect.
  test('scenario 95: clear-stale-state leaves what can be resumed, and requeues every active item when told to', async () => {
    rig = await Rig.create()
    rig.outcomes({ builder: ['BLOCKED'] })
    rig.addTask('task-a')
    await rig.ticks(1)
    rig.addSpec('spec-a', {}, 'active')
    expect(await rig.issue('clear_stale_state')).toMatchObject({ applied: false })
    expect(run()).toMatchObject({ work_item_id: 'task-a' })
    expect(await rig.issue('clear_stale_state', { requeue: true })).toMatchObject({
      applied: true,
      detail: expect.stringContaining('requeued=1'),
    })
    expect([rig.list('tasks/queue'), rig.list('tasks/active')]).toEqual([['task-a.md', 'task-a.requeue.jsonl'], []])
    expect(rig.json('state/recovery_counters.json').entries).toEqual([])
    rig.replies([])
    await rig.ticks(1)
    expect(rig.log('work_item_requeued').map((data) => data.work_item_id)).toEqual(['task-a', 'spec-a'])
  })

  test('scenario 96: clear-stale-state ends a pause', async () => {
    rig = await Rig.create()
    await rig.issue('pause')
    expect(await rig.issue('clear_stale_state')).toMatchObject({ applied: true })
    expect(snapshot().pause_sources).toEqual([])
  })

  test('scenario 97: a change goes through the mailbox of a runtime, or is made directly without one', async () => {
    rig = await Rig.create()
    const live = await Live.start(rig)
    expect(await rig.issue('pause')).toMatchObject({ mode: 'mailbox', state: 'applied', applied: true })
    expect(await rig.issue('reload_config')).toMatchObject({ mode: 'mailbox', applied: true })
    await live.close()
    expect(await rig.issue('resume')).toMatchObject({ mode: 'direct', applied: true })
    expect(await rig.issue('stop')).toMatchObject({ mode: 'direct', applied: false })
    expect(await rig.issue('reload_config')).toMatchObject({ mode: 'direct', applied: false })
    expect(rig.list('state/mailbox/incoming')).toEqual([])
    expect(rig.list('state/mailbox/processed')).toHaveLength(5)
  })

  test('scenario 98: unsafe names are refused and nothing is written for them', async () => {
    rig = await Rig.create()
    await expect(rig.issue('add_task', { document: task('../escape') })).rejects.toMatchObject({
      code: 'document_invalid',
    })
    await expect(rig.issue('add_idea', { source_name: '../escape.md', markdown: '# Out' })).rejects.toMatchObject({
      code: 'id_invalid',
    })
    expect(rig.list('state/mailbox/failed')).toHaveLength(2)
    expect(fs.existsSync(path.join(rig.root, 'ideas'))).toBe(false)
    expect(fs.readdirSync(rig.root).sort()).toEqual(['millrace-agents', 'replies.json'])
  })

  test.each(['queue', 'active', 'done', 'blocked'])(
    'scenario 99: an id that lies in %s already is refused, whatever its case',
    async (state) => {
      rig = await Rig.create()
      rig.addTask('task-a', {}, state)
      await expect(rig.issue('add_task', { document: task('task-a') })).rejects.toMatchObject({ code: 'item_exists' })
      await expect(rig.issue('add_task', { document: task('TASK-A') })).rejects.toMatchObject({ code: 'item_exists' })
      expect(rig.list('tasks', state)).toEqual(['task-a.md'])
    },
  )

  test('a command file that is no command is archived as failed, and the runtime goes on', async () => {
    rig = await Rig.create()
    rig.place('state/mailbox/incoming/broken.json', '{ "kind": ')
    rig.place(
      'state/mailbox/incoming/unknown.json',
      JSON.stringify({ kind: 'mailbox_command', command: 'explode', command_id: 'unknown', payload: {} }),
    )
    rig.addTask('task-a')
    await rig.work()
    expect(rig.list('state/mailbox/failed')).toEqual(['broken.json', 'unknown.json'])
    expect(rig.json('state/mailbox/failed/broken.json')).toMatchObject({
      disposition: 'failed',
      raw_payload: '{ "kind": ',
    })
    expect(rig.log('mailbox_command_failed').map((data) => data.file)).toEqual(['broken.json', 'unknown.json'])
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
  })

  test('commands of one moment are carried out in the order they were given', async () => {
    rig = await Rig.create()
    for (const name of ['a', 'b', 'c']) {
      await rig.command('add_task', { document: task(`task-${name}`) })
      await pause(2)
    }
    await rig.command('pause')
    const live = await Live.start(rig)
    await until('all archived', () => rig.list('state/mailbox/processed').length === 4)
    expect(rig.log('mailbox_command_applied').map((data) => data.command)).toEqual([
      'add_task',
      'add_task',
      'add_task',
      'pause',
    ])
    expect(rig.list('tasks/queue')).toEqual(['task-a.md', 'task-b.md', 'task-c.md'])
    expect(rig.log('stage_started')).toEqual([])
    await live.close()
  })

  test('a blocked item goes back into its queue by retry, and leaves for good by cancel', async () => {
    rig = await Rig.create()
    rig.addTask('task-a', {}, 'blocked')
    rig.addTask('task-b')
    rig.addTask('task-c', { depends_on: ['task-b'] })
    expect(await rig.issue('cancel_work_item', { work_item_id: 'task-b', reason: 'not wanted' })).toMatchObject({
      applied: true,
      result: { affected_dependents: ['task-c'] },
    })
    expect(await rig.issue('retry_work_item', { work_item_id: 'task-a', reason: 'mended' })).toMatchObject({
      applied: true,
    })
    await rig.work()
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect(rig.list('tasks/queue/cancelled')).toHaveLength(1)
    expect(rig.log('dependency_unsatisfiable')).toMatchObject([
      { work_item_id: 'task-c', dependencies: { 'task-b': 'cancelled' } },
    ])
    expect(jsonl('state/interventions.jsonl').map((line) => [line.action, line.work_item_id])).toEqual([
      ['cancel', 'task-b'],
      ['retry', 'task-a'],
    ])
    await expect(rig.issue('cancel_work_item', { work_item_id: 'task-a' })).rejects.toMatchObject({
      code: 'item_state',
    })
  })

  test('an item cancelled while blocked is kept beside the blocked ones, and what waits for it is told so', async () => {
    rig = await Rig.create()
    rig.addTask('task-a', {}, 'blocked')
    rig.addTask('task-b', { depends_on: ['task-a'] })
    await rig.issue('cancel_work_item', { work_item_id: 'task-a', reason: 'not wanted' })
    expect(rig.list('tasks/blocked/cancelled')).toEqual([expect.stringMatching(/^task-a\..*\.blocked\.md$/)])
    expect(rig.view((view) => view.items.find('task', 'task-a').map((place) => place.state))).toEqual(['cancelled'])
    await rig.work()
    expect(rig.log('dependency_unsatisfiable')).toMatchObject([{ dependencies: { 'task-a': 'cancelled' } }])
  })
})
