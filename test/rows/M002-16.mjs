import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-16',
  says: 'A task goes from queue to active to done, by builder, checker and updater.',

  async run() {
    const workspace = await newWorkspace()
    await workspace.add('task', 'work')
    const text = workspace.text('tasks/queue/work.md')
    const place = () =>
      ['queue', 'active', 'done', 'blocked'].filter((state) => workspace.has(`tasks/${state}/work.md`))

    const places = [place()]
    for (let stage = 0; stage < 3; stage++) {
      await workspace.ok('run', 'once')
      places.push(place())
    }
    assert.deepEqual(places, [['queue'], ['active'], ['active'], ['done']])
    assert.equal(workspace.text('tasks/done/work.md'), text)
    const [runId] = await workspace.runIds()
    const { nodes } = await workspace.json('runs', 'trace', runId)
    assert.deepEqual(
      nodes.map(({ stage, terminal_result }) => [stage, terminal_result]),
      [
        ['builder', 'BUILDER_COMPLETE'],
        ['checker', 'CHECKER_PASS'],
        ['updater', 'UPDATE_COMPLETE'],
      ],
    )
  },
}
