import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { eventually } from './parts/commands.mjs'
import { open, reached, waitAt } from './parts/gate.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-39',
  says: 'Of a changed config every key counts from its own boundary on, and one that only a start takes in is refused while a runtime is at work.',

  async run() {
    const workspace = await newWorkspace({
      replies: [
        {
          stage: 'builder',
          item: 'first',
          steps: [waitAt('builder'), { artifacts: true }],
          outcome: 'BUILDER_COMPLETE',
        },
      ],
    })
    await workspace.add('task', 'first')
    const daemon = await workspace.daemon()
    await reached('builder')
    await workspace.add('task', 'second')

    // One edit by hand, with a key of each boundary. No command is given.
    const file = workspace.path('millrace.toml')
    const edited = readFileSync(file, 'utf8')
      .replace('[runtime]\n', '[runtime]\nwedged_after_seconds = 7\non_restart = "kill"\n')
      .replace('[stages.checker]\n', '[stages.checker]\ntimeout_seconds = 77\n')
    writeFileSync(file, edited)
    await eventually('it is read', () => workspace.events('runtime_config_reloaded').length === 1)
    assert.deepEqual(workspace.events('runtime_config_reloaded')[0].data.pending_restart, ['runtime.on_restart'])
    const status = await workspace.json('status')
    assert.deepEqual(status.pending_restart, ['runtime.on_restart'])
    assert.equal(status.last_reload_outcome, 'applied')
    const key = async (name) => (await workspace.json('config', 'show', name)).keys[0]
    assert.equal((await key('runtime.wedged_after_seconds')).boundary, 'tick')
    assert.equal((await key('stages.checker.timeout_seconds')).boundary, 'claim')
    assert.equal((await key('runtime.on_restart')).boundary, 'restart')

    // By command: what counts at once or with the next claim is done, what only a start takes in is refused.
    const set = async (...args) => (await workspace.millrace('config', 'set', ...args, '--json')).json
    assert.match((await set('runtime.idle_sleep_seconds', '0.5')).detail, /takes effect at once/)
    assert.match((await set('stages.updater.timeout_seconds', '88')).detail, /with the next item/)
    const before = workspace.text('millrace.toml')
    const refused = await workspace.millrace('config', 'set', 'runtime.on_restart', 'adopt', '--json')
    assert.deepEqual([refused.code, refused.json.error.code], [3, 'restart_needed'])
    assert.equal(workspace.text('millrace.toml'), before)

    // The item that is at work keeps what it was claimed with; the next has what the file says.
    open('builder')
    await eventually('both are done', () => workspace.names('tasks/done').length === 2)
    await workspace.ok('stop')
    await daemon.ended
    const limits = async (runId) => {
      const requests = workspace.names(`runs/${runId}/stage_requests`)
      const read = requests.map((name) => workspace.read(`runs/${runId}/stage_requests/${name}`))
      return Object.fromEntries(read.map((request) => [request.node_id, request.timeout_seconds]))
    }
    const [first, second] = await workspace.runIds()
    assert.deepEqual(await limits(first), { builder: 3600, checker: 3600, updater: 3600 })
    assert.deepEqual(await limits(second), { builder: 3600, checker: 77, updater: 88 })

    // A start takes it in.
    await workspace.ok('run', 'daemon', '--stop-when-idle')
    assert.deepEqual((await workspace.json('status')).pending_restart, [])
    assert.equal((await set('runtime.on_restart', 'adopt')).applied, true)
  },
}
