import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { run, succeeded } from './parts/commands.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M000-08',
  says: 'The installed command `millrace` and the entry as a module both work.',

  async run() {
    const workspace = await newWorkspace()
    const { version } = JSON.parse(readFileSync(path.join(process.env.ROWS_PACKAGE, 'package.json'), 'utf8'))
    assert.equal((await workspace.ok('--version')).stdout, `millrace ${version}\n`)
    const installed = await workspace.ok('status')
    assert.match(installed.stdout, /^execution_queue_depth: 0$/m)

    // The way a project of its own would have it: as a dependency.
    mkdirSync('dependant/node_modules', { recursive: true })
    symlinkSync(process.env.ROWS_PACKAGE, 'dependant/node_modules/millrace')
    const node = (...args) => run('node', args, { cwd: 'dependant' })
    const module = await node('node_modules/millrace/dist/millrace.js', 'status', '--workspace', workspace.root)
    assert.deepEqual([module.code, module.stdout], [0, installed.stdout])

    const program = `
      import { parseDocument, ERROR_CODES } from 'millrace'
      import { readFileSync } from 'node:fs'
      const parsed = parseDocument('task', readFileSync(process.argv[1], 'utf8'))
      console.log(JSON.stringify({ ok: parsed.ok, codes: Object.keys(ERROR_CODES).length }))`
    const task = workspace.document('task', 'work')
    const embedded = succeeded(await node('--input-type=module', '--eval', program, task), 'node')
    assert.equal(embedded.json.ok, true)
    assert.ok(embedded.json.codes > 0)
  },
}
