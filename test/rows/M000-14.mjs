import assert from 'node:assert/strict'
import { assertEquipped } from './parts/assertions.mjs'
import { EXECUTION_STAGES, newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M000-14',
  says: 'Seven execution stages: each is in the graph, has an entrypoint and skills, and does its part of the work.',

  async run() {
    const workspace = await newWorkspace({
      replies: [
        { stage: 'builder', attempt: 1, outcome: 'BLOCKED' },
        { stage: 'builder', attempt: 2, outcome: 'BUILDER_COMPLETE' },
        { stage: 'troubleshooter', attempt: 1, outcome: 'BLOCKED' },
        { stage: 'troubleshooter', attempt: 2, outcome: 'BLOCKED' },
        { stage: 'troubleshooter', attempt: 3, outcome: 'TROUBLESHOOT_COMPLETE' },
        { stage: 'checker', outcome: 'FIX_NEEDED' },
      ],
    })
    const { plan } = await workspace.json('compile', 'show')
    const nodes = plan.graphs_by_plane.execution.nodes
    assert.deepEqual(nodes.map((node) => node.stage_kind_id).sort(), [...EXECUTION_STAGES].sort())
    for (const node of nodes) assertEquipped(workspace, node)

    await workspace.add('task', 'work')
    await workspace.drain()
    assert.deepEqual(new Set(await workspace.stagesOf('task', 'work')), new Set(EXECUTION_STAGES))
    assert.deepEqual(workspace.names('tasks/done'), ['work.md'])
  },
}
