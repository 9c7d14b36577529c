import assert from 'node:assert/strict'
import { assertItemLies } from './parts/assertions.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M000-16',
  says: 'A task document lies in tasks/queue, active, done or blocked: its folder is its state.',

  async run() {
    const workspace = await newWorkspace({
      replies: [
        { stage: 'builder', item: 'worse', outcome: 'BLOCKED' },
        { stage: 'troubleshooter', item: 'worse', outcome: 'BLOCKED' },
        { stage: 'consultant', item: 'worse', outcome: 'BLOCKED' },
      ],
    })
    for (const id of ['good', 'worse']) await workspace.add('task', id)
    const task = (id) => ({ family: 'tasks', id, text: workspace.text(`tasks/queue/${id}.md`) })
    const [good, worse] = [task('good'), task('worse')]
    await assertItemLies(workspace, { ...good, state: 'queue' })

    await workspace.ok('run', 'once')
    await assertItemLies(workspace, { ...good, state: 'active' })
    await assertItemLies(workspace, { ...worse, state: 'queue' })

    await workspace.drain()
    await assertItemLies(workspace, { ...good, state: 'done' })
    await assertItemLies(workspace, { ...worse, state: 'blocked' })

    workspace.script([])
    await workspace.ok('queue', 'retry', 'worse')
    await assertItemLies(workspace, { ...worse, state: 'queue' })
    await workspace.drain()
    await assertItemLies(workspace, { ...worse, state: 'done' })
    assert.deepEqual(workspace.names('tasks/done'), ['good.md', 'worse.md'])
  },
}
