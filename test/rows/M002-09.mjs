import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-09',
  says: 'The package has no workspace in it; init makes one, with its config and its runtime root, where it is told to.',

  async run() {
    const shipped = readdirSync(process.env.ROWS_PACKAGE, { recursive: true }).map((file) => path.basename(file))
    for (const name of ['millrace-agents', 'millrace.toml', 'runtime_snapshot.json'])
      assert.ok(!shipped.includes(name), name)
    const before = readdirSync(process.env.ROWS_PACKAGE, { recursive: true }).length
    const workspace = await newWorkspace({ runner: null })
    assert.ok(workspace.has('millrace.toml') && workspace.has('state/runtime_snapshot.json'))
    assert.deepEqual(workspace.names('tasks'), ['active', 'blocked', 'done', 'queue'])
    assert.equal(readdirSync(process.env.ROWS_PACKAGE, { recursive: true }).length, before)
  },
}
