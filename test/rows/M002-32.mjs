import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { run, succeeded } from './parts/commands.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-32',
  says: 'Commands run from the root of the workspace, or from anywhere with --config before or after the verb.',

  async run() {
    const workspace = await newWorkspace()
    await workspace.add('task', 'work')
    const elsewhere = path.resolve('elsewhere')
    mkdirSync(elsewhere)
    const here = (await workspace.ok('status', '--json')).stdout
    assert.equal(JSON.parse(here).workspace, workspace.root)
    assert.equal(JSON.parse(here).execution_queue_depth, 1)

    for (const file of [path.join(workspace.root, 'millrace.toml'), workspace.path('millrace.toml')]) {
      for (const words of [
        ['--config', file, 'status', '--json'],
        ['status', '--config', file, '--json'],
      ]) {
        const command = `millrace ${words.join(' ')}`
        assert.equal(succeeded(await run('millrace', words, { cwd: elsewhere }), command).stdout, here, command)
      }
    }
    const relative = ['--config', '../project/millrace.toml', 'add-task', 'From elsewhere']
    succeeded(await run('millrace', relative, { cwd: elsewhere }), relative.join(' '))
    assert.equal(workspace.names('tasks/queue').length, 2)
    const lost = await run('millrace', ['status'], { cwd: elsewhere })
    assert.equal(lost.code, 1, 'without it there is no workspace')
  },
}
