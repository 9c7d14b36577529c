import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-54',
  says: 'add-task and then start --once: one cycle in the foreground, after which the task is done and the process gone.',

  async run() {
    const workspace = await newWorkspace()
    const { work_item_id: id } = await workspace.json('add-task', 'Cap upload retries at five')
    const { work_item_id: next } = await workspace.json('add-task', 'Say how often an upload was retried')

    const running = workspace.start('start', '--once')
    const { code, stderr } = await running.ended
    assert.equal(code, 0, stderr)
    assert.throws(() => process.kill(running.pid, 0), { code: 'ESRCH' })
    assert.deepEqual(workspace.names('tasks/done'), [`${id}.md`])
    assert.deepEqual(workspace.names('tasks/active'), [])
    // One cycle: what was queued behind it waits for the next call.
    assert.deepEqual(workspace.names('tasks/queue'), [`${next}.md`])
    const { process_running: isRunning } = await workspace.json('status')
    assert.equal(isRunning, false)
    const [runId, ...more] = await workspace.runIds()
    assert.equal(more.length, 0)
    const { nodes } = await workspace.json('runs', 'trace', runId)
    assert.deepEqual(
      nodes.map(({ stage }) => stage),
      ['builder', 'checker', 'updater'],
    )
  },
}
