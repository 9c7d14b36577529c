import assert from 'node:assert/strict'
import { reached, waitAt } from './parts/gate.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-04',
  says: 'Every run that is listed answers run-provenance: of either plane, finished, blocked and at work.',

  async run() {
    const workspace = await newWorkspace({
      replies: [
        ...['builder', 'troubleshooter', 'consultant'].map((stage) => ({
          stage,
          item: 'hopeless',
          outcome: 'BLOCKED',
        })),
        { stage: 'builder', item: 'waiting', steps: [waitAt('never')], outcome: 'BUILDER_COMPLETE' },
      ],
    })
    await workspace.add('spec', 'idea')
    await workspace.add('task', 'hopeless')
    await workspace.ok('run', 'daemon', '--stop-when-idle')
    await workspace.add('task', 'waiting')
    await workspace.daemon()
    await reached('never')

    const { runs } = await workspace.json('runs', 'ls')
    assert.deepEqual([...new Set(runs.map((one) => one.plane))].sort(), ['execution', 'planning'])
    assert.equal(runs.length, 5, 'the spec, its task, its closure, the blocked task, and the one at work')
    for (const { run_id: runId, stage_count: stages } of runs) {
      const provenance = await workspace.json('run-provenance', runId)
      assert.equal(provenance.run_id, runId)
      assert.equal(provenance.runtime_history.length, stages)
      for (const step of provenance.runtime_history) assert.equal(step.run_id, runId)
    }

    const unknown = await workspace.millrace('run-provenance', 'run-that-never-was', '--json')
    assert.equal(unknown.code, 1)
    assert.match(unknown.stderr, /run-that-never-was/)
  },
}
