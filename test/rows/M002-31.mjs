import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-31',
  says: 'A workspace holds its config, its runtime root and copies of the documents, and nothing outside of them.',

  async run() {
    const workspace = await newWorkspace({ runner: null })
    assert.deepEqual(readdirSync(workspace.root).sort(), ['.git', 'README.md', 'millrace-agents'])
    for (const name of [
      'millrace.toml',
      'state',
      'runs',
      'logs',
      'tasks',
      'specs',
      'incidents',
      'entrypoints',
      'skills',
    ])
      assert.ok(workspace.has(name), name)
    const documents = path.join(process.env.ROWS_PACKAGE, 'docs')
    const shipped = readdirSync(documents).filter((name) => name.endsWith('.md'))
    assert.ok(shipped.length > 3)
    for (const name of shipped)
      assert.equal(workspace.text(`docs/${name}`), readFileSync(path.join(documents, name), 'utf8'), name)
  },
}
