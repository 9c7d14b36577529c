/** `start --once`: one item for each plane, in claim order, seen to its end there. */
import { afterEach, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { makeLook } from '../../src/cli/look.ts'
import { start as rendered } from '../../src/cli/render/run.ts'
import { newDocument, renderDocument } from '../../src/core/document.ts'
import { startSchema } from '../../src/operations/schemas.ts'
import { type StartOutput, start } from '../../src/operations/start.ts'
import { contextIn } from '../rig/context.ts'
import { enginePorts } from '../rig/ports.ts'
import { PACKAGE_ROOT, Rig, reply, scriptedProgram, task } from '../rig/runtime.ts'

let rig: Rig
afterEach(() => rig?.dispose())

async function once(): Promise<StartOutput> {
  const { runners } = enginePorts(rig.root, { packageRoot: PACKAGE_ROOT, scriptedAgent: scriptedProgram() })
  const output = await start.run(contextIn(rig.root, { runners }), { once: true })
  z.fromJSONSchema(startSchema() as never).parse(output)
  return output
}

const stages = () => rig.log('stage_started').map((data) => data.stage)
const handIn = (id: string) => ({ hand_in: { kind: 'task', id, text: renderDocument(newDocument('task', task(id))) } })

describe('start --once', () => {
  test('takes one task through execution, and leaves the next one queued', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    rig.addTask('task-b', { created_at: '2026-03-01T11:00:00Z' })
    const output = await once()
    expect(output).toMatchObject({
      end_reason: 'item_left',
      detail: 'task task-a is done',
      stages: 3,
      items: [{ plane: 'execution', work_item_kind: 'task', work_item_id: 'task-a', state: 'done' }],
      left_queued: [],
      failed: false,
    })
    expect(stages()).toEqual(['builder', 'checker', 'updater'])
    expect(rig.list('tasks/queue')).toEqual(['task-b.md'])
    expect(rig.lock().state).toBe('released')
  })

  test('says which answer a task waits for', async () => {
    rig = await Rig.create({ config: '[stages.checker]\nrequired_capabilities = ["approval.request"]\n' })
    rig.addTask('task-a')
    const output = await once()
    const [pending] = rig.list('approvals/pending')
    expect(output).toMatchObject({ end_reason: 'waiting', stages: 1, failed: false })
    expect(output.detail).toBe(`task task-a is active: waits for an answer to ${pending!.replace('.json', '')}`)
  })

  test('plans where execution had nothing, ends there, and executes the next time', async () => {
    rig = await Rig.create({
      replies: [reply('manager', 'MANAGER_COMPLETE', { steps: [handIn('one'), handIn('two'), { artifacts: true }] })],
    })
    rig.addRootSpec('root')
    const planned = await once()
    expect(planned).toMatchObject({
      end_reason: 'planned',
      detail: 'planned 2 tasks; run it again to execute',
      left_queued: [{ kind: 'task', count: 2 }],
      items: [{ work_item_kind: 'spec', work_item_id: 'root', state: 'done' }],
    })
    expect(stages()).toEqual(['planner', 'manager'])
    expect((await once()).detail).toBe('task one is done')
    expect((await once()).detail).toBe('task two is done')
    rig.addTask('of-its-own')
    expect((await once()).detail).toBe('task of-its-own is done')
    expect(stages(), 'nothing is judged while there is work to claim').not.toContain('arbiter')
    expect(await once()).toMatchObject({
      detail: 'closure root is closed',
      items: [{ plane: 'planning', work_item_kind: 'closure', work_item_id: 'root', state: 'closed' }],
    })
    expect(await once()).toMatchObject({ end_reason: 'nothing_to_do', stages: 0, tick_reason: 'no_work' })
  })

  test('does both where both planes had work', async () => {
    rig = await Rig.create()
    rig.addSpec('spec-a')
    rig.addTask('task-a')
    const output = await once()
    expect(output.items.map((item) => item.work_item_id)).toEqual(['spec-a', 'task-a'])
    expect(output.end_reason).toBe('item_left')
  })

  test('tells of a plane only what the plan says: the order of its planes is the order of the turns', async () => {
    const planes = [
      { plane: 'execution', kinds: ['task'] },
      { plane: 'planning', kinds: ['incident', 'spec'] },
    ]
    rig = await Rig.create({ mode: { claim_order: { fairness: 'strict', planes } } })
    rig.addSpec('spec-a')
    rig.addTask('task-a')
    expect((await once()).items.map((item) => item.plane)).toEqual(['execution', 'planning'])
  })

  test('goes on with what an earlier runtime left active, before anything new', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    await rig.ticks(1)
    expect(rig.list('tasks/active')).toEqual(['task-a.md'])
    rig.addSpec('spec-a')
    const output = await once()
    expect(output.items.map((item) => item.work_item_id)).toEqual(['task-a'])
    expect(rig.list('specs/queue')).toEqual(['spec-a.md'])
  })

  test('an honest BLOCKED is an end like any other; the incident it opens waits', async () => {
    rig = await Rig.create({ replies: [reply('builder', 'BLOCKED'), reply('troubleshooter', 'BLOCKED')] })
    rig.addTask('task-a')
    const output = await once()
    expect(output).toMatchObject({ end_reason: 'item_left', failed: false })
    expect(output.items).toMatchObject([{ work_item_id: 'task-a', state: 'blocked' }])
    expect(stages()).not.toContain('auditor')
    expect(rig.list('incidents/incoming')).toHaveLength(1)
  })

  test('where the surroundings fail it does not wait for the next try, says when that is, and has failed', async () => {
    rig = await Rig.create({ config: '[runners.command]\ncommand = "agents/nothing"\n' })
    rig.mode({ stage_runner_bindings: { builder: 'command' } })
    rig.addTask('task-a')
    const output = await once()
    expect(output).toMatchObject({
      end_reason: 'waiting',
      failed: true,
      failure_class: 'environment_missing_binary',
      items: [{ state: 'active' }],
    })
    expect(output.detail).toMatch(/^task task-a is active: next try at 2/)
  })

  test('starts nothing while it is paused, and says who paused', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    await rig.issue('pause', { reason: 'release day' })
    expect(await once()).toMatchObject({ end_reason: 'paused', stages: 0, detail: 'paused by operator (release day)' })
  })

  test('reads as its keys where a program looks, and as a sentence on a terminal', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    const output = await once()
    const look = (terminal: boolean) => makeLook({ terminal, colour: false, width: 100, now: new Date(0) })
    expect(rendered(output, look(true))).toBe('✓ task task-a is done (3 stages)')
    expect(
      rendered(output, look(false))
        .split('\n')
        .map((line) => line.split(':')[0]),
    ).toEqual([
      ...['run_mode', 'active_mode_id', 'mode_override', 'compiled_plan_id', 'tick_reason'],
      ...['result_class', 'failure_class', 'message', 'end_reason', 'detail', 'stages', 'item'],
    ])
  })
})
