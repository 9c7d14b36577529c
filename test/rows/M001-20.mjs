import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M001-20',
  says: 'A run that failed leaves artifacts to find out why by, and names their paths.',

  async run() {
    const workspace = await newWorkspace({
      replies: [
        { stage: 'builder', outcome: 'BLOCKED', message: 'The compiler is missing.' },
        {
          stage: 'troubleshooter',
          steps: [{ write: { path: '{run_dir}/troubleshoot_report.md', text: 'Nobody installed the compiler.\n' } }],
          outcome: 'BLOCKED',
        },
        { stage: 'consultant', outcome: 'BLOCKED' },
      ],
    })
    await workspace.add('task', 'work')
    await workspace.drain()
    const [runId] = await workspace.runIds()
    const run = await workspace.json('runs', 'show', runId)
    assert.equal(run.state, 'blocked')
    assert.match(workspace.text(`runs/${runId}/${run.troubleshoot_report_path}`), /Nobody installed the compiler/)
    for (const { stage, stdout_path, stderr_path, stage_result_path } of run.stages)
      for (const file of [stdout_path, stderr_path, stage_result_path])
        assert.ok(workspace.has(`runs/${runId}/${file}`), `${stage}: ${file}`)
    assert.match(workspace.text(`runs/${runId}/${run.stages[0].stdout_path}`), /The compiler is missing\./)

    const text = (await workspace.ok('runs', 'show', runId)).stdout
    for (const file of [run.troubleshoot_report_path, run.primary_stdout_path, run.primary_stderr_path])
      assert.ok(text.includes(file), file)
    const item = await workspace.json('queue', 'show', 'work')
    assert.equal(item.work_item_state, 'blocked')
    assert.equal(item.run_id, runId)
    assert.ok(item.reason, 'the item says why it is blocked')
  },
}
