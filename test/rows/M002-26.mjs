import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-26',
  says: 'Each run names mode, loop and the very plan it used, also when the config changed between two runs.',

  async run() {
    const workspace = await newWorkspace()
    await workspace.add('task', 'before')
    await workspace.ok('run', 'daemon', '--stop-when-idle')
    workspace.configure('[recovery]\nmax_fix_cycles = 5')
    await workspace.add('task', 'after')
    await workspace.ok('run', 'daemon', '--stop-when-idle')

    const [before, after] = await Promise.all(
      (await workspace.runIds()).map((runId) => workspace.json('run-provenance', runId)),
    )
    assert.notEqual(planOf(before), planOf(after))
    for (const [provenance, budget] of [
      [before, 2],
      [after, 5],
    ]) {
      const steps = provenance.runtime_history
      assert.ok(steps.length >= 3)
      assert.deepEqual([...new Set(steps.map((step) => step.frozen_plan.plan_id))], [planOf(provenance)])
      assert.equal(budgetIn(provenance.compile_snapshot), budget)
      assert.match(JSON.stringify(provenance.selection), /default_codex/)
      assert.match(JSON.stringify(provenance.selection), /execution\.standard/)
      const kept = JSON.parse(readFileSync(path.resolve(workspace.root, provenance.snapshot_path), 'utf8'))
      assert.equal(kept.compiled_plan_id, planOf(provenance))
    }
    assert.match(JSON.stringify(before.current_preview), new RegExp(planOf(after)), 'what would be chosen now')
  },
}

const planOf = ({ compile_snapshot: plan }) => plan.compiled_plan_id

/** How many fix rounds the frozen plan grants. */
const budgetIn = (plan) =>
  plan.graphs_by_plane.execution.threshold_policies.find((policy) => policy.counter_name === 'fix_cycle_count')
    .threshold
