import assert from 'node:assert/strict'
import { mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { workspaceAt } from './parts/workspace.mjs'

export const row = {
  id: 'M002-09',
  says: 'The package has no workspace in it; init makes one, with its config and its runtime root, where it is told to.',

  async run() {
    const shipped = () => readdirSync(process.env.ROWS_PACKAGE, { recursive: true })
    const before = shipped()
    for (const name of ['millrace-agents', 'millrace.toml', 'runtime_snapshot.json'])
      assert.ok(!before.some((file) => path.basename(file) === name), name)
    mkdirSync('project')
    const workspace = workspaceAt(path.resolve('project'))
    await workspace.ok('init')
    assert.deepEqual(readdirSync(workspace.root), ['millrace-agents'])
    assert.match(workspace.text('millrace.toml'), /^default_mode = "default_codex"$/m)
    assert.equal(workspace.read('state/runtime_snapshot.json').kind, 'runtime_snapshot')
    assert.deepEqual(workspace.names('tasks'), ['active', 'blocked', 'done', 'queue'])
    assert.deepEqual(shipped(), before)
  },
}
