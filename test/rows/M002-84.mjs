import assert from 'node:assert/strict'
import { installHarness } from './parts/harnesses.mjs'
import { hideSystemPrograms } from './parts/programs.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-84',
  says: 'Doctor tells of every runner that the stages need whether it is ready, and only of those is it an error.',

  async run() {
    const workspace = await newWorkspace({ runner: null, config: '[stages.planner]\nrunner = "pi_rpc"' })
    hideSystemPrograms()
    process.env.CODEX_API_KEY = 'made-up'
    process.env.ANTHROPIC_API_KEY = 'made-up'
    const told = async () => {
      const { code, json } = await workspace.millrace('doctor', '--json')
      assert.equal(code, json.ok ? 0 : 1)
      const runners = json.findings.filter(({ code: one }) => /^runner_(available|binary)/.test(one))
      const named = ({ level, code: one, message }) => `${level} ${one} ${/Runner (\w+)/.exec(message)[1]}`
      return runners.map(named).sort()
    }
    const missing = (name) => `error runner_binary_unavailable ${name}`
    const there = (name) => `info runner_available ${name}`
    assert.deepEqual(await told(), [missing('codex_cli'), missing('pi_rpc')])
    const codex = installHarness('codex')
    assert.deepEqual(await told(), [missing('pi_rpc'), there('codex_cli')])
    installHarness('pi')
    assert.deepEqual(await told(), [there('codex_cli'), there('pi_rpc')])
    codex.uninstall()
    assert.deepEqual(await told(), [missing('codex_cli'), there('pi_rpc')])
    const unused = '[stages.planner]\nrunner = "pi_rpc"\n'
    assert.ok(workspace.text('millrace.toml').includes(unused.trim()))
    workspace.configure('[runners.claude]\nmax_retries = 5')
    assert.ok((await told()).includes('info runner_binary_unavailable claude_code'))
  },
}
