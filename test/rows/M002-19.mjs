import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { installHarness } from './parts/harnesses.mjs'
import { newWorkspace } from './parts/workspace.mjs'

/** A model as a provider names it: a family with a version, and no stand-in. */
const REAL = /^(gpt-\d+(\.\d+)?(-codex)?|claude-(opus|sonnet|haiku)-\d+(-\d+)*)$/
const DATED = /-20\d\d-(0[1-9]|1[0-2])(-|$)/

export const row = {
  id: 'M002-19',
  says: 'The models that are shipped are real ones, and those of the plan are the ones that run.',

  async run() {
    const codex = installHarness('codex')
    const workspace = await newWorkspace({ runner: null })
    const { profiles } = await workspace.json('models')
    assert.ok(profiles.length >= 2)
    for (const { model_profile_id: id, models } of profiles) {
      assert.match(id, DATED)
      assert.ok(models.length > 0, id)
      for (const { model } of models) assert.match(model, REAL, id)
    }
    const [chosen] = profiles.filter((profile) => profile.is_chosen)
    const [{ model: shipped }] = chosen.models

    // The plan that is frozen before the first stage names them, and says who chose them.
    await workspace.add('task', 'work')
    await workspace.drain()
    const nodesOf = (plan) => Object.values(plan.graphs_by_plane).flatMap((graph) => graph.nodes)
    const planOf = (runId) => {
      const { plan_path } = workspace.read(`runs/${runId}/resolved_snapshot.json`)
      return workspace.read(plan_path.replace('millrace-agents/', ''))
    }
    const [first] = await workspace.runIds()
    const nodes = nodesOf(planOf(first))
    assert.ok(nodes.length >= 12)
    for (const node of nodes) {
      assert.equal(node.model_name, shipped, node.node_id)
      assert.equal(node.origins.model_name, `model profile ${chosen.model_profile_id}`)
    }
    const modelOf = ({ argv }) => argv[argv.indexOf('--model') + 1]
    assert.deepEqual(codex.calls().map(modelOf), [shipped, shipped, shipped])

    // Of the workspace, and of a stage itself: each goes over what is shipped.
    mkdirSync(workspace.path('registry/model_profiles'), { recursive: true })
    const own = { codex_cli: { model: 'gpt-5.2', stages: { checker: { model: 'gpt-5.1' } } } }
    const profile = {
      schema_version: '1.0',
      kind: 'model_profile',
      model_profile_id: 'ours-2026-12',
      description: 'Ours.',
    }
    writeFileSync(
      workspace.path('registry/model_profiles/ours-2026-12.json'),
      JSON.stringify({ ...profile, runners: own }),
    )
    await workspace.ok('config', 'set', 'runtime.model_profile', 'ours-2026-12')
    await workspace.ok('config', 'set', 'stages.updater.model', 'gpt-5.3-codex')
    await workspace.add('task', 'more')
    await workspace.drain()
    assert.deepEqual(codex.calls().slice(3).map(modelOf), ['gpt-5.2', 'gpt-5.1', 'gpt-5.3-codex'])
    const second = nodesOf(planOf((await workspace.runIds())[1]))
    assert.equal(second.find((node) => node.node_id === 'builder').origins.model_name, 'model profile ours-2026-12')
    assert.equal(second.find((node) => node.node_id === 'updater').origins.model_name, 'config stages.updater')
    // What ran before keeps its plan.
    assert.equal(nodesOf(planOf(first))[0].model_name, shipped)
  },
}
