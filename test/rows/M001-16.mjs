import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M001-16',
  says: 'Execution and planning are separate loops: two loop ids in the plan, and no way from the nodes of one to the other.',

  async run() {
    const workspace = await newWorkspace()
    const { plan } = await workspace.json('compile', 'show')
    assert.deepEqual(Object.values(plan.loop_ids_by_plane).sort(), ['execution.standard', 'planning.standard'])
    const [execution, planning] = [plan.graphs_by_plane.execution, plan.graphs_by_plane.planning]
    const ids = (graph) => new Set(graph.nodes.map((node) => node.node_id))
    assert.deepEqual(
      [...ids(execution)].filter((id) => ids(planning).has(id)),
      [],
    )
    for (const graph of [execution, planning])
      for (const { source_node_id, target_node_id } of graph.transitions) {
        assert.ok(ids(graph).has(source_node_id))
        assert.ok(target_node_id === null || ids(graph).has(target_node_id))
      }

    // They meet in documents only: what one wants of the other lies in a queue.
    await workspace.add('spec', 'wish')
    while (workspace.names('tasks/queue').length === 0) await workspace.ok('run', 'once')
    assert.deepEqual(workspace.names('tasks/active'), [])
    assert.deepEqual(workspace.names('specs/done'), ['wish.md'])
    const { runs } = await workspace.json('runs', 'ls')
    assert.deepEqual(
      runs.map((run) => [run.plane, run.work_item_kind]),
      [['planning', 'spec']],
    )
  },
}
