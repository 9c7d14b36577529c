import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { open, reached, waitAt } from './parts/gate.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-38',
  says: 'What a run uses is resolved, overridden and frozen in its folder before its first stage starts.',

  async run() {
    const workspace = await newWorkspace({
      // The agent of the first stage itself looks whether it is there.
      replies: [
        {
          stage: 'builder',
          steps: [
            { run: { command: 'cp "{run_dir}/resolved_snapshot.json" "{run_dir}/seen.json"' } },
            waitAt('builder'),
            { artifacts: true },
          ],
          outcome: 'BUILDER_COMPLETE',
        },
      ],
    })
    await workspace.add('task', 'work')
    const daemon = await workspace.daemon('--set', 'recovery.max_fix_cycles=7')
    await reached('builder')
    const [runId] = workspace.names('runs')
    const frozen = workspace.text(`runs/${runId}/resolved_snapshot.json`)
    assert.equal(workspace.text(`runs/${runId}/seen.json`), frozen)
    assert.deepEqual(workspace.names(`runs/${runId}/stage_results`), [])
    const { run_id, compiled_plan_id, mode_id, plan_path } = JSON.parse(frozen)
    assert.deepEqual([run_id, mode_id], [runId, 'default_codex'])
    const planFile = path.join(workspace.root, plan_path)
    const plan = JSON.parse(readFileSync(planFile, 'utf8'))
    assert.equal(plan.compiled_plan_id, compiled_plan_id)
    const { threshold_policies, nodes } = plan.graphs_by_plane.execution
    assert.equal(threshold_policies.find((one) => one.counter_name === 'fix_cycle_count').threshold, 7)
    assert.equal(nodes.find((node) => node.node_id === 'builder').runner_name, 'scripted')

    // What lies in the workspace may change now; the run keeps what it has.
    workspace.configure('[stages.nobody]\nrunner = "command"')
    open('builder')
    await workspace.ok('stop')
    await daemon.ended
    await workspace.ok('run', 'daemon', '--stop-when-idle')
    assert.ok(existsSync(planFile))
    assert.equal(workspace.text(`runs/${runId}/resolved_snapshot.json`), frozen)
    const plans = workspace.lines(`runs/${runId}/transition_history.jsonl`).map((step) => step.frozen_plan.plan_id)
    assert.deepEqual([...new Set(plans)], [compiled_plan_id])
    assert.ok(workspace.has('tasks/done/work.md'))
  },
}
