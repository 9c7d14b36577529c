import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { deployedAs } from './parts/baseline.mjs'
import { newWorkspace } from './parts/workspace.mjs'

const CONFIG = `# ours\r\n[runtime]\r\ndefault_mode = "default_pi" # not codex\r\n\r\n[recovery]\r\nmax_fix_cycles = 7\r\n`

export const row = {
  id: 'M001-28',
  says: 'A config that is there keeps every byte when the workspace is made again or upgraded.',

  async run() {
    const workspace = await newWorkspace({ runner: null })
    writeFileSync(workspace.path('millrace.toml'), CONFIG)
    const config = () => readFileSync(workspace.path('millrace.toml'), 'utf8')
    for (const args of [['init'], ['init', '--force'], ['upgrade', '--apply'], ['doctor', '--fix', '--apply']]) {
      deployedAs(workspace, 'entrypoints/execution/builder.md', 'old\n')
      await workspace.millrace(...args)
      assert.equal(config(), CONFIG, args.join(' '))
    }
    assert.notEqual(workspace.text('entrypoints/execution/builder.md'), '')
    assert.equal((await workspace.millrace('init', '--mode', 'default_codex')).code, 2)
    assert.equal(config(), CONFIG)
    const shown = await workspace.json('config', 'show', 'recovery.max_fix_cycles')
    assert.match(JSON.stringify(shown), /7/)
  },
}
