import assert from 'node:assert/strict'
import { mkdirSync, rmSync } from 'node:fs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-77',
  says: '`upgrade` lists every folder and first file of the runtime that is missing.',

  async run() {
    const workspace = await newWorkspace({ runner: null })
    const owned = (await workspace.json('upgrade')).preserved_runtime_owned
    const folders = owned.filter((name) => name.endsWith('/'))
    assert.ok(folders.length > 30 && owned.length > folders.length + 5)
    const missing = async () => (await workspace.json('upgrade')).would_materialize_runtime_owned
    for (const folder of ['incidents/blocked/', 'state/mailbox/processed/', 'arbiter/verdicts/']) {
      rmSync(workspace.path(folder), { recursive: true })
      assert.deepEqual(await missing(), [folder])
      mkdirSync(workspace.path(folder))
    }
    for (const name of owned) rmSync(workspace.path(name), { recursive: true, force: true })
    assert.deepEqual([...(await missing())].sort(), [...owned].sort())
    await workspace.ok('upgrade', '--apply')
    assert.deepEqual(await missing(), [])
    assert.equal((await workspace.json('status')).workspace, workspace.root)
  },
}
