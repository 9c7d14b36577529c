import assert from 'node:assert/strict'
import { eventually } from './parts/commands.mjs'
import { newWorkspace } from './parts/workspace.mjs'

const NEUTRAL = /IDLE says .* nothing of the runtime or of the queues/

export const row = {
  id: 'M002-88',
  says: 'IDLE of the execution plane is neutral: status says so, and a daemon that is idle is not called stopped.',

  async run() {
    const workspace = await newWorkspace()
    await workspace.add('task', 'work')
    const stopped = await workspace.json('status')
    assert.deepEqual([stopped.execution_status_marker, stopped.activity], ['### IDLE', 'stopped'])
    assert.match((await workspace.ok('status')).stdout, NEUTRAL)

    await workspace.daemon()
    const idle = await eventually('the daemon has nothing left to do', async () => {
      const status = await workspace.json('status')
      return status.queue_depths.task.done === 1 && status.activity === 'idle' ? status : null
    })
    assert.deepEqual([idle.execution_status_marker, idle.process_running], ['### IDLE', true])
    const { stdout } = await workspace.ok('status')
    assert.match(stdout, NEUTRAL)
    assert.match(stdout, /^activity: idle$/m)
    assert.match(stdout, /^process_running: true$/m)
    assert.doesNotMatch(stdout, /stopped/)
  },
}
