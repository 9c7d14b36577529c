import assert from 'node:assert/strict'
import { eventually } from './parts/commands.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-108',
  says: 'start --once and start --daemon both work, and not together.',

  async run() {
    const workspace = await newWorkspace()
    for (const words of [
      ['start', '--once', '--daemon'],
      ['start', '--daemon', '--once'],
    ]) {
      const { code, stderr, stdout } = await workspace.millrace(...words)
      assert.equal(code, 2, stdout)
      assert.match(stderr, /--once/)
      assert.match(stderr, /--daemon/)
    }
    assert.equal((await workspace.json('runs', 'ls')).run_count, 0)

    await workspace.add('task', 'first')
    await workspace.ok('start', '--once')
    assert.ok(workspace.has('tasks/done/first.md'))

    const daemon = workspace.start('start', '--daemon')
    await eventually(
      'it owns the workspace',
      async () => (await workspace.json('status')).runtime_process_id === daemon.pid,
    )
    await workspace.add('task', 'second')
    await eventually('the daemon does the task', () => workspace.has('tasks/done/second.md'))
    // It stays when there is nothing left to do, and owns the workspace until it is stopped.
    const idle = await eventually('it has nothing left to do', async () => {
      const status = await workspace.json('status')
      return status.activity === 'idle' ? status : null
    })
    assert.deepEqual([idle.process_running, idle.runtime_process_id], [true, daemon.pid])
    await workspace.ok('stop')
    assert.equal((await daemon.ended).code, 0)
  },
}
