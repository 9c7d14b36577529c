import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M000-13',
  says: 'The alias standard_plain compiles to the same plan as default_codex, id and content.',

  async run() {
    const workspace = await newWorkspace({ runner: null })
    const [plain, codex] = [await planOf(workspace, 'standard_plain'), await planOf(workspace, 'default_codex')]
    assert.equal(plain.compiled_plan_id, codex.compiled_plan_id)
    assert.deepEqual(plain, codex)
    assert.equal(plain.mode_id, 'default_codex')
    const pi = await planOf(workspace, 'default_pi')
    assert.notEqual(pi.compiled_plan_id, codex.compiled_plan_id, 'another mode is another plan')

    const { compiled_plan_id } = await workspace.json('compile', 'validate', '--mode', 'standard_plain')
    assert.equal(compiled_plan_id, codex.compiled_plan_id)
    assert.equal(workspace.read('state/compiled_plan.json').compiled_plan_id, compiled_plan_id)
  },
}

/** The plan of a mode, but for the moment at which it was made. */
async function planOf(workspace, mode) {
  const { plan } = await workspace.json('compile', 'show', '--mode', mode)
  const { compiled_at: _, ...content } = plan
  return content
}
