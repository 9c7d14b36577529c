import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { run, start, succeeded } from './parts/commands.mjs'
import { noNetwork } from './parts/preloads.mjs'
import { newWorkspace } from './parts/workspace.mjs'

const TASKS = ['first', 'second', 'third']

export const row = {
  id: 'M002-01',
  says: 'Three tasks drain without a network, and files alone tell every step of each.',

  async run() {
    const workspace = await newWorkspace({
      replies: [{ stage: 'checker', item: 'second', attempt: 1, outcome: 'FIX_NEEDED' }],
    })
    for (const id of TASKS) await workspace.add('task', id)

    const { env, tried } = noNetwork()
    const command = [...(await cutOff()), 'millrace', 'run', 'daemon', '--stop-when-idle']
    succeeded(await start(command[0], command.slice(1), { cwd: workspace.root, env }).ended, command.join(' '))

    assert.equal(tried(), '', 'it tried to reach a network')
    assert.deepEqual(workspace.names('tasks/done'), TASKS.map((id) => `${id}.md`).sort())
    for (const id of TASKS) tells(workspace, id)
    assert.equal(workspace.events('stage_completed').length, 3 + 5 + 3)
  },
}

/** Words before a command that leave it no network device at all, where this machine lets us. */
async function cutOff() {
  const words = ['unshare', '--net', '--map-root-user']
  const tried = await run(words[0], [...words.slice(1), 'true']).catch(() => null)
  return tried?.code === 0 ? words : []
}

/** Follows one task through the files, from the command that added it to the folder it lies in; asserts each link. */
function tells(workspace, id) {
  const added = workspace
    .names('state/mailbox/processed')
    .map((name) => workspace.read(`state/mailbox/processed/${name}`))
    .find(({ result }) => result.work_item_id === id)
  assert.equal(added?.result.applied, true, `no command tells how ${id} came into the queue`)

  const claims = workspace.events('work_item_claimed').filter((event) => event.data.work_item_id === id)
  assert.equal(claims.length, 1)
  const { run_id: runId, node_id: entry } = claims[0].data
  const folder = `runs/${runId}`
  const { plan_path } = workspace.read(`${folder}/resolved_snapshot.json`)
  const plan = JSON.parse(readFileSync(path.join(workspace.root, plan_path), 'utf8'))
  const { transitions } = plan.graphs_by_plane.execution

  let node = entry
  let previous = null
  for (const step of workspace.lines(`${folder}/transition_history.jsonl`)) {
    assert.equal(step.previous_event_id, previous)
    assert.equal(step.node_id, node)
    assert.equal(step.frozen_plan.plan_id, plan.compiled_plan_id)
    const edge = transitions.find(({ edge_id }) => edge_id === step.selected_edge_id)
    assert.deepEqual(
      [edge?.source_node_id, edge?.outcome],
      [node, step.outcome],
      `no edge of the plan: ${step.event_id}`,
    )
    assert.deepEqual(
      [edge.target_node_id, edge.terminal_state_id],
      [step.selected_node_id, step.selected_terminal_state_id],
    )
    accountedFor(workspace, folder, step)
    node = step.selected_node_id
    previous = step.event_id
    if (node === null) assert.deepEqual(step.queue_mutations_applied, [`task ${id} done`])
  }
  assert.equal(node, null, `the history of ${id} breaks off`)
}

/** What was asked of the agent, what it said, what was made of it, and the line for people: all are there and agree. */
function accountedFor(workspace, folder, step) {
  const request = workspace.read(`${folder}/stage_requests/${step.request_id}.json`)
  const result = workspace.read(`${folder}/stage_results/${step.request_id}.json`)
  const said = workspace.text(`${folder}/runner_stdout.${step.request_id}.txt`).trimEnd()
  assert.equal(request.node_id, step.node_id)
  assert.equal(result.terminal_result, step.outcome)
  assert.equal(said.split('\n').at(-1), `### ${step.outcome}`)
  for (const type of ['stage_started', 'stage_completed']) {
    const told = workspace.events(type).filter((event) => event.data.request_id === step.request_id)
    assert.equal(told.length, 1, `${type} of ${step.request_id}`)
  }
}
