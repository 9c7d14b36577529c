import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-109',
  says: 'Where planning made the work, start --once ends there and says so; the next call executes it.',

  async run() {
    const workspace = await newWorkspace()
    await workspace.add('spec', 'idea')

    const first = await workspace.ok('start', '--once')
    assert.match(first.stdout + first.stderr, /planned 1 tasks?; run it again to execute/)
    assert.ok(workspace.has('specs/done/idea.md'))
    const planned = workspace.names('tasks/queue')
    assert.equal(planned.length, 1)
    const started = () => workspace.events('stage_started').map((event) => event.data.stage)
    assert.deepEqual(started(), ['planner', 'manager'])

    await workspace.ok('start', '--once')
    assert.deepEqual(workspace.names('tasks/done'), planned)
    assert.deepEqual(started().slice(2, 5), ['builder', 'checker', 'updater'])
    assert.equal((await workspace.json('status')).process_running, false)
  },
}
