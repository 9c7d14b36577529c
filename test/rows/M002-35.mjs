import assert from 'node:assert/strict'
import { eventually } from './parts/commands.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-35',
  says: 'With a daemon up it alone archives commands, writes the snapshot and tells events.',

  async run() {
    const workspace = await newWorkspace()
    await workspace.ok('pause')
    const daemon = await workspace.daemon()
    daemon.kill('SIGSTOP')
    const written = () => ['state/runtime_snapshot.json', 'logs/runtime_events.jsonl'].map(workspace.text)
    const before = written()

    const queued = await workspace.json('add-task', workspace.document('task', 'work'), '--no-wait')
    assert.deepEqual([queued.state, queued.mode, queued.applied], ['queued', 'mailbox', false])
    assert.deepEqual(workspace.names('state/mailbox/incoming'), [`${queued.command_id}.json`])
    assert.equal((await workspace.json('status')).mailbox_waiting, 1)
    assert.deepEqual(written(), before)
    assert.deepEqual(workspace.names('tasks/queue'), [])

    daemon.kill('SIGCONT')
    const archive = `state/mailbox/processed/${queued.command_id}.json`
    await eventually('the daemon takes it', () => workspace.names('state/mailbox/incoming').length === 0)
    assert.equal(workspace.read(archive).result.applied, true)
    assert.deepEqual(workspace.names('tasks/queue'), ['work.md'])
    const [snapshot, events] = written()
    assert.equal(JSON.parse(snapshot).revision > JSON.parse(before[0]).revision, true)
    assert.match(events.slice(before[1].length), new RegExp(`"command_id":"${queued.command_id}"`))

    // And it ends only when it is told to, with the state it leaves behind.
    await workspace.ok('stop')
    assert.equal((await daemon.ended).code, 0)
    assert.equal(workspace.read('state/runtime_snapshot.json').process_running, false)
  },
}
