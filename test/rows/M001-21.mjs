import assert from 'node:assert/strict'
import { installHarness } from './parts/harnesses.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M001-21',
  says: 'Stages are dispatched by the contract of adapters: three harnesses, one road, and the engine sees no difference.',

  async run() {
    installHarness('codex')
    installHarness('pi')
    const [scripted, ...others] = [
      await worked('scripted', { runner: 'scripted' }),
      await worked('codex', { runner: 'codex_cli' }),
      await worked('pi', { runner: 'pi_rpc' }),
    ]
    assert.deepEqual(
      scripted.steps.map(([node]) => node),
      ['builder', 'checker', 'updater'],
    )
    for (const other of others) assert.deepEqual(other.steps, scripted.steps)
    assert.deepEqual(
      [scripted, ...others].map(({ runner }) => runner),
      [['scripted'], ['codex_cli'], ['pi_rpc']],
    )
    for (const other of others) {
      assert.deepEqual(Object.keys(other.result).sort(), Object.keys(scripted.result).sort(), 'one shape of result')
      assert.deepEqual(Object.keys(other.request).sort(), Object.keys(scripted.request).sort(), 'one shape of request')
    }
  },
}

/** One task by one runner: the transitions it took, the runners that were named, a request and its result. */
async function worked(name, { runner }) {
  const workspace = await newWorkspace({ name, runner })
  await workspace.add('task', 'work')
  await workspace.drain()
  const [runId] = await workspace.runIds()
  const { stages } = await workspace.json('runs', 'show', runId)
  const requestId = stages[0].request_id
  return {
    runner: [...new Set(stages.map((stage) => stage.runner_name))],
    request: workspace.read(`runs/${runId}/stage_requests/${requestId}.json`),
    result: workspace.read(`runs/${runId}/stage_results/${requestId}.json`),
    steps: workspace
      .lines(`runs/${runId}/transition_history.jsonl`)
      .map((step) => [step.node_id, step.outcome, step.selected_edge_id, step.selected_node_id, step.status_after]),
  }
}
