import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M000-07',
  says: 'Audit artifacts stay: those of every run, and those of the arbiter.',

  async run() {
    const workspace = await newWorkspace()
    await workspace.add('spec', 'wish')
    await workspace.drain()

    const runIds = await workspace.runIds()
    assert.equal(runIds.length, 3, 'one of the spec, one of its task, one of the arbiter')
    assert.deepEqual(workspace.names('runs'), [...runIds].sort())
    for (const runId of runIds) {
      const { stages } = await workspace.json('runs', 'show', runId)
      assert.ok(stages.length > 0)
      assert.equal(workspace.lines(`runs/${runId}/transition_history.jsonl`).length, stages.length)
      for (const { request_id: requestId, stage } of stages) {
        assert.equal(workspace.read(`runs/${runId}/stage_results/${requestId}.json`).stage, stage)
        assert.equal(workspace.read(`runs/${runId}/stage_requests/${requestId}.json`).stage_kind_id, stage)
      }
    }

    const target = workspace.read('arbiter/targets/wish.json')
    assert.equal(target.closure_open, false)
    assert.equal(workspace.read('arbiter/verdicts/wish.json').verdict, 'pass')
    for (const file of ['rubrics/wish.md', 'contracts/root-specs/wish.md', `reports/${runIds.at(-1)}.md`])
      assert.ok(workspace.text(`arbiter/${file}`).trim().length > 0, file)
    const written = [...runIds.map((runId) => `runs/${runId}`), 'arbiter/verdicts', 'arbiter/reports'].map(
      workspace.names,
    )

    await workspace.add('task', 'later')
    await workspace.drain()
    assert.deepEqual(
      [...runIds.map((runId) => `runs/${runId}`), 'arbiter/verdicts', 'arbiter/reports'].map(workspace.names),
      written,
      'what was kept stays when work goes on',
    )
  },
}
