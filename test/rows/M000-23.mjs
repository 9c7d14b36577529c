import assert from 'node:assert/strict'
import { eventually } from './parts/commands.mjs'
import { open, reached, waitAt } from './parts/gate.mjs'
import { endProcessesWith } from './parts/processes.mjs'
import { newWorkspace } from './parts/workspace.mjs'

const WHOLE_WAY = ['builder', 'checker', 'updater']

export const row = {
  id: 'M000-23',
  says: 'Work survives pauses, crashes, context loss, retry loops, closure audits and routing over many stages.',

  async run() {
    await pause()
    await crash()
    await contextLoss()
    await retryLoop()
    await closureAudit()
    await manyStages()
  },
}

/** A workspace whose builder of the task `work` is at work, behind a gate that has the scene's name. */
async function atWork(name) {
  const workspace = await newWorkspace({
    name,
    replies: [
      {
        stage: 'builder',
        item: 'work',
        attempt: 1,
        steps: [waitAt(name), { artifacts: true }],
        outcome: 'BUILDER_COMPLETE',
      },
    ],
  })
  await workspace.add('task', 'work')
  const daemon = await workspace.daemon()
  await reached(name)
  const [{ stage, request_id: requestId }] = (await workspace.json('status')).active_runs
  assert.equal(stage, 'builder')
  return { workspace, daemon, requestId }
}

async function pause() {
  const { workspace, daemon } = await atWork('pause')
  await workspace.ok('control', 'pause')
  open('pause')
  const resting = await eventually('the builder has ended', async () => {
    const [run] = (await workspace.json('status')).active_runs
    return run.stage === 'checker' && run
  })
  assert.equal(resting.status, 'ready', 'paused, the next stage is not started')
  assert.equal((await workspace.json('status')).paused, true)
  daemon.kill('SIGTERM')
  assert.equal((await daemon.ended).code, 0)
  assert.deepEqual(await workspace.work(1), ['paused'], 'a pause outlives the runtime')
  await workspace.ok('control', 'resume')
  await workspace.drain()
  assert.deepEqual(await workspace.stagesOf('task', 'work'), WHOLE_WAY)
}

/** The runtime dies, its agent works on: the next runtime takes it up, and no stage is done twice. */
async function crash() {
  const { workspace, daemon, requestId } = await atWork('crash')
  daemon.kill('SIGKILL')
  await daemon.ended
  const next = await workspace.daemon()
  await eventually('the agent is adopted', () => workspace.events('stage_adopted').length === 1)
  open('crash')
  await eventually('the task is done', () => workspace.has('tasks/done/work.md'))
  next.kill('SIGTERM')
  assert.equal((await next.ended).code, 0)
  const [runId] = await workspace.runIds()
  const { stages } = await workspace.json('runs', 'show', runId)
  assert.deepEqual([stages[0].request_id, stages.map(({ stage }) => stage)], [requestId, WHOLE_WAY])
}

/** The agent dies too, and with it all it knew: the next one is told that there was one before, and what it left. */
async function contextLoss() {
  const { workspace, daemon, requestId } = await atWork('context')
  daemon.kill('SIGKILL')
  await daemon.ended
  endProcessesWith(`MILLRACE_REQUEST_ID=${requestId}`)
  open('context')
  await workspace.drain()
  const [runId] = await workspace.runIds()
  const { stages } = await workspace.json('runs', 'show', runId)
  assert.deepEqual(
    stages.map(({ stage }) => stage),
    WHOLE_WAY,
  )
  const again = stages[0].request_id
  assert.notEqual(again, requestId)
  const { previous_attempt: before } = workspace.read(`runs/${runId}/stage_requests/${again}.json`)
  assert.equal(before.request_id, requestId)
  const prompt = workspace.text(`runs/${runId}/runner_prompt.${again}.md`)
  assert.ok(prompt.includes(requestId), 'its prompt does not tell of the attempt before')
  assert.ok(prompt.includes(workspace.path('tasks/active/work.md')), 'all it needs to know is in files')
}

/** Agents that never agree come to an end, and the end is told. */
async function retryLoop() {
  const workspace = await newWorkspace({
    name: 'loop',
    replies: [
      { stage: 'checker', item: 'work', outcome: 'FIX_NEEDED' },
      { stage: 'doublechecker', item: 'work', outcome: 'FIX_NEEDED' },
      { stage: 'troubleshooter', item: 'work', outcome: 'BLOCKED' },
      { stage: 'consultant', item: 'work', outcome: 'BLOCKED' },
    ],
  })
  for (const id of ['work', 'zz-other']) await workspace.add('task', id)
  await workspace.drain()
  assert.deepEqual(workspace.names('tasks/blocked'), ['work.md'])
  assert.deepEqual(workspace.names('tasks/done'), ['zz-other.md'], 'other work goes on')
  const stages = await workspace.stagesOf('task', 'work')
  assert.equal(stages.filter((stage) => stage === 'fixer').length, 2, `max_fix_cycles is 2: ${stages}`)
  assert.equal(stages.at(-1), 'consultant')
}

/** The arbiter finds a gap; it is filled; the arbiter judges again. */
async function closureAudit() {
  const workspace = await newWorkspace({
    name: 'closure',
    replies: [{ stage: 'arbiter', outcome: 'REMEDIATION_NEEDED' }],
  })
  await workspace.add('spec', 'wish')
  while (!workspace.has('arbiter/verdicts/wish.json')) await workspace.ok('run', 'once')
  assert.equal(workspace.read('arbiter/verdicts/wish.json').verdict, 'gap')
  assert.equal(workspace.read('arbiter/targets/wish.json').closure_open, true)
  workspace.script([])
  await workspace.drain()
  assert.equal(workspace.read('arbiter/verdicts/wish.json').verdict, 'pass')
  assert.equal(workspace.read('arbiter/targets/wish.json').closure_open, false)
  assert.equal(workspace.names('tasks/done').length, 2, 'the task of the plan and the one that filled the gap')
}

/** Out of execution into planning and back, over every kind of edge. */
async function manyStages() {
  const workspace = await newWorkspace({
    name: 'stages',
    replies: [
      { stage: 'builder', item: 'work', outcome: 'BLOCKED' },
      { stage: 'troubleshooter', item: 'work', outcome: 'BLOCKED' },
      { stage: 'consultant', item: 'work', outcome: 'NEEDS_PLANNING' },
      { stage: 'auditor', attempt: 1, outcome: 'BLOCKED' },
      { stage: 'checker', outcome: 'FIX_NEEDED' },
    ],
  })
  await workspace.add('task', 'work')
  await workspace.drain()
  const stages = workspace.events('stage_completed').map((event) => event.data.stage)
  const turns = stages.filter((stage, index) => stage !== stages[index - 1])
  assert.deepEqual(turns, [
    ...['builder', 'troubleshooter', 'consultant', 'auditor', 'mechanic', 'planner', 'manager'],
    ...['builder', 'checker', 'fixer', 'doublechecker', 'updater'],
  ])
  assert.equal(workspace.names('incidents/resolved').length, 1)
  assert.equal(workspace.names('tasks/done').length, 1)
}
