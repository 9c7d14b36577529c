import assert from 'node:assert/strict'
import { eventually } from './parts/commands.mjs'
import { newWorkspace } from './parts/workspace.mjs'

const PARTS = [
  ...['run_id', 'selection', 'selection_explanation', 'current_preview', 'runtime_history', 'compile_snapshot'],
  ...['snapshot_path', 'transition_history_path'],
]

export const row = {
  id: 'M002-111',
  says: 'What came of it: logs --follow and run-provenance answer with valid output on a used workspace.',

  async run() {
    const workspace = await newWorkspace()
    await workspace.add('task', 'first')
    await workspace.ok('run', 'daemon', '--stop-when-idle')

    const following = workspace.start('logs', '--follow', '--json')
    await following.said('work_item_finished')
    await workspace.add('task', 'second')
    await following.said('"second"')
    following.kill('SIGINT')
    const { code, stdout } = await following.ended
    assert.equal(code, 0)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    assert.ok('end' in lines.at(-1))
    const told = lines.slice(0, -1)
    assert.deepEqual(told, workspace.lines('logs/runtime_events.jsonl').slice(-told.length))
    const text = workspace.start('logs', '--follow', '--tail', '3')
    await eventually('it prints the tail', () => text.stdout().trimEnd().split('\n').length >= 3)
    text.kill('SIGINT')
    assert.equal((await text.ended).code, 0)

    const [runId] = await workspace.runIds()
    const provenance = await workspace.json('run-provenance', runId)
    assert.deepEqual(
      PARTS.filter((part) => !(part in provenance)),
      [],
    )
    assert.deepEqual(lasting(await workspace.json('runs', 'provenance', runId)), lasting(provenance))
    assert.deepEqual(
      provenance.runtime_history.map((step) => step.node_id),
      ['builder', 'checker', 'updater'],
    )
    assert.match((await workspace.ok('run-provenance', runId)).stdout, new RegExp(runId))
  },
}

/** Without what is worked out anew each time somebody asks. */
const lasting = ({ current_preview: _, ...provenance }) => provenance
