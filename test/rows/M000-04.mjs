import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

/** Every manner of going on: a fix loop, a stage that says nothing, one that is stuck, and planning that is as well. */
const REPLIES = [
  { stage: 'checker', item: 'fixed', outcome: 'FIX_NEEDED' },
  { stage: 'doublechecker', item: 'fixed', attempt: 1, outcome: 'FIX_NEEDED' },
  { stage: 'doublechecker', item: 'fixed', attempt: 2, outcome: 'DOUBLECHECK_PASS' },
  { stage: 'checker', item: 'silent', attempt: 1, outcome: null },
  { stage: 'checker', item: 'silent', attempt: 2, outcome: 'CHECKER_PASS' },
  { stage: 'builder', item: 'stuck', outcome: 'BLOCKED' },
  { stage: 'troubleshooter', item: 'stuck', outcome: 'BLOCKED' },
  { stage: 'consultant', item: 'stuck', outcome: 'NEEDS_PLANNING' },
  { stage: 'auditor', outcome: 'BLOCKED' },
  { stage: 'mechanic', outcome: 'BLOCKED' },
]

export const row = {
  id: 'M000-04',
  says: 'Deterministic hand-offs: the same outcomes give the same transitions in two workspaces.',

  async run() {
    const [one, other] = [await handOffs('one'), await handOffs('other')]
    assert.deepEqual(one, other)
    const steps = one.flatMap((run) => run.steps)
    assert.ok(steps.length >= 20, `only ${steps.length} hand-offs were compared`)
    const outcomes = new Set(steps.map(([, outcome]) => outcome))
    for (const outcome of ['FIX_NEEDED', 'BLOCKED', 'NEEDS_PLANNING', 'UPDATE_COMPLETE'])
      assert.ok(outcomes.has(outcome))
  },
}

/** Works three tasks off in a workspace of its own; what became of each run, step by step, without ids and times. */
async function handOffs(name) {
  const workspace = await newWorkspace({ name, replies: REPLIES })
  for (const id of ['fixed', 'silent', 'stuck']) await workspace.add('task', id)
  await workspace.drain()
  const { runs } = await workspace.json('runs', 'ls')
  return runs.reverse().map((run) => ({
    kind: run.work_item_kind,
    state: run.state,
    steps: workspace
      .lines(`runs/${run.run_id}/transition_history.jsonl`)
      .map((step) => [
        step.node_id,
        step.outcome,
        step.result_class,
        step.failure_class,
        step.selected_edge_id,
        step.selected_node_id ?? step.selected_terminal_state_id,
        step.status_after,
        step.frozen_plan.plan_id,
      ]),
  }))
}
