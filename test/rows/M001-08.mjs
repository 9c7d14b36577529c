import assert from 'node:assert/strict'
import { eventually } from './parts/commands.mjs'
import { newWorkspace } from './parts/workspace.mjs'

/** Ways in which a stage can end that are no answer. */
const CRASHES = {
  died: { steps: [{ run: { command: 'kill -KILL $PPID', expect: 'any' } }], outcome: null },
  failed: { steps: [], outcome: null, exit_code: 3 },
  silent: { steps: [], outcome: null },
}

export const row = {
  id: 'M001-08',
  says: 'A stage that crashes does not end the daemon: its failure is routed to recovery, and the work goes on.',

  async run() {
    const workspace = await newWorkspace({
      replies: Object.entries(CRASHES).flatMap(([item, reply]) => [
        { stage: 'builder', item, attempt: 1, ...reply },
        { stage: 'builder', item, attempt: 2, outcome: 'BUILDER_COMPLETE' },
      ]),
    })
    for (const id of Object.keys(CRASHES)) await workspace.add('task', id)
    const daemon = await workspace.daemon()
    await eventually('all are done', () => workspace.names('tasks/done').length === Object.keys(CRASHES).length, 60_000)
    assert.equal((await workspace.json('status')).runtime_process_id, daemon.pid, 'it is the same daemon still')

    for (const id of Object.keys(CRASHES)) {
      const stages = await workspace.stagesOf('task', id)
      assert.deepEqual(stages, ['builder', 'troubleshooter', 'builder', 'checker', 'updater'], id)
      const run = (await workspace.json('runs', 'ls')).runs.find((one) => one.work_item_id === id)
      const [crashed] = (await workspace.json('runs', 'show', run.run_id)).stages
      assert.equal(crashed.result_class, 'recoverable_failure')
      assert.ok(crashed.failure_class, id)
    }
    await workspace.ok('control', 'stop')
    assert.equal((await daemon.ended).code, 0)
  },
}
