import assert from 'node:assert/strict'
import { eventually } from './parts/commands.mjs'
import { open, reached, waitAt } from './parts/gate.mjs'
import { endProcessesWith } from './parts/processes.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M001-04',
  says: 'One task survives a pause, a crash and the loss of all context, one after the other.',

  async run() {
    const held = (stage, outcome) => ({ stage, attempt: 1, steps: [waitAt(stage), { artifacts: true }], outcome })
    const workspace = await newWorkspace({
      replies: [
        held('builder', 'BUILDER_COMPLETE'),
        held('checker', 'CHECKER_PASS'),
        held('updater', 'UPDATE_COMPLETE'),
      ],
    })
    const at = async (stage) => {
      await reached(stage)
      const [run] = (await workspace.json('status')).active_runs
      assert.deepEqual([run.stage, run.status], [stage, 'started'])
      return run
    }
    await workspace.add('task', 'work')

    let daemon = await workspace.daemon()
    await at('builder')
    await workspace.ok('control', 'pause')
    open('builder')
    await eventually('the run rests', async () => (await workspace.json('status')).active_runs[0].status === 'ready')
    await workspace.ok('control', 'resume')

    const { request_id: adopted } = await at('checker')
    daemon.kill('SIGKILL')
    await daemon.ended
    daemon = await workspace.daemon()
    await eventually('the agent is adopted', () => workspace.events('stage_adopted').length === 1)
    open('checker')

    const { request_id: lost } = await at('updater')
    daemon.kill('SIGKILL')
    await daemon.ended
    endProcessesWith(`MILLRACE_REQUEST_ID=${lost}`)
    open('updater')
    await workspace.drain()

    assert.deepEqual(workspace.names('tasks/done'), ['work.md'])
    const [runId, ...others] = await workspace.runIds()
    assert.deepEqual(others, [])
    const { stages } = await workspace.json('runs', 'show', runId)
    assert.deepEqual(
      stages.map(({ stage }) => stage),
      ['builder', 'checker', 'updater'],
    )
    assert.equal(stages[1].request_id, adopted)
    const last = workspace.read(`runs/${runId}/stage_requests/${stages[2].request_id}.json`)
    assert.equal(last.previous_attempt.request_id, lost)
  },
}
