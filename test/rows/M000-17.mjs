import assert from 'node:assert/strict'
import { assertItemLies } from './parts/assertions.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M000-17',
  says: 'A spec document lies in specs/queue, active, done or blocked: its folder is its state.',

  async run() {
    const workspace = await newWorkspace({
      replies: [
        { stage: 'planner', item: 'bad', outcome: 'BLOCKED' },
        { stage: 'mechanic', item: 'bad', outcome: 'BLOCKED' },
      ],
    })
    await workspace.add('spec', 'good')
    const good = { family: 'specs', id: 'good', text: workspace.text('specs/queue/good.md') }
    await assertItemLies(workspace, { ...good, state: 'queue' })
    await workspace.ok('run', 'once')
    await assertItemLies(workspace, { ...good, state: 'active' })
    await workspace.drain()
    await assertItemLies(workspace, { ...good, state: 'done' })

    await workspace.add('spec', 'bad')
    const bad = { family: 'specs', id: 'bad', text: workspace.text('specs/queue/bad.md') }
    await workspace.drain()
    await assertItemLies(workspace, { ...bad, state: 'blocked' })
    workspace.script([])
    await workspace.ok('queue', 'retry', 'bad')
    await workspace.drain()
    await assertItemLies(workspace, { ...bad, state: 'done' })
    assert.deepEqual(workspace.names('specs/done'), ['bad.md', 'good.md'])
  },
}
