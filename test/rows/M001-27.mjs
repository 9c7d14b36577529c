import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M001-27',
  says: 'A new config says permission_default = "maximum" in so many words.',

  async run() {
    const workspace = await newWorkspace({ runner: null })
    const text = workspace.text('millrace.toml')
    const section = text.slice(text.indexOf('[runners.codex]')).split(/\n\[/)[0]
    assert.match(section, /^permission_default = "maximum"$/m)
    assert.match((await workspace.ok('config', 'show')).stdout, /runners\.codex\.permission_default\W.*maximum/)
  },
}
