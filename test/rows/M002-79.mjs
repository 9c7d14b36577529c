import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { EXECUTION_STAGES, gitProject, PLANNING_STAGES, workspaceAt } from './parts/workspace.mjs'

const DOCUMENT = /^millrace-agents\/(tasks|specs|incidents|learning\/requests)\/.*\.md$/
/** The configuration is the operator's: that agents of ours work is said on the command line. */
const AGENTS = [...EXECUTION_STAGES, ...PLANNING_STAGES].flatMap((stage) => [
  '--set',
  `stages.${stage}.runner=scripted`,
])

export const row = {
  id: 'M002-79',
  says: 'A workspace of the Python runtime 0.14 or 0.16 is adopted: nothing of it is lost, and its work goes on.',
  reads: 'clone',

  async run() {
    const fixtures = await import(path.join(process.env.ROWS_CLONE, 'test/adoption/fixtures/make.mjs'))
    assert.deepEqual(fixtures.VERSIONS, ['0.14', '0.16'])
    for (const version of fixtures.VERSIONS) await adopt(fixtures, version)
  },
}

async function adopt({ makeFixture }, version) {
  const root = await gitProject(`python-${version}`)
  const { files, runIds, active } = makeFixture(version, root)
  const workspace = workspaceAt(root)
  const textOf = (file) => readFileSync(path.join(root, file), 'utf8')

  const refused = await workspace.millrace('status')
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /run `millrace upgrade`/)
  const preview = await workspace.json('upgrade')
  assert.deepEqual([preview.state, preview.adoption.from], ['preview', `python ${version}`])
  for (const [file, { text }] of files) assert.equal(textOf(file), text, file)

  const { state, adoption } = await workspace.json('upgrade', '--apply')
  assert.equal(state, 'applied')
  const moved = new Map(
    adoption.steps
      .filter(({ action }) => action === 'give_back')
      .map(({ path: from }) => [`millrace-agents/${from}`, `millrace-agents/${from.replace('/active/', '/queue/')}`]),
  )
  assert.equal(moved.size, version === '0.16' ? 1 : 0)
  const documents = [...files].filter(([file]) => DOCUMENT.test(file))
  assert.ok(documents.length > 35)
  for (const [file, { text }] of documents) assert.equal(textOf(moved.get(file) ?? file), text, file)
  for (const file of [`millrace.toml`, `runs/${runIds[0]}`].flatMap((start) => below(files, start)))
    assert.equal(textOf(file), files.get(file).text, file)
  const kept = (name) => textOf(`millrace-agents/${adoption.kept_in}/${name}`)
  for (const name of ['state/runtime_snapshot.json', 'state/recovery_counters.json', 'state/runtime_daemon.lock.json'])
    assert.equal(kept(name), files.get(`millrace-agents/${name}`).text)
  assert.equal((await workspace.json('upgrade', '--apply')).state, 'nothing')

  const { runs } = await workspace.json('runs', 'ls', '--limit', '100')
  assert.deepEqual(runs.map((run) => run.run_id).sort(), [...runIds].sort())
  const [first] = runIds
  assert.equal((await workspace.json('runs', 'show', first)).stage_result_count, 5)
  assert.equal((await workspace.json('runs', 'trace', first)).edges.at(-1).terminal_state_id, 'update_complete')
  assert.equal((await workspace.json('runs', 'provenance', first)).runtime_history.length, 5)

  workspace.script([])
  await workspace.ok('run', 'daemon', '--stop-when-idle', ...AGENTS, '--set', 'runners.scripted.replies=replies.json')
  const unrouted = Object.values(active).find((run) => run.unrouted !== null)
  const requestId = path.basename(unrouted.unrouted, '.json')
  const history = workspace.lines(`runs/${unrouted.runId}/transition_history.jsonl`)
  assert.equal(history.filter((record) => record.request_id === requestId).length, 1)
  assert.equal(history[0].request_id, requestId)
  assert.deepEqual(workspace.names('state/mailbox/incoming'), [])
  for (const { id } of Object.values(active).filter(({ kind }) => kind === 'task'))
    assert.ok(workspace.has(`tasks/done/${id}.md`), id)
  assert.deepEqual([workspace.names('tasks/active'), workspace.names('specs/active')], [[], []])
  assert.equal((await workspace.json('upgrade')).state, 'nothing')
}

const below = (files, start) => [...files.keys()].filter((file) => file.startsWith(`millrace-agents/${start}`))
