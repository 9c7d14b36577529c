import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M000-05',
  says: 'Recovery routing: blocked execution goes to troubleshooter, then consultant; blocked planning to the mechanic.',

  async run() {
    const workspace = await newWorkspace({
      replies: [
        { stage: 'builder', attempt: 1, outcome: 'BLOCKED' },
        { stage: 'troubleshooter', attempt: 1, outcome: 'BLOCKED' },
        { stage: 'troubleshooter', attempt: 2, outcome: 'BLOCKED' },
        { stage: 'troubleshooter', attempt: 3, outcome: 'TROUBLESHOOT_COMPLETE' },
        { stage: 'builder', attempt: 2, outcome: 'BUILDER_COMPLETE' },
        { stage: 'planner', attempt: 1, outcome: 'BLOCKED' },
        { stage: 'planner', attempt: 2, outcome: 'PLANNER_COMPLETE' },
      ],
    })
    await workspace.add('task', 'work')
    await workspace.drain()
    const execution = await workspace.stagesOf('task', 'work')
    const recovery = execution.slice(1, execution.indexOf('consultant') + 1)
    assert.deepEqual([...new Set(recovery)], ['troubleshooter', 'consultant'])
    assert.deepEqual(execution.slice(-4), ['troubleshooter', 'builder', 'checker', 'updater'])
    assert.deepEqual(workspace.names('tasks/done'), ['work.md'])

    await workspace.add('spec', 'wish')
    await workspace.drain()
    assert.deepEqual(await workspace.stagesOf('spec', 'wish'), ['planner', 'mechanic', 'planner', 'manager'])
    assert.deepEqual(workspace.names('specs/done'), ['wish.md'])
  },
}
