import assert from 'node:assert/strict'
import { eventually } from './parts/commands.mjs'
import { newWorkspace } from './parts/workspace.mjs'

/** Commands at the same moment, each from a process of its own. */
const WRITERS = 6

export const row = {
  id: 'M002-116',
  says: 'While a daemon runs every change is a command in the mailbox, archived with its result; one process writes.',

  async run() {
    const workspace = await newWorkspace()
    const daemon = await workspace.daemon()
    await workspace.ok('pause')
    const added = await Promise.all(
      Array.from({ length: WRITERS }, (_, index) => workspace.json('add-task', `Task number ${index}`)),
    )
    const first = added[0].work_item_id
    await eventually('the daemon knows the task', async () => {
      const { items } = await workspace.json('queue', 'ls')
      return items.some((item) => item.work_item_id === first)
    })
    const cancelled = await workspace.json('queue', 'cancel', first)

    for (const answer of [...added, cancelled]) {
      assert.deepEqual([answer.mode, answer.state, answer.applied], ['mailbox', 'applied', true])
      const { envelope, result } = workspace.read(`state/mailbox/processed/${answer.command_id}.json`)
      assert.equal(envelope.command_id, answer.command_id)
      assert.equal(result.applied, true)
    }
    const refused = await workspace.millrace('queue', 'cancel', 'nobody', '--json')
    assert.equal(refused.code, 1)
    assert.equal(refused.json.error.code, 'item_unknown')
    assert.equal(workspace.names('state/mailbox/failed').length, 1)
    assert.equal(
      workspace.read(`state/mailbox/failed/${workspace.names('state/mailbox/failed')[0]}`).result.code,
      'item_unknown',
    )
    await eventually('the mailbox is empty', () => workspace.names('state/mailbox/incoming').length === 0)
    const documents = workspace.names('tasks/queue').filter((name) => name.endsWith('.md'))
    assert.deepEqual(
      documents,
      added
        .slice(1)
        .map((answer) => `${answer.work_item_id}.md`)
        .sort(),
    )

    // One generation of the lock wrote it all, and it is the daemon's.
    const locks = ['runtime_daemon_lock_acquired', 'runtime_lock_taken_over'].flatMap(workspace.events)
    assert.equal(locks.length, 1)
    const { runtime_process_id: holder, runtime_ownership_lock: lock } = await workspace.json('status')
    assert.deepEqual([holder, lock], [daemon.pid, 'active'])
  },
}
