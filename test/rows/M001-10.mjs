import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M001-10',
  says: 'Mode and loops compile into a frozen plan; equal inputs give an equal plan id, other inputs another one.',

  async run() {
    const [here, there] = [await newWorkspace({ name: 'here' }), await newWorkspace({ name: 'there' })]
    const id = async (workspace) => (await workspace.json('compile', 'validate')).compiled_plan_id
    const first = await id(here)
    assert.equal(await id(here), first)
    assert.equal(await id(there), first, 'the place of a workspace is no input of its plan')

    here.configure('[recovery]\nmax_fix_cycles = 1')
    const second = await id(here)
    assert.notEqual(second, first)
    assert.equal(await id(there), first)
    there.configure('[recovery]\nmax_fix_cycles = 1')
    assert.equal(await id(there), second)

    // Frozen: what was compiled before lies there still, and runs of it would go on with it.
    assert.deepEqual(here.names('state/plans'), [first, second].sort())
    assert.equal(here.read(`state/plans/${first}/plan.json`).compiled_plan_id, first)
    assert.equal((await here.ok('compile', 'validate')).code, 0)
  },
}
