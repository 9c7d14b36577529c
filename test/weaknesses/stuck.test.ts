/** Work that used to be stuck for ever (W-01 to W-18, W-51, W-52; most are told in test/scenarios, see README.md here). */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { ClosureTarget, Snapshot } from '../../src/core/state.ts'
import { addTask } from '../../src/operations/queue/add.ts'
import type { DoctorOutput } from '../../src/operations/schemas/doctor.ts'
import type { CompileShowOutput } from '../../src/operations/schemas/plan.ts'
import type { QueueLsOutput } from '../../src/operations/schemas/queue.ts'
import { OPERATIONS } from '../../src/operations/table.ts'
import { carriersOf } from '../../src/runners/process.ts'
import { contextIn } from '../rig/context.ts'
import { documentText } from '../rig/documents.ts'
import { Daemon, killAgent, until } from '../rig/live.ts'
import { PACKAGE_ROOT, Rig, reply } from '../rig/runtime.ts'

let rig: Rig
afterEach(async () => {
  await rig?.close()
  rig?.dispose()
})

const snapshot = () => rig.json<Snapshot>('state/runtime_snapshot.json')

async function ask<T>(name: string, input: object = {}): Promise<T> {
  const operation = await OPERATIONS.find((entry) => entry.name === name)!.load()
  return (await operation.run(contextIn(rig.root), input)) as T
}

test('W-05: validating beside a runtime reads what the runtime reads, and leaves the plan in force as it is', async () => {
  rig = await Rig.create()
  const engine = await rig.open()
  const inForce = rig.read('state/compiled_plan.json')
  rig.mode({ stage_skill_additions: { builder: ['skills/shared/marathon-qa-audit/SKILL.md'] } })
  const shown = await ask<CompileShowOutput>('compile show')
  expect(await ask('compile validate')).toMatchObject({ ok: true, written: false })
  expect(rig.read('state/compiled_plan.json')).toBe(inForce)
  expect(engine.workspace.view().plan?.compiled_plan_id).toBe(JSON.parse(inForce).compiled_plan_id)
  await rig.close()
  await rig.ticks(1)
  expect(snapshot().compiled_plan_id).toBe(shown.compiled_plan_id)
  expect(snapshot().compiled_plan_id).not.toBe(JSON.parse(inForce).compiled_plan_id)
})

test('W-06: a stop while no runtime lives leaves the active item with its run, and the next start carries on with it', async () => {
  rig = await Rig.create()
  rig.addTask('task-a')
  await rig.ticks(1)
  const [before] = snapshot().active_runs
  expect(await rig.issue('stop')).toMatchObject({ mode: 'direct', applied: false })
  expect(snapshot()).toMatchObject({ active_runs: [before], stop_requested: null })
  expect(rig.list('tasks/active')).toEqual(['task-a.md'])
  await rig.work()
  expect(rig.stages()).toEqual(['builder', 'checker', 'updater'])
  expect(rig.log('work_item_claimed')).toHaveLength(1)
  expect([rig.list('tasks/active'), rig.list('tasks/done')]).toEqual([[], ['task-a.md']])
})

test('W-13: a judgement that cannot be applied is held once, disturbs nothing that is done, and is given again when asked for', async () => {
  rig = await Rig.create({
    replies: [reply('arbiter', 'ARBITER_COMPLETE', { steps: [{ artifacts: true }, { wait_ms: 300 }] })],
  })
  rig.addRootSpec('root')
  await rig.ticks(1)
  fs.renameSync(rig.at('specs/active/root.md'), rig.at('specs/done/root.md'))
  const daemon = new Daemon(rig)
  const requestId = await daemon.agent('arbiter')
  await daemon.kill()
  await until('the end of the arbiter', () => carriersOf(requestId).length === 0)
  // The plan its run was started under is gone, and another one is in force.
  const [request] = rig.requests('arbiter')
  fs.rmSync(rig.at('state/plans', request!.compiled_plan_id), { recursive: true })
  rig.config('[recovery]\nmax_fix_cycles = 7\n')
  rig.addTask('task-a')
  await rig.work()
  await rig.work()
  expect(rig.log('run_held')).toMatchObject([{ run_id: request!.run_id, plane: 'planning' }])
  expect(rig.log('stage_started').filter((data) => data.plane === 'planning')).toHaveLength(2)
  expect(snapshot().active_runs).toMatchObject([
    { run_id: request!.run_id, node_id: 'arbiter', status: 'held', work_item_id: null },
  ])
  expect([rig.list('specs/done'), rig.list('incidents/incoming')]).toEqual([['root.md'], []])
  rig.replies([])
  await rig.issue('retry_active', { scope: 'planning' })
  await rig.work()
  expect(rig.json<ClosureTarget>('arbiter/targets/root.json').closure_open).toBe(false)
  expect(rig.list('tasks/done')).toEqual(['task-a.md'])
})

