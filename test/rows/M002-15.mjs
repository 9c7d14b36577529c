import assert from 'node:assert/strict'
import { eventually } from './parts/commands.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-15',
  says: 'A second runtime on the same workspace is refused, and the first one works on.',

  async run() {
    const workspace = await newWorkspace()
    const daemon = await workspace.daemon()
    await eventually('it has told that it rests', async () => {
      const { last_event: last } = await workspace.json('status')
      return last.event_type === 'runtime_tick_idle'
    })
    const before = workspace.text('state/runtime_snapshot.json')
    for (const form of ['daemon', 'once']) {
      const second = await workspace.millrace('run', form)
      assert.equal(second.code, 3, `\`millrace run ${form}\`: ${second.stdout}${second.stderr}`)
      assert.match(second.stderr, new RegExp(`\\b${daemon.pid}\\b`), 'it says who holds the workspace')
    }
    assert.equal(workspace.text('state/runtime_snapshot.json'), before)

    await workspace.add('task', 'work')
    await eventually('the first one does the task', () => workspace.has('tasks/done/work.md'))
    assert.equal((await workspace.json('status')).runtime_process_id, daemon.pid)
  },
}
