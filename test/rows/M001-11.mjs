import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

/** What the snapshot must say after each tick: the item under way and the node it goes on with. */
const AFTER_EACH_TICK = [
  ['first', 'checker'],
  ['first', 'fixer'],
  ['first', 'doublechecker'],
  ['first', 'updater'],
  null,
  ['second', 'checker'],
  ['second', 'updater'],
  null,
]

export const row = {
  id: 'M001-11',
  says: 'The runtime decides on the next stage and the active item, and has written it down after every hand-off.',

  async run() {
    const workspace = await newWorkspace({ replies: [{ stage: 'checker', item: 'first', outcome: 'FIX_NEEDED' }] })
    for (const id of ['first', 'second']) await workspace.add('task', id)
    let revision = workspace.read('state/runtime_snapshot.json').revision
    for (const expected of AFTER_EACH_TICK) {
      await workspace.ok('run', 'once')
      const snapshot = workspace.read('state/runtime_snapshot.json')
      const [active] = snapshot.active_runs
      assert.deepEqual(active ? [active.work_item_id, active.node_id] : null, expected)
      assert.ok(snapshot.revision > revision)
      revision = snapshot.revision
      assert.deepEqual(workspace.names('tasks/active'), expected === null ? [] : [`${expected[0]}.md`])
      const status = await workspace.json('status')
      assert.deepEqual([status.active_work_item_id, status.active_stage], expected ?? [null, null])
    }
  },
}
