import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M000-10',
  says: 'There are two planes, execution and planning, and the plan lists both.',

  async run() {
    const workspace = await newWorkspace({ runner: null })
    const { plan } = await workspace.json('compile', 'show')
    assert.deepEqual(Object.keys(plan.loop_ids_by_plane).sort(), ['execution', 'planning'])
    assert.deepEqual(Object.keys(plan.graphs_by_plane).sort(), ['execution', 'planning'])
    for (const [plane, graph] of Object.entries(plan.graphs_by_plane)) {
      assert.equal(graph.plane, plane)
      assert.ok(graph.nodes.length > 0)
      assert.ok(graph.nodes.every((node) => node.plane === plane))
    }
    const { stdout } = await workspace.ok('compile', 'show')
    for (const plane of ['execution', 'planning']) assert.match(stdout, new RegExp(`\\b${plane}\\b`))
  },
}
