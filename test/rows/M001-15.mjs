import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { eventually } from './parts/commands.mjs'
import { open, waitAt } from './parts/gate.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M001-15',
  says: 'Compiling keeps the frozen plan on disk; a compile that fails leaves the last good one in force.',

  async run() {
    const workspace = await newWorkspace({
      replies: [{ stage: 'builder', steps: [waitAt('go'), { artifacts: true }], outcome: 'BUILDER_COMPLETE' }],
    })
    const { compiled_plan_id: planId } = await workspace.json('compile', 'validate')
    const good = workspace.text('state/compiled_plan.json')
    assert.equal(JSON.parse(good).compiled_plan_id, planId)
    await workspace.add('task', 'begun')
    const daemon = await workspace.daemon()
    await eventually('the builder is at work', async () => (await workspace.json('status')).active_run_count === 1)

    mkdirSync(workspace.path('graphs/execution'), { recursive: true })
    const broken = workspace.path('graphs/execution/standard.json')
    writeFileSync(broken, JSON.stringify({ schema_version: '1.0', kind: 'graph_loop', loop_id: 'execution.standard' }))
    const failed = await workspace.millrace('compile', 'validate', '--json')
    assert.equal(failed.code, 1)
    assert.deepEqual([failed.json.ok, failed.json.used_last_known_good], [false, true])
    assert.ok(failed.json.errors.length > 0)
    assert.notEqual((await workspace.millrace('control', 'reload-config')).code, 0)
    assert.equal(workspace.text('state/compiled_plan.json'), good)
    assert.equal((await workspace.json('status')).compiled_plan_id, planId)

    // The work goes on by the plan it has.
    open('go')
    await eventually('the task is done', () => workspace.has('tasks/done/begun.md'))
    const [runId] = await workspace.runIds()
    const plans = workspace.lines(`runs/${runId}/transition_history.jsonl`).map((step) => step.frozen_plan.plan_id)
    assert.deepEqual(plans, [planId, planId, planId])
    rmSync(broken)
    await workspace.ok('control', 'reload-config')
    assert.equal((await workspace.json('status')).compiled_plan_id, planId)
    daemon.kill('SIGTERM')
    assert.equal((await daemon.ended).code, 0)
  },
}