test('W-17: a dependency that cannot come about is said when the task is added, where the queue is shown, and by doctor', async () => {
  rig = await Rig.create()
  rig.addTask('stuck', {}, 'blocked')
  rig.addTask('cycle-a', { depends_on: ['cycle-b'] })
  rig.addTask('cycle-b', { depends_on: ['cycle-a'] })
  const context = contextIn(rig.root)
  const wish = { title: 'Go on', id: 'later', depends_on: ['stuck', 'nowhere', 'cycle-a'] }
  const answer = await addTask.run(context, wish)
  expect(answer).toMatchObject({
    applied: true,
    result: { unsatisfiable_dependencies: { stuck: 'blocked', nowhere: 'unknown' } },
  })
  expect(context.notices.join('\n')).toContain('later waits for what does not come about by itself: stuck (blocked)')
  await expect(addTask.run(context, { ...wish, id: 'itself', depends_on: ['itself'] })).rejects.toMatchObject({
    code: 'dependency_cycle',
  })
  const { items } = await ask<QueueLsOutput>('queue ls')
  expect(items.find((item) => item.work_item_id === 'cycle-a')?.waits_for).toEqual([{ id: 'cycle-b', state: 'cycle' }])
  expect(items.find((item) => item.work_item_id === 'later')?.waits_for).toEqual([
    { id: 'stuck', state: 'blocked' },
    { id: 'nowhere', state: 'unknown' },
    { id: 'cycle-a', state: 'waiting' },
  ])
  const { findings } = await ask<DoctorOutput>('doctor')
  const told = findings.filter((finding) => finding.code === 'dependency_unsatisfiable').map((one) => one.message)
  for (const id of ['later', 'cycle-a', 'cycle-b']) expect(told.join('\n')).toContain(id)
})

/** A plane of its own for learning requests: `reading`, and where that is lost, `tutoring`. */
function withLearning(): void {
  const builder = JSON.parse(
    fs.readFileSync(path.join(PACKAGE_ROOT, 'registry/stage_kinds/execution/builder.json'), 'utf8'),
  )
  for (const [id, success] of [
    ['reader', 'READ'],
    ['tutor', 'TAUGHT'],
  ] as const) {
    const kind = {
      ...builder,
      stage_kind_id: id,
      plane: 'learning',
      running_status_marker: `${id.toUpperCase()}_RUNNING`,
      legal_outcomes: [success, 'BLOCKED'],
      success_outcomes: [success],
      allowed_result_classes_by_outcome: {
        [success]: ['success'],
        BLOCKED: builder.allowed_result_classes_by_outcome.BLOCKED,
      },
      owed_artifacts_by_outcome: {},
      can_start: ['learning_request'],
    }
    rig.place(`registry/stage_kinds/learning/${id}.json`, JSON.stringify(kind))
  }
  const edge = (edge_id: string, from_node_id: string, outcome: string, to: object) => ({
    edge_id,
    from_node_id,
    on_outcomes: [outcome],
    ...to,
  })
  const graph = {
    schema_version: '1.0',
    kind: 'graph_loop',
    loop_id: 'learning.lean',
    plane: 'learning',
    nodes: [
      { node_id: 'reading', stage_kind_id: 'reader' },
      { node_id: 'tutoring', stage_kind_id: 'tutor' },
    ],
    entry_nodes: [{ entry_key: 'learning_request', node_id: 'reading' }],
    edges: [
      edge('read', 'reading', 'READ', { terminal_state_id: 'learnt', kind: 'terminal' }),
      edge('lost', 'reading', 'BLOCKED', { to_node_id: 'tutoring' }),
      edge('taught', 'tutoring', 'TAUGHT', { terminal_state_id: 'learnt', kind: 'terminal' }),
      edge('given-up', 'tutoring', 'BLOCKED', { terminal_state_id: 'given-up', kind: 'terminal' }),
    ],
    terminal_states: [
      {
        terminal_state_id: 'learnt',
        terminal_class: 'success',
        writes_status: 'IDLE',
        effects: [{ effect: 'complete_item' }],
      },
      {
        terminal_state_id: 'given-up',
        terminal_class: 'blocked',
        writes_status: 'BLOCKED',
        effects: [{ effect: 'block_item' }],
      },
    ],
  }
  rig.place('graphs/learning/lean.json', JSON.stringify(graph))
  const mode = rig.json<{
    loop_ids_by_plane: object
    stage_runner_bindings: object
    claim_order: { planes: object[] }
  }>('modes/scripted.json')
  rig.mode({
    loop_ids_by_plane: { ...mode.loop_ids_by_plane, learning: 'learning.lean' },
    stage_runner_bindings: { ...mode.stage_runner_bindings, reader: 'scripted', tutor: 'scripted' },
    claim_order: {
      planes: [...mode.claim_order.planes, { plane: 'learning', kinds: ['learning_request'] }],
    },
  })
}

test('W-51: a runtime that dies beside a plane of its own goes on there at the same node, and repairs it by that plane', async () => {
  rig = await Rig.create({ replies: [{ stage: 'reader', steps: [{ wait_ms: 60_000 }], outcome: 'BLOCKED' }] })
  withLearning()
  rig.place('learning/requests/queue/learn-a.md', documentText('learning_request', 'learn-a'))
  const daemon = new Daemon(rig)
  const requestId = await daemon.agent('reader')
  await daemon.kill()
  await killAgent(requestId)
  rig.outcomes({ reader: ['BLOCKED', 'BLOCKED'] })
  await rig.work()
  expect(rig.log('stage_interrupted')).toMatchObject([{ request_id: requestId, node_id: 'reading' }])
  expect(rig.log('stage_started').map((data) => [data.plane, data.node_id])).toEqual([
    ['learning', 'reading'],
    ['learning', 'reading'],
    ['learning', 'tutoring'],
  ])
  expect(rig.list('learning/requests/done')).toEqual(['learn-a.md'])
  expect(snapshot().active_runs).toEqual([])
})
