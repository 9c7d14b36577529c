import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-89',
  says: 'A task that is added goes to the end of the backlog.',

  async run() {
    const workspace = await newWorkspace()
    const backlog = async () =>
      (await workspace.json('queue', 'inspect')).items
        .filter((item) => item.work_item_kind === 'task' && item.state === 'queued')
        .map((item) => item.work_item_id)
    const added = []
    // Titles whose alphabet runs the other way, and one after the other without a pause.
    for (const title of ['Zebra', 'Monkey', 'Ant', 'Bee', 'Yak']) {
      added.push((await workspace.json('add-task', title)).work_item_id)
      assert.deepEqual(await backlog(), added)
    }
    // The order that is shown is the one that is worked in.
    await workspace.ok('run', 'daemon', '--stop-when-idle')
    const { runs } = await workspace.json('runs', 'ls')
    assert.deepEqual(
      runs.map((one) => one.work_item_id),
      added.toReversed(),
    )
  },
}
