import assert from 'node:assert/strict'
import { assertEquipped } from './parts/assertions.mjs'
import { newWorkspace, PLANNING_STAGES } from './parts/workspace.mjs'

export const row = {
  id: 'M000-15',
  says: 'Five planning stages: each is in the graph, has an entrypoint and skills, and does its part of the work.',

  async run() {
    const workspace = await newWorkspace()
    const { plan } = await workspace.json('compile', 'show')
    const nodes = plan.graphs_by_plane.planning.nodes
    assert.deepEqual(nodes.map((node) => node.stage_kind_id).sort(), [...PLANNING_STAGES].sort())
    for (const node of nodes) assertEquipped(workspace, node)

    workspace.script([
      { stage: 'planner', item: 'wish', attempt: 1, outcome: 'BLOCKED' },
      { stage: 'planner', item: 'wish', attempt: 2, outcome: 'PLANNER_COMPLETE' },
      { stage: 'arbiter', outcome: 'REMEDIATION_NEEDED' },
    ])
    await workspace.add('spec', 'wish')
    while (workspace.names('arbiter/verdicts').length === 0) await workspace.ok('run', 'once')
    const worked = workspace.events('stage_completed').map((event) => event.data.stage)
    assert.deepEqual(
      new Set(worked),
      new Set(['planner', 'mechanic', 'manager', 'builder', 'checker', 'updater', 'arbiter']),
    )
    assert.equal(workspace.names('incidents/incoming').length, 1, 'the gap the arbiter found is an incident')

    workspace.script([])
    await workspace.drain()
    assert.equal(workspace.names('incidents/resolved').length, 1)
    assert.equal(workspace.read('arbiter/targets/wish.json').closure_open, false)
    const audited = (await workspace.json('runs', 'ls')).runs.find((run) => run.work_item_kind === 'incident')
    const stages = await workspace.stagesOf('incident', audited.work_item_id)
    assert.deepEqual(stages, ['auditor', 'planner', 'manager'])
  },
}
