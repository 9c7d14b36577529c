import assert from 'node:assert/strict'
import { eventually } from './parts/commands.mjs'
import { open, reached, waitAt } from './parts/gate.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-115',
  says: 'A paused daemon starts no stage, resume lets it go on, stop ends it with a final snapshot.',

  async run() {
    const workspace = await newWorkspace({
      replies: [
        {
          stage: 'builder',
          item: 'first',
          steps: [waitAt('builder'), { artifacts: true }],
          outcome: 'BUILDER_COMPLETE',
        },
      ],
    })
    await workspace.add('task', 'first')
    const daemon = await workspace.daemon()
    await reached('builder')
    const started = () => workspace.events('stage_started')

    // The stage at work goes on to its end; nothing follows it.
    assert.equal((await workspace.json('pause', '--reason', 'lunch')).applied, true)
    open('builder')
    await eventually('the builder is done', async () => (await workspace.json('status')).active_stage === 'checker')
    await workspace.add('task', 'second')
    const paused = await workspace.json('status')
    assert.deepEqual([paused.activity, paused.paused, paused.pauses[0].reason], ['paused', true, 'lunch'])
    const other = await workspace.json('queue', 'ls')
    assert.equal(other.execution_queue_depth, 1)
    assert.deepEqual(
      started().map((event) => event.data.stage),
      ['builder'],
    )

    assert.equal((await workspace.json('resume')).applied, true)
    await eventually('both tasks are done', () => workspace.names('tasks/done').length === 2)
    assert.equal((await workspace.json('status')).paused, false)
    assert.equal(started().length, 6)

    assert.equal((await workspace.json('stop')).applied, true)
    assert.equal((await daemon.ended).code, 0)
    const { process_running, stop_requested, active_runs } = workspace.read('state/runtime_snapshot.json')
    assert.deepEqual([process_running, stop_requested, active_runs], [false, null, []])
    const { process_running: isRunning, runtime_ownership_lock: lock } = await workspace.json('status')
    assert.deepEqual([isRunning, lock], [false, 'absent'])
  },
}
