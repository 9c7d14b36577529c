import assert from 'node:assert/strict'
import { eventually } from './parts/commands.mjs'
import { newWorkspace } from './parts/workspace.mjs'

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
    await workspace.drain()
    assert.deepEqual(
      ['queue', 'active', 'done'].map((state) => workspace.names(`tasks/${state}`)),
      [[], [], ids.map((id) => `${id}.md`)],
    )
  },
}
