import assert from 'node:assert/strict'
import { eventually } from './parts/commands.mjs'
import { open, reached, waitAt } from './parts/gate.mjs'
import { endProcessesWith } from './parts/processes.mjs'
import { newWorkspace } from './parts/workspace.mjs'

const PLANES = [
  { plane: 'execution', kind: 'task', folder: 'tasks', first: 'builder', stages: ['builder', 'checker', 'updater'] },
  { plane: 'planning', kind: 'spec', folder: 'specs', first: 'planner', stages: ['planner', 'manager'] },
]

export const row = {
  id: 'M002-02',
  says: 'Killed in the midst of a stage of either plane, it goes on with the same item: nothing lost, nothing twice.',

  async run() {
    await Promise.all(PLANES.flatMap((plane) => [false, true].map((agentDies) => killed(plane, agentDies))))
  },
}

async function killed({ plane, kind, folder, first, stages }, agentDies) {
  const name = `${plane}-${agentDies ? 'both' : 'runtime'}`
  const workspace = await newWorkspace({
    name,
    replies: [
      {
        stage: first,
        attempt: 1,
        steps: [{ artifacts: true }, waitAt(name)],
        outcome: `${first.toUpperCase()}_COMPLETE`,
      },
    ],
  })
  await workspace.add(kind, name)
  const daemon = await workspace.daemon()
  await reached(name)
  const [{ run_id: runId, request_id: requestId, stage }] = (await workspace.json('status')).active_runs
  assert.equal(stage, first)
  daemon.kill('SIGKILL')
  await daemon.ended
  if (agentDies) endProcessesWith(`MILLRACE_REQUEST_ID=${requestId}`)
  assert.deepEqual(workspace.names(`${folder}/active`), [`${name}.md`])
  const next = workspace.start('run', 'daemon', '--stop-when-idle')
  const fate = agentDies ? 'stage_interrupted' : 'stage_adopted'
  await eventually(`the next runtime tells ${fate}`, () =>
    workspace.events(fate).some((event) => event.data.request_id === requestId),
  )
  open(name)
  const { code, stderr } = await next.ended
  assert.equal(code, 0, stderr)
  const lies = ['queue', 'active', 'done', 'blocked'].filter((state) => workspace.has(`${folder}/${state}/${name}.md`))
  assert.deepEqual(lies, ['done'])
  // The lineage of a spec is judged in a run of its own.
  const runs = (await workspace.json('runs', 'ls')).runs.filter(
    (one) => one.work_item_kind === kind && one.work_item_id === name && one.last_stage !== 'arbiter',
  )
  assert.deepEqual(
    runs.map((one) => one.run_id),
    [runId],
  )
  const { nodes } = await workspace.json('runs', 'trace', runId)
  assert.deepEqual(
    nodes.map(({ stage }) => stage),
    stages,
  )
  assert.equal(
    nodes[0].trace_node_id === requestId,
    !agentDies,
    'a living agent is adopted, a dead one’s stage runs again',
  )
}
