import assert from 'node:assert/strict'
import { lies } from './lifecycle.mjs'
import { newWorkspace } from './workspace.mjs'

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
    await lies(workspace, { ...good, state: 'queue' })

    await workspace.ok('run', 'once')
    await lies(workspace, { ...good, state: 'active' })
    await lies(workspace, { ...worse, state: 'queue' })

    await workspace.drain()
    await lies(workspace, { ...good, state: 'done' })
    await lies(workspace, { ...worse, state: 'blocked' })

    workspace.script([])
    await workspace.ok('queue', 'retry', 'worse')
    await lies(workspace, { ...worse, state: 'queue' })
    await workspace.drain()
    await lies(workspace, { ...worse, state: 'done' })
    assert.deepEqual(workspace.names('tasks/done'), ['good.md', 'worse.md'])
  },
}
