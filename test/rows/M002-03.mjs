import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-03',
  says: 'A blocked builder is followed by a troubleshooter, and in the end by a consultant; status and events show both.',

  async run() {
    const workspace = await newWorkspace({
      replies: ['builder', 'troubleshooter', 'consultant'].map((stage) => ({ stage, outcome: 'BLOCKED' })),
    })
    await workspace.add('task', 'work')

    const seen = []
    for (;;) {
      await workspace.ok('run', 'once')
      const status = await workspace.json('status')
      if (status.active_stage === null) break
      seen.push(status.active_stage)
      const { stdout } = await workspace.ok('status')
      assert.match(stdout, new RegExp(`^active_stage: ${status.active_stage}$`, 'm'))
      assert.equal(status.active_work_item_id, 'work')
      assert.equal(status.active_runs[0].failure_class, 'builder_blocked')
      assert.ok(seen.length < 10, `it goes on for ever: ${seen}`)
    }
    assert.equal(seen[0], 'troubleshooter')
    assert.equal(seen.at(-1), 'consultant')
    assert.deepEqual([...new Set(seen)], ['troubleshooter', 'consultant'])
    assert.deepEqual(workspace.names('tasks/blocked'), ['work.md'])

    const started = workspace.events('stage_started').map((event) => event.data.stage)
    assert.deepEqual(started, ['builder', ...seen])
    const decisions = workspace.events('router_decision').map((event) => event.data)
    assert.deepEqual(
      decisions.map(({ stage, next_stage }) => [stage, next_stage]),
      started.map((stage, index) => [stage, started[index + 1] ?? null]),
    )
    assert.ok(workspace.events('work_item_blocked').some((event) => event.data.work_item_id === 'work'))
  },
}
