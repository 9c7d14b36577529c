import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { packaged } from './parts/baseline.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-82',
  says: 'Where the workspace has no prompt or skill, that of the package is used, and upgrade brings it back.',

  async run() {
    const workspace = await newWorkspace()
    rmSync(workspace.path('entrypoints'), { recursive: true })
    rmSync(workspace.path('skills/stage'), { recursive: true })
    await workspace.add('task', 'work')
    await workspace.drain()
    assert.deepEqual(workspace.names('tasks/done'), ['work.md'])
    const { plan } = await workspace.json('compile', 'show')
    for (const { entrypoint_path, required_skill_paths } of plan.graphs_by_plane.execution.nodes)
      for (const file of [entrypoint_path, ...required_skill_paths]) {
        const frozen = workspace.path('state/plans', plan.compiled_plan_id, file)
        assert.deepEqual(readFileSync(frozen), readFileSync(packaged(file)), file)
        assert.ok(!workspace.has(file), file)
      }
    const { created_files: created } = await workspace.json('upgrade', '--apply')
    assert.ok(created.includes('entrypoints/execution/builder.md') && created.length > 20)
    assert.ok(workspace.has('skills/stage/execution/builder-core/SKILL.md'))
  },
}
