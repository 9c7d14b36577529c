import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { newWorkspace } from './parts/workspace.mjs'

const FOLDERS = [
  ...['state', 'state/mailbox/incoming', 'state/mailbox/processed', 'state/mailbox/failed', 'runs', 'logs'],
  ...['tasks/queue', 'tasks/active', 'tasks/done', 'tasks/blocked'],
  ...['specs/queue', 'specs/active', 'specs/done', 'specs/blocked'],
  ...['incidents/incoming', 'incidents/active', 'incidents/resolved', 'incidents/blocked'],
  ...['arbiter/contracts/ideas', 'arbiter/contracts/root-specs', 'arbiter/targets'],
  ...['arbiter/rubrics', 'arbiter/verdicts', 'arbiter/reports'],
  ...['entrypoints/execution', 'entrypoints/planning', 'skills', 'modes', 'graphs', 'registry/stage_kinds'],
]
/** Files of a new workspace with what they say at first, where that is fixed. */
const FILES = {
  'millrace.toml': null,
  'outline.md': '',
  'historylog.md': '',
  'state/runtime_snapshot.json': null,
  'state/recovery_counters.json': null,
  'state/execution_status.md': '### IDLE\n',
  'state/planning_status.md': '### IDLE\n',
  'state/baseline_manifest.json': null,
}

export const row = {
  id: 'M000-09',
  says: 'A workspace is bootstrapped below millrace-agents/: queues, snapshot, plans, mailbox, runs, arbiter artifacts.',

  async run() {
    const workspace = await newWorkspace({ runner: null })
    assert.deepEqual(readdirSync(workspace.root).sort(), ['.git', 'README.md', 'millrace-agents'])
    for (const folder of FOLDERS)
      assert.ok(workspace.has(folder) && statSync(workspace.path(folder)).isDirectory(), folder)
    for (const [file, text] of Object.entries(FILES))
      assert.ok(text === null ? workspace.has(file) : workspace.text(file) === text, file)
    assert.deepEqual(workspace.read('state/recovery_counters.json').entries, [])

    const { compiled_plan_id } = await workspace.json('compile', 'validate')
    assert.equal(workspace.read('state/compiled_plan.json').compiled_plan_id, compiled_plan_id)
    assert.equal(workspace.read('state/runtime_snapshot.json').process_running, false)
    assert.deepEqual(workspace.names('state/plans'), [compiled_plan_id])
    assert.deepEqual(readdirSync(workspace.root).sort(), ['.git', 'README.md', 'millrace-agents'])
  },
}
