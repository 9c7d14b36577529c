/** What an operator does to queues, incidents and the config while a runtime is at work, and what comes of it. */
import * as fs from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { stateId } from '../../src/core/state-id.ts'
import { Live } from '../rig/live.ts'
import { Rig, reply } from '../rig/runtime.ts'

let rig: Rig
let live: Live | null = null
afterEach(async () => {
  await live?.close().catch(() => {})
  live = null
  rig?.dispose()
})

const LONG = [{ wait_ms: 60_000 }]
const items = () => rig.log('work_item_claimed').map((data) => data.work_item_id)
const at = (day: number) => ({ created_at: `2026-03-0${day}T10:00:00Z` })

/** A runtime whose builder is at work on task `first` until it is ended. */
async function working(): Promise<Live> {
  rig = await Rig.create({ replies: [{ stage: 'builder', item: 'first', steps: LONG, outcome: 'BLOCKED' }] })
  rig.addTask('first', at(1))
  live = await Live.start(rig)
  await live.agent('builder')
  return live
}

describe('while a runtime is at work', () => {
  test('a queue is worked through in the order the operator gave, which outlives the runtime', async () => {
    const runtime = await working()
    for (const [index, id] of ['a', 'b', 'c'].entries()) rig.addTask(id, at(index + 2))
    const answer = await rig.issue('reorder_queue', { work_item_ids: ['c', 'a', 'b'] })
    expect(answer).toMatchObject({ applied: true, mode: 'mailbox', state: 'applied' })
    await runtime.close()
    live = null
    rig.replies([])
    rig.addTask('d', at(1))
    await rig.work()
    expect(items()).toEqual(['first', 'c', 'a', 'b', 'd'])
  })

  test('an item that waits is passed over, whatever its place', async () => {
    const runtime = await working()
    rig.addTask('a', at(2))
    rig.addTask('b', { ...at(3), depends_on: ['a'] })
    await rig.issue('reorder_queue', { work_item_ids: ['b', 'a'] })
    await runtime.close()
    live = null
    rig.replies([])
    await rig.work()
    expect(items()).toEqual(['first', 'a', 'b'])
  })

  test('the item at work is not taken away, and the refusal names the run to end', async () => {
    await working()
    const run = rig.json<{ active_runs: { run_id: string }[] }>('state/runtime_snapshot.json').active_runs[0]!
    for (const command of ['cancel_work_item', 'quarantine_work_item', 'archive_blocked_task'])
      await expect(rig.issue(command, { work_item_id: 'first' })).rejects.toMatchObject({
        code: 'item_state',
        exitStatus: 3,
        hint: expect.stringContaining(run.run_id),
      })
    expect(rig.list('tasks/active')).toEqual(['first.md'])
  })

  test('a task is superseded, and what waited for it is done once its replacement is', async () => {
    const runtime = await working()
    rig.addTask('old', at(2))
    rig.addTask('new', at(4))
    rig.addTask('waiting', { ...at(3), depends_on: ['old'] })
    const given = { work_item_id: 'old', replacement: 'new', reason: 'split', cascade: 'retarget' }
    expect(await rig.issue('supersede_task', given)).toMatchObject({
      applied: true,
      result: { affected_dependents: ['waiting'] },
    })
    await runtime.close()
    live = null
    rig.replies([])
    await rig.work()
    expect(items()).toEqual(['first', 'new', 'waiting'])
    expect(rig.list('tasks/queue/superseded')).toHaveLength(1)
    expect(rig.log('dependency_unsatisfiable')).toEqual([])
  })

  test('a document in quarantine is not claimed until it is released', async () => {
    const runtime = await working()
    rig.addTask('a', at(2))
    await rig.issue('quarantine_work_item', { work_item_id: 'a', reason: 'odd' })
    await rig.issue('cancel_run', { run_id: 'run', reason: 'enough' })
    await runtime.until('first blocked', () => rig.list('tasks/blocked').includes('first.md'))
    rig.replies([])
    await rig.issue('release_work_item', { work_item_id: 'a' })
    await runtime.until('a done', () => rig.list('tasks/done').includes('a.md'))
  })

  test('a key that is set counts once the config is reloaded, and an edit of a person is not lost', async () => {
    await working()
    const edited = `${rig.read('millrace.toml')}\n# a note of mine\n`
    fs.writeFileSync(rig.at('millrace.toml'), edited)
    const answer = await rig.issue('set_config', { key: 'recovery.max_fix_cycles', value: '5' })
    expect(answer).toMatchObject({ applied: true, mode: 'mailbox', result: { boundary: 'claim' } })
    expect(rig.read('millrace.toml')).toContain('# a note of mine')
    expect(rig.read('millrace.toml')).toContain('max_fix_cycles = 5')
    expect(await rig.issue('reload_config')).toMatchObject({ applied: true })
    const policies = rig.view((view) => view.plan!.graphs_by_plane.execution!.threshold_policies)
    expect(policies.map((policy) => policy.threshold)).toContain(5)
  })

  test('a change for a state that has moved on is refused by the runtime', async () => {
    const runtime = await working()
    rig.addTask('a', at(2))
    const seen = rig.view((view) => stateId(view))
    rig.addTask('b', at(3))
    const answer = await runtime.command('cancel_work_item', { work_item_id: 'a' }, seen)
    expect(answer).toMatchObject({ disposition: 'failed', result: { code: 'state_moved' } })
    const again = await runtime.command(
      'cancel_work_item',
      { work_item_id: 'a' },
      rig.view((view) => stateId(view)),
    )
    expect(again).toMatchObject({ disposition: 'processed', result: { applied: true } })
  })
})

test('what an operator resolved counts as carried on: the blocked work it came from holds closure up no longer', async () => {
  rig = await Rig.create({ replies: [reply('builder', 'BUILDER_COMPLETE')] })
  rig.addTask('a', { root_spec_id: 'S-1' }, 'blocked')
  rig.addIncident('i', { source_task_id: 'a', root_spec_id: 'S-1' })
  const blocked = () => rig.view((view) => view.items.isSucceeded(view.items.find('task', 'a')[0]!))
  expect(blocked()).toBe(false)
  await rig.issue('resolve_incident', { work_item_id: 'i', reason: 'seen to' })
  expect(blocked()).toBe(true)
})

test('a command names a document that was saved a moment ago', async () => {
  rig = await Rig.create()
  rig.addTask('a')
  const now = new Date()
  fs.utimesSync(rig.at('tasks/queue/a.md'), now, now)
  expect(await rig.issue('cancel_work_item', { work_item_id: 'a', reason: 'typo' })).toMatchObject({ applied: true })
})

test('an id that was cancelled is free: what is added under it is claimed', async () => {
  rig = await Rig.create()
  rig.addTask('a')
  await rig.issue('cancel_work_item', { work_item_id: 'a', reason: 'typo' })
  rig.addTask('a', { title: 'Once more' })
  await rig.work()
  expect(rig.list('tasks/done')).toEqual(['a.md'])
})
