import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

const LOOPS = { execution: 'execution.standard', planning: 'planning.standard' }

export const row = {
  id: 'M000-11',
  says: '`modes show` names the loops execution.standard and planning.standard.',

  async run() {
    const workspace = await newWorkspace({ runner: null })
    for (const mode of ['default_codex', 'default_pi']) {
      const { stdout } = await workspace.ok('modes', 'show', mode)
      for (const loop of Object.values(LOOPS)) assert.ok(stdout.includes(loop), stdout)
      assert.deepEqual((await workspace.json('modes', 'show', mode)).loop_ids_by_plane, LOOPS)
    }
    const { plan } = await workspace.json('compile', 'show')
    assert.deepEqual(plan.loop_ids_by_plane, LOOPS)
    for (const [plane, loop] of Object.entries(LOOPS)) assert.equal(plan.graphs_by_plane[plane].loop_id, loop)
  },
}
