import assert from 'node:assert/strict'
import { EXECUTION_STAGES, newWorkspace, PLANNING_STAGES } from './parts/workspace.mjs'

export const row = {
  id: 'M001-05',
  says: 'Stages of execution and planning are explicit: each has its plane, its outcomes, and is named wherever it worked.',

  async run() {
    const workspace = await newWorkspace()
    const graph = (await workspace.ok('compile', 'graph')).stdout
    const { plan } = await workspace.json('compile', 'show')
    for (const [plane, stages] of Object.entries({ execution: EXECUTION_STAGES, planning: PLANNING_STAGES })) {
      const { nodes } = plan.graphs_by_plane[plane]
      assert.deepEqual(nodes.map((node) => node.stage_kind_id).sort(), [...stages].sort())
      for (const node of nodes) {
        assert.ok(graph.includes(node.node_id), `the graph does not show ${node.node_id}`)
        assert.ok(Object.keys(node.allowed_result_classes_by_outcome).length >= 2, node.node_id)
      }
    }

    await workspace.add('spec', 'wish')
    await workspace.drain()
    const named = workspace.events('stage_started').map((event) => [event.data.plane, event.data.stage])
    assert.deepEqual(named, [
      ['planning', 'planner'],
      ['planning', 'manager'],
      ['execution', 'builder'],
      ['execution', 'checker'],
      ['execution', 'updater'],
      ['planning', 'arbiter'],
    ])
    const { runs } = await workspace.json('runs', 'ls')
    assert.deepEqual(runs.map((run) => run.plane).reverse(), ['planning', 'execution', 'planning'])
  },
}
