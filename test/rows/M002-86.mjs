import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

/** Groups that the detailed status has beside the flat keys. */
const GROUPS = ['runtime', 'liveness', 'selection', 'selection_explanation', 'assets', 'active_task', 'next_task']

export const row = {
  id: 'M002-86',
  says: 'Detailed status, the queue in full and the tail of the log answer with JSON on a new workspace.',

  async run() {
    const workspace = await newWorkspace({ runner: null })
    const plain = await workspace.json('status')
    const detailed = await workspace.json('status', '--detail')
    assert.deepEqual(
      GROUPS.filter((group) => !(group in detailed)),
      [],
    )
    for (const key of Object.keys(plain)) assert.deepEqual(detailed[key], plain[key], key)
    assert.equal(detailed.runtime.process_running, false)
    assert.equal(detailed.active_task, null)
    assert.equal(detailed.next_task, null)

    const queue = await workspace.json('queue', 'inspect')
    assert.deepEqual([queue.item_count, queue.items], [0, []])
    const empty = await workspace.json('logs', '--tail', '20')
    assert.deepEqual([empty.events, empty.skipped], [[], 0])

    // On one that has something to show the same commands show it.
    await workspace.add('task', 'work')
    assert.match(JSON.stringify((await workspace.json('status', '--detail')).next_task), /"work"/)
    assert.equal((await workspace.json('queue', 'inspect')).items[0].work_item_id, 'work')
    const { events } = await workspace.json('logs', '--tail', '1')
    assert.deepEqual(
      events.map((event) => event.event_type),
      ['mailbox_command_applied'],
    )
    const text = await workspace.ok('logs', '--tail', '1')
    assert.match(text.stdout, /mailbox_command_applied/)
  },
}
