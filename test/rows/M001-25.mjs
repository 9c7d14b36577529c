import assert from 'node:assert/strict'
import { installHarness } from './parts/harnesses.mjs'
import { newWorkspace } from './parts/workspace.mjs'

const MAXIMUM = '--dangerously-bypass-approvals-and-sandbox'

export const row = {
  id: 'M001-25',
  says: 'By default Codex gets the permission level maximum: its flag stands in the invocation of every stage.',

  async run() {
    const codex = installHarness('codex')
    const workspace = await newWorkspace({ runner: null })
    await workspace.add('spec', 'wish')
    await workspace.drain()

    const invocations = []
    for (const runId of await workspace.runIds())
      for (const name of workspace.names(`runs/${runId}`).filter((file) => file.startsWith('runner_invocation.')))
        invocations.push(workspace.read(`runs/${runId}/${name}`))
    assert.equal(invocations.length, 6)
    for (const { command, stage, runner_name } of invocations) {
      assert.equal(runner_name, 'codex_cli')
      assert.ok(command.includes(MAXIMUM), stage)
      assert.ok(!command.includes('--sandbox'), stage)
    }
    assert.ok(
      codex.calls().every((call) => call.argv.includes(MAXIMUM)),
      'and so it was started',
    )
  },
}
