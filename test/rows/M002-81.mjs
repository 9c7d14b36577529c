import assert from 'node:assert/strict'
import { appendFileSync, writeFileSync } from 'node:fs'
import { newWorkspace } from './parts/workspace.mjs'

const LOOP = 'graphs/execution/standard.json'
const KIND = 'registry/stage_kinds/execution/builder.json'
const MODE = 'modes/default_codex.json'
const PROMPT = 'entrypoints/execution/builder.md'

export const row = {
  id: 'M002-81',
  says: 'A mode, loop, stage kind and prompt of the workspace are compiled in, in the place of those of the package.',

  async run() {
    const workspace = await newWorkspace({ runner: null })
    for (const id of ['default_codex', 'execution.standard', KIND]) await workspace.ok('assets', 'localise', id)
    const change = (file, edit) => writeFileSync(workspace.path(file), JSON.stringify(edit(workspace.read(file))))
    change(MODE, (mode) => ({ ...mode, stage_model_bindings: { ...mode.stage_model_bindings, builder: 'our-model' } }))
    change(KIND, (kind) => ({ ...kind, display_name: 'Our Builder' }))
    change(LOOP, (loop) => ({
      ...loop,
      edges: loop.edges.map((edge) =>
        edge.from_node_id === 'troubleshooter' && edge.to_node_id === 'builder'
          ? { ...edge, to_node_id: 'checker' }
          : edge,
      ),
    }))
    appendFileSync(workspace.path(PROMPT), '\nOurs.\n')
    await workspace.ok('compile', 'validate')
    const { plan } = await workspace.json('compile', 'show')
    const graph = plan.graphs_by_plane.execution
    const builder = graph.nodes.find((node) => node.node_id === 'builder')
    assert.deepEqual([builder.model_name, builder.display_name], ['our-model', 'Our Builder'])
    const edge = graph.transitions.find((one) => one.source_node_id === 'troubleshooter' && one.kind === 'normal')
    assert.equal(edge.target_node_id, 'checker')
    assert.match(workspace.text(`state/plans/${plan.compiled_plan_id}/${PROMPT}`), /Ours\.\n$/)
    const own = plan.resolved_assets.filter((one) => one.source === 'workspace').map((one) => one.path)
    assert.deepEqual(own.sort(), [PROMPT, LOOP, MODE, KIND].sort())
    const { assets } = await workspace.json('assets')
    const listed = assets.filter((asset) => asset.source === 'workspace').map((asset) => asset.path)
    assert.deepEqual(listed.sort(), own.sort())
  },
}
