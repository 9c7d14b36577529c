import assert from 'node:assert/strict'
import { installHarness } from './parts/harnesses.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M000-06',
  says: 'The operator sees and steers by status, why, queue, runs, control, compile, modes, health, doctor and config.',

  async run() {
    installHarness('codex')
    const workspace = await newWorkspace()
    await workspace.add('task', 'done-one')
    await workspace.drain()
    await workspace.add('task', 'waiting-one')
    const [runId] = await workspace.runIds()

    const tells = async (words, ...args) => {
      const { stdout } = await workspace.ok(...args)
      for (const word of words) assert.ok(stdout.includes(word), `${args.join(' ')} does not tell ${word}: ${stdout}`)
      const value = await workspace.json(...args)
      for (const word of words) assert.ok(JSON.stringify(value).includes(word), `${args.join(' ')} --json: ${word}`)
      return value
    }
    const plan = (await tells(['default_codex'], 'compile', 'validate')).compiled_plan_id
    assert.equal((await tells([plan], 'status')).execution_queue_depth, 1)
    await tells(['waiting-one'], 'queue', 'ls')
    await tells(['waiting-one', 'It works.'], 'queue', 'show', 'waiting-one')
    await tells([runId, 'done-one'], 'runs', 'ls')
    await tells([runId, 'builder', 'checker', 'updater'], 'runs', 'show', runId)
    await tells(['BUILDER_COMPLETE'], 'runs', 'trace', runId)
    await tells(['UPDATE_COMPLETE'], 'runs', 'tail', runId)
    await tells([plan, 'BUILDER_COMPLETE'], 'compile', 'show')
    await tells(['builder', 'planner'], 'compile', 'graph')
    await tells(['default_codex', 'default_pi'], 'modes', 'list')
    await tells(['execution.standard'], 'modes', 'show', 'default_codex')
    await tells(['runtime.idle_sleep_seconds'], 'config', 'show')
    await tells([], 'config', 'validate')
    assert.equal((await tells([], 'health')).ok, true)
    assert.equal((await tells([], 'doctor')).ok, true)
    assert.equal((await tells(['no runtime is at work'], 'why', 'waiting-one')).verdict, 'waiting')

    await workspace.ok('control', 'pause', '--reason', 'lunch')
    assert.equal((await tells(['lunch'], 'status')).paused, true)
    assert.deepEqual(await workspace.work(1), ['paused'])
    await workspace.ok('control', 'resume')
    assert.equal((await workspace.json('status')).paused, false)
    assert.equal((await workspace.work()).length, 3)
  },
}
