import assert from 'node:assert/strict'
import { installHarness } from './parts/harnesses.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M000-20',
  says: 'Every stage leaves its artifacts in the run: result, prompt, invocation, completion, stdout and stderr.',

  async run() {
    const codex = installHarness('codex')
    const workspace = await newWorkspace({ runner: null })
    await workspace.add('spec', 'wish')
    await workspace.drain()

    let stages = 0
    for (const runId of await workspace.runIds()) {
      for (const { request_id: requestId, stage, terminal_result } of (await workspace.json('runs', 'show', runId))
        .stages) {
        const file = (name) => `runs/${runId}/${name}`
        const result = workspace.read(file(`stage_results/${requestId}.json`))
        assert.deepEqual([result.run_id, result.stage, result.terminal_result], [runId, stage, terminal_result])

        const call = codex.calls().find((one) => one.request_id === requestId)
        assert.equal(workspace.text(file(`runner_prompt.${requestId}.md`)).trimEnd(), call.prompt.trimEnd())
        const invocation = workspace.read(file(`runner_invocation.${requestId}.json`))
        assert.deepEqual(
          [invocation.request_id, invocation.stage, invocation.runner_name],
          [requestId, stage, 'codex_cli'],
        )
        assert.deepEqual(invocation.command.slice(-call.argv.length), call.argv)
        const completion = workspace.read(file(`runner_completion.${requestId}.json`))
        assert.deepEqual([completion.request_id, completion.exit_code], [requestId, 0])
        assert.match(workspace.text(file(`runner_stdout.${requestId}.txt`)), new RegExp(`### ${terminal_result}\\s*$`))
        assert.equal(workspace.text(file(`runner_stderr.${requestId}.txt`)), `working on ${requestId}\n`)
        stages += 1
      }
    }
    assert.equal(stages, codex.calls().length)
    assert.equal(stages, 6, 'planner, manager, builder, checker, updater, arbiter')
  },
}
