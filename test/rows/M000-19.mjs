import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M000-19',
  says: 'After one tick all state files are there: snapshot, counters, plan, compile diagnostics, a status for each plane.',

  async run() {
    const workspace = await newWorkspace({ replies: [{ stage: 'builder', outcome: 'BLOCKED' }] })
    await workspace.add('task', 'work')
    const { compiled_plan_id, tick_reason } = await workspace.json('run', 'once')
    assert.ok(tick_reason.startsWith('builder'), tick_reason)

    const snapshot = workspace.read('state/runtime_snapshot.json')
    const [active] = snapshot.active_runs
    assert.equal(snapshot.compiled_plan_id, compiled_plan_id)
    assert.equal(active.work_item_id, 'work')
    const counters = workspace.read('state/recovery_counters.json')
    assert.ok(counters.entries.length > 0, 'the blocked builder has used up some of its budget')
    assert.ok(counters.entries.every((entry) => entry.work_item_id === 'work'))
    assert.equal(workspace.read('state/compiled_plan.json').compiled_plan_id, compiled_plan_id)
    const diagnostics = workspace.read('state/compile_diagnostics.json')
    assert.equal(diagnostics.ok, true)
    assert.equal(diagnostics.compiled_plan_id, compiled_plan_id)
    assert.equal(workspace.text('state/execution_status.md'), '### BLOCKED\n')
    assert.equal(workspace.text('state/planning_status.md'), '### IDLE\n')
  },
}
