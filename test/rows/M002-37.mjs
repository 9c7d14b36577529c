import assert from 'node:assert/strict'
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { packaged } from './parts/baseline.mjs'
import { newWorkspace } from './parts/workspace.mjs'

const PROMPT = 'entrypoints/execution/builder.md'

/** Whose copy of an asset the plan was compiled from, and the text that the plan froze of it. */
async function compiled(workspace, file) {
  const { plan } = await workspace.json('compile', 'show')
  const asset = plan.resolved_assets.find((one) => one.path === file)
  return { source: asset.source, text: workspace.text(`state/plans/${plan.compiled_plan_id}/${file}`) }
}

export const row = {
  id: 'M002-37',
  says: 'A file of the workspace wins over that of the package, which is used again once it is gone.',

  async run() {
    const workspace = await newWorkspace()
    const shipped = readFileSync(packaged(PROMPT), 'utf8')
    await workspace.ok('compile', 'validate')
    assert.deepEqual(await compiled(workspace, PROMPT), { source: 'package', text: shipped })

    appendFileSync(workspace.path(PROMPT), '\nMind the gap.\n')
    await workspace.ok('compile', 'validate')
    assert.deepEqual(await compiled(workspace, PROMPT), {
      source: 'workspace',
      text: `${shipped}\nMind the gap.\n`,
    })

    rmSync(workspace.path(PROMPT))
    await workspace.add('task', 'work')
    await workspace.drain()
    assert.deepEqual(workspace.names('tasks/done'), ['work.md'])
    assert.deepEqual(await compiled(workspace, PROMPT), { source: 'package', text: shipped })

    // The same for an asset that is not deployed until somebody asks for it.
    await workspace.ok('assets', 'localise', 'execution.standard')
    const loop = workspace.read('graphs/execution/standard.json')
    writeFileSync(workspace.path('graphs/execution/standard.json'), JSON.stringify({ ...loop, description: 'Ours.' }))
    assert.equal((await workspace.json('loops', 'show', 'execution.standard')).source, 'workspace')
    rmSync(workspace.path('graphs/execution/standard.json'))
    assert.equal((await workspace.json('loops', 'show', 'execution.standard')).source, 'package')
  },
}
