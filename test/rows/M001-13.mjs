import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M001-13',
  says: 'standard_plain freezes its completion behaviour into the plan, and `compile show` prints it.',

  async run() {
    const workspace = await newWorkspace({ runner: null })
    const { stdout } = await workspace.ok('compile', 'show', '--mode', 'standard_plain')
    const { plan } = await workspace.json('compile', 'show', '--mode', 'standard_plain')
    const completion = plan.graphs_by_plane.planning.completion_behavior
    assert.equal(completion.target_node_id, 'arbiter')
    assert.match(stdout, /^completion: closure_target -> arbiter$/m)
    for (const [key, value] of Object.entries({
      trigger: 'backlog_drained',
      readiness_rule: 'no_open_lineage_work',
      request_kind: 'closure_target',
      rubric_policy: 'reuse_or_create',
      blocked_work_policy: 'suppress',
      on_pass_terminal_state_id: 'arbiter_complete',
      on_gap_terminal_state_id: 'remediation_needed',
    })) {
      assert.equal(completion[key], value)
      assert.match(stdout, new RegExp(`^completion_behavior\\.${key}: ${value}$`, 'm'))
    }
    const { compiled_plan_id } = await workspace.json('compile', 'validate', '--mode', 'standard_plain')
    const frozen = workspace.read(`state/plans/${compiled_plan_id}/plan.json`)
    assert.deepEqual(frozen.graphs_by_plane.planning.completion_behavior, completion)
  },
}
