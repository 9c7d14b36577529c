import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M001-14',
  says: '`run once` is one deterministic tick: exactly one stage is run, and its end is written down.',

  async run() {
    const workspace = await newWorkspace()
    await workspace.add('task', 'work')
    const results = () =>
      workspace.names('runs').flatMap((runId) => workspace.names(`runs/${runId}/stage_results`)).length
    const ticks = ['builder:BUILDER_COMPLETE', 'checker:CHECKER_PASS', 'updater_complete']
    for (const [index, reason] of ticks.entries()) {
      const tick = await workspace.json('run', 'once')
      assert.equal(tick.tick_reason, reason)
      assert.equal(tick.result_class, 'success')
      assert.equal(results(), index + 1)
      const { process_running: isRunning, last_results: last } = await workspace.json('status')
      assert.equal(isRunning, false)
      assert.equal(
        workspace.names('runs').some((runId) => last[0].stage_result_path.includes(runId)),
        true,
      )
    }
    assert.equal((await workspace.json('run', 'once')).tick_reason, 'no_work')
    assert.equal(results(), ticks.length)
    assert.deepEqual(workspace.names('tasks/done'), ['work.md'])
  },
}
