import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

/** Final messages that are no answer, with the failure each of them is. */
const ANSWERS = {
  foreign: ['CHECKER_PASS', 'All is well.', 'illegal_terminal_result'],
  invented: ['ALL_DONE', 'All is well.', 'illegal_terminal_result'],
  none: [null, 'All is well, believe me: BUILDER_COMPLETE', 'missing_terminal_result'],
  both: ['BLOCKED', 'All is well.\n\n### BUILDER_COMPLETE', 'conflicting_terminal_results'],
}

export const row = {
  id: 'M001-18',
  says: 'Terminals of stages are typed: what is no legal marker is a failure with a class, never a success.',

  async run() {
    const workspace = await newWorkspace({
      replies: Object.entries(ANSWERS).map(([item, [outcome, message]]) => ({
        stage: 'builder',
        item,
        outcome,
        message,
      })),
    })
    for (const id of Object.keys(ANSWERS)) {
      await workspace.add('task', id)
      const tick = await workspace.millrace('run', 'once', '--json')
      assert.equal(tick.code, 1)
      const [run] = (await workspace.json('runs', 'ls')).runs
      assert.equal(run.work_item_id, id)
      const [stage] = (await workspace.json('runs', 'show', run.run_id)).stages
      const [, , failureClass] = ANSWERS[id]
      assert.deepEqual([id, stage.failure_class, stage.result_class], [id, failureClass, 'recoverable_failure'])
      const result = workspace.read(`runs/${run.run_id}/${stage.stage_result_path}`)
      assert.equal(result.success, false)
      assert.equal(result.terminal_result, 'BLOCKED', 'the runtime records the failure outcome of the node itself')
      assert.equal((await workspace.json('status')).active_stage, 'troubleshooter')
      await workspace.ok('control', 'cancel', run.run_id)
    }
    assert.deepEqual(workspace.names('tasks/done'), [])
  },
}
