import assert from 'node:assert/strict'
import { open, reached, waitAt } from './parts/gate.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M001-01',
  says: 'A governed runtime: its state is durable, its work goes in stages, and its failures lead to recovery.',

  async run() {
    const workspace = await newWorkspace({
      replies: [
        { stage: 'builder', item: 'work', attempt: 1, outcome: 'BLOCKED' },
        { stage: 'builder', item: 'work', attempt: 2, outcome: 'BUILDER_COMPLETE' },
        {
          stage: 'troubleshooter',
          steps: [{ artifacts: true }, waitAt('repair')],
          outcome: 'TROUBLESHOOT_COMPLETE',
        },
      ],
    })
    for (const id of ['work', 'zz-next']) await workspace.add('task', id)
    const daemon = await workspace.daemon()
    await reached('repair')
    const repairing = async () => {
      const [{ run_id, stage, status }] = (await workspace.json('status')).active_runs
      assert.deepEqual([stage, status], ['troubleshooter', 'started'])
      return run_id
    }
    const runId = await repairing()

    // Killed in the midst of the recovery: the queue, the run and how far it had come are all still there.
    daemon.kill('SIGKILL')
    await daemon.ended
    assert.deepEqual([workspace.names('tasks/active'), workspace.names('tasks/queue')], [['work.md'], ['zz-next.md']])
    assert.equal(await repairing(), runId)
    assert.ok(workspace.read('state/recovery_counters.json').entries.length > 0)

    open('repair')
    await workspace.drain()
    assert.deepEqual(workspace.names('tasks/done'), ['work.md', 'zz-next.md'])
    const repaired = ['builder', 'troubleshooter', 'builder', 'checker', 'updater']
    assert.deepEqual(await workspace.stagesOf('task', 'work'), repaired)
    assert.deepEqual(await workspace.stagesOf('task', 'zz-next'), ['builder', 'checker', 'updater'])
    assert.deepEqual(workspace.read('state/recovery_counters.json').entries, [])
  },
}
