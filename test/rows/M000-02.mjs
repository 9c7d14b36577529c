import assert from 'node:assert/strict'
import { eventually } from './commands.mjs'
import { newWorkspace } from './workspace.mjs'

export const row = {
  id: 'M000-02',
  says: 'Durable queue state: kill and restart keep the items.',

  async run() {
    const workspace = await newWorkspace({
      replies: [{ stage: 'builder', item: 'first', attempt: 1, steps: [{ hang: true }], outcome: null }],
    })
    const ids = ['first', 'second', 'third']
    for (const id of ids) await workspace.add('task', id)

    const daemon = await workspace.daemon()
    await eventually('the first task is being worked on', () => workspace.names('tasks/active').includes('first.md'))
    daemon.kill('SIGKILL')
    await daemon.ended

    const { items } = await workspace.json('queue', 'ls', '--all')
    assert.deepEqual(items.map((item) => item.work_item_id).sort(), [...ids].sort())

    workspace.script([])
    await workspace.ok('control', 'clear-stale-state')
    await workspace.daemon()
    await eventually('all three tasks are done', () => workspace.names('tasks/done').length === 3)
    assert.deepEqual(
      workspace.names('tasks/done'),
      ids.map((id) => `${id}.md`),
    )
    assert.deepEqual([...workspace.names('tasks/queue'), ...workspace.names('tasks/active')], [])
  },
}
