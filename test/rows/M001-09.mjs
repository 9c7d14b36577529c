import assert from 'node:assert/strict'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M001-09',
  says: 'Run artifacts can be inspected later: `runs show` and `runs tail` answer for an old run as they did at first.',

  async run() {
    const workspace = await newWorkspace({
      replies: [{ stage: 'updater', item: 'old', outcome: 'UPDATE_COMPLETE', message: 'What the old one had to say.' }],
    })
    await workspace.add('task', 'old')
    await workspace.drain()
    const [old] = await workspace.runIds()
    const told = async () => ({
      show: await workspace.json('runs', 'show', old),
      text: (await workspace.ok('runs', 'show', old)).stdout,
      tail: await workspace.json('runs', 'tail', old),
    })
    const first = await told()
    assert.match(first.tail.text, /What the old one had to say\./)

    workspace.script([
      { stage: 'builder', item: 'newer', outcome: 'BLOCKED' },
      { stage: 'troubleshooter', item: 'newer', outcome: 'BLOCKED' },
      { stage: 'consultant', item: 'newer', outcome: 'BLOCKED' },
    ])
    for (const id of ['newer', 'newest']) await workspace.add('task', id)
    await workspace.drain()
    const { runs } = await workspace.json('runs', 'ls')
    assert.ok(runs.length >= 3)
    assert.equal(runs.at(-1).run_id, old)
    assert.deepEqual(await told(), first)
    for (const stage of first.show.stages)
      for (const file of [stage.stage_result_path, stage.stdout_path, stage.stderr_path, ...stage.artifact_paths])
        assert.ok(workspace.has(`runs/${old}/${file}`), file)
  },
}
