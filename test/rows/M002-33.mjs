import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { run, succeeded } from './parts/commands.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-33',
  says: 'Node given the module prints byte for byte what the command prints.',

  async run() {
    const workspace = await newWorkspace()
    await workspace.add('task', 'work')
    await workspace.ok('run', 'once')
    const folder = process.env.ROWS_PACKAGE
    const module = path.join(folder, JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).bin.millrace)
    for (const words of [['status', '--json'], ['status'], ['queue', 'ls', '--json']]) {
      const command = await workspace.ok(...words)
      const form = succeeded(await run('node', [module, ...words], { cwd: workspace.root }), `node ${module}`)
      assert.equal(form.stdout, command.stdout)
      assert.ok(form.stdout.length > 100)
    }
  },
}
