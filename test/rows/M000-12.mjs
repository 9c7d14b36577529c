import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M000-12',
  says: '`modes list` has default_codex and default_pi; each compiles, with its own runner for every stage.',

  async run() {
    const workspace = await newWorkspace({ runner: null })
    const { modes } = await workspace.json('modes', 'list')
    const { stdout } = await workspace.ok('modes', 'list')
    assert.equal((await workspace.ok('modes', 'ls')).stdout, stdout)
    for (const [mode, runner] of [
      ['default_codex', 'codex_cli'],
      ['default_pi', 'pi_rpc'],
    ]) {
      assert.ok(modes.some((one) => one.mode_id === mode))
      assert.match(stdout, new RegExp(`\\b${mode}\\b`))
      const { ok, plan } = await workspace.json('compile', 'show', '--mode', mode)
      assert.equal(ok, true)
      assert.equal(plan.mode_id, mode)
      const nodes = Object.values(plan.graphs_by_plane).flatMap((graph) => graph.nodes)
      assert.deepEqual([...new Set(nodes.map((node) => node.runner_name))], [runner])
    }
  },
}
