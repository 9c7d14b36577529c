import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M001-06',
  says: 'The final parity check is governed by the compiler: only the frozen completion behaviour sends the arbiter.',

  async run() {
    const workspace = await newWorkspace({
      // An agent that wants the arbiter next has no say in it.
      replies: [
        { stage: 'planner', item: 'wish', attempt: 1, outcome: 'BLOCKED' },
        { stage: 'planner', item: 'wish', attempt: 2, outcome: 'PLANNER_COMPLETE' },
        {
          stage: 'mechanic',
          attempt: 1,
          steps: [{ artifacts: true }, { result: { terminal_result: 'MECHANIC_COMPLETE', resume_stage: 'arbiter' } }],
          outcome: 'MECHANIC_COMPLETE',
        },
        { stage: 'mechanic', attempt: 2, outcome: 'MECHANIC_COMPLETE' },
      ],
    })
    const { plan } = await workspace.json('compile', 'show')
    const { completion_behavior: completion, transitions } = plan.graphs_by_plane.planning
    assert.equal(completion.target_node_id, 'arbiter')
    assert.equal(completion.trigger, 'backlog_drained')
    for (const graph of Object.values(plan.graphs_by_plane))
      assert.ok(!graph.transitions.some((edge) => edge.target_node_id === 'arbiter'), 'an edge leads to the arbiter')
    assert.ok(transitions.some((edge) => edge.source_node_id === 'arbiter'))

    await workspace.add('task', 'without-spec')
    await workspace.drain()
    assert.deepEqual(await arbiterRuns(workspace), [], 'a task of nobody’s spec is judged by nobody')

    await workspace.add('spec', 'wish')
    await workspace.drain()
    const [judged, ...more] = await arbiterRuns(workspace)
    assert.deepEqual(more, [])
    assert.equal(judged.request_kind, 'closure_target')
    assert.equal(judged.closure_target_root_spec_id, 'wish')
    assert.equal(judged.compiled_plan_id, plan.compiled_plan_id)
    const before = (await workspace.json('runs', 'ls')).runs.slice(1)
    assert.ok(
      before.every((run) => run.completed_at <= judged.started_at),
      'it was sent before the rest had ended',
    )
  },
}

async function arbiterRuns(workspace) {
  const traces = []
  for (const runId of await workspace.runIds()) traces.push(await workspace.json('runs', 'trace', runId))
  return traces.filter((trace) => trace.nodes.some((node) => node.stage === 'arbiter'))
}
