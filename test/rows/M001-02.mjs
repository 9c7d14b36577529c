import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { agentProgram, newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M001-02',
  says: 'The harness edits the project; queue, plan, progression, state and audit trail are the runtime’s alone.',

  async run() {
    const notes = path.resolve('notes.jsonl')
    const workspace = await newWorkspace({ runner: 'command' })
    const program = agentProgram('bystander')
    workspace.configure(`[runners.command]\ncommand = "node"\nargs = ["${program}", "${notes}"]`)
    await workspace.add('task', 'work')
    await workspace.drain()

    assert.equal(readFileSync(path.join(workspace.root, 'work.txt'), 'utf8'), 'builder\nchecker\nupdater\n')
    const looks = readFileSync(notes, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    for (const { stage, before, after } of looks) {
      assert.ok('tasks/active/work.md' in before, stage)
      assert.deepEqual(after, before, `something changed by the work of ${stage}`)
    }
    // Between the stages it was the runtime that brought it on, and that took it all down.
    const states = looks.map(({ before }) => before['state/runtime_snapshot.json'])
    assert.equal(new Set(states).size, looks.length)
    assert.deepEqual(workspace.names('tasks/done'), ['work.md'])
    const [runId] = await workspace.runIds()
    const history = workspace.lines(`runs/${runId}/transition_history.jsonl`)
    assert.deepEqual(
      history.map((step) => [step.node_id, step.source]),
      looks.map(({ stage }) => [stage, 'engine']),
    )
  },
}
