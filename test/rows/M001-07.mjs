import assert from 'node:assert/strict'
import { eventually } from './parts/commands.mjs'
import { open, reached, waitAt } from './parts/gate.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M001-07',
  says: 'Queue and runtime state are durable: what was queued, paused and under way is so after a kill as well.',

  async run() {
    const workspace = await newWorkspace({
      replies: [
        { stage: 'builder', item: 'first', steps: [waitAt('go'), { artifacts: true }], outcome: 'BUILDER_COMPLETE' },
      ],
    })
    await workspace.add('task', 'first')
    await workspace.add('task', 'second', { 'Depends-On': ['first'] })
    await workspace.add('spec', 'wish')
    await workspace.ok('queue', 'cancel', 'wish')
    const daemon = await workspace.daemon()
    await reached('go')
    await workspace.ok('control', 'pause', '--reason', 'lunch')

    const before = await known(workspace)
    daemon.kill('SIGKILL')
    await daemon.ended
    assert.deepEqual(await known(workspace), before)
    const again = await workspace.daemon()
    assert.deepEqual(await known(workspace), before)
    assert.deepEqual(
      before.pauses.map((pause) => pause.reason),
      ['lunch'],
    )
    assert.deepEqual(before.items.map(({ work_item_id, state }) => [work_item_id, state]).sort(), [
      ['first', 'active'],
      ['second', 'queued'],
    ])

    open('go')
    await workspace.ok('control', 'resume')
    await eventually('both tasks are done', () => workspace.names('tasks/done').length === 2)
    again.kill('SIGTERM')
    await again.ended
    assert.deepEqual(await workspace.stagesOf('task', 'first'), ['builder', 'checker', 'updater'])
  },
}

/** What the runtime knows of its work, wherever it keeps it. */
async function known(workspace) {
  const { items } = await workspace.json('queue', 'ls')
  const { active_runs, pauses, compiled_plan_id, queue_depths } = await workspace.json('status')
  return { items, active_runs, pauses, compiled_plan_id, queue_depths }
}
