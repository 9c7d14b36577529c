import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { newWorkspace } from './parts/workspace.mjs'

const GRAPH = 'graphs/execution/standard.json'

export const row = {
  id: 'M000-03',
  says: 'state/compiled_plan.json is there and drives routing.',

  async run() {
    const workspace = await newWorkspace()
    await workspace.ok('compile', 'validate')
    const shipped = workspace.read('state/compiled_plan.json')
    await workspace.add('task', 'first')
    await workspace.drain()
    assert.deepEqual(await pathOf(workspace, 'first', shipped), ['builder', 'checker', 'updater'])

    // The same agents say the same things; only an edge is another one.
    const graph = JSON.parse(readFileSync(path.join(process.env.ROWS_PACKAGE, 'assets', GRAPH), 'utf8'))
    graph.edges.find((edge) => edge.edge_id === 'checker-pass-to-updater').to_node_id = 'doublechecker'
    mkdirSync(path.dirname(workspace.path(GRAPH)), { recursive: true })
    writeFileSync(workspace.path(GRAPH), JSON.stringify(graph))
    await workspace.ok('compile', 'validate')
    const changed = workspace.read('state/compiled_plan.json')
    assert.notEqual(changed.compiled_plan_id, shipped.compiled_plan_id)
    await workspace.add('task', 'second')
    await workspace.drain()
    assert.deepEqual(await pathOf(workspace, 'second', changed), ['builder', 'checker', 'doublechecker', 'updater'])
  },
}

/** Stages an item went through; each step must be one that the plan has. */
async function pathOf(workspace, id, plan) {
  const run = (await workspace.json('runs', 'ls')).runs.find((one) => one.work_item_id === id)
  const history = workspace.lines(`runs/${run.run_id}/transition_history.jsonl`)
  for (const step of history) {
    assert.equal(step.frozen_plan.plan_id, plan.compiled_plan_id)
    const { transitions } = plan.graphs_by_plane.execution
    const edge = transitions.find(({ edge_id }) => edge_id === step.selected_edge_id)
    assert.deepEqual(
      [edge.source_node_id, edge.outcome, edge.target_node_id],
      [step.node_id, step.outcome, step.selected_node_id],
    )
  }
  return history.map((step) => step.node_id)
}
