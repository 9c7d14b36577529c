import { afterEach, describe, expect, test } from 'vitest'
import { Rig } from '../rig/runtime.ts'

let rig: Rig
afterEach(() => rig?.dispose())

describe('the main road', () => {
  test('scenario 60: a task goes through builder, checker and updater to done', async () => {
    rig = await Rig.create()
    rig.addTask('task-a')
    await rig.work()
    expect(rig.stages()).toEqual(['builder', 'checker', 'updater'])
    expect(rig.list('tasks/done')).toEqual(['task-a.md'])
    expect(rig.read('state/execution_status.md')).toBe('### IDLE\n')
  })

  test('a root spec goes through planning, execution and closure', async () => {
    rig = await Rig.create()
    rig.addRootSpec('root')
    await rig.work()
    expect(rig.stages()).toEqual(['planner', 'manager', 'builder', 'checker', 'updater', 'arbiter'])
    expect(rig.view((view) => view.targets[0]?.closure_open)).toBe(false)
  })
})
