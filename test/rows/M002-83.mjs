import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { installHarness } from './parts/harnesses.mjs'
import { hideSystemPrograms } from './parts/programs.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-83',
  says: 'Health tells the truth about config, folders, files, assets and programs, one check for each, and starts nothing.',

  async run() {
    const workspace = await newWorkspace({ runner: null })
    hideSystemPrograms()
    const codex = installHarness('codex')
    process.env.CODEX_API_KEY = 'made-up'
    const config = workspace.text('millrace.toml')
    const asked = async () => {
      const { code, json } = await workspace.millrace('health', '--json')
      assert.equal(code, json.ok ? 0 : 1)
      return json
    }
    const failed = (json) => json.checks.filter((check) => check.status === 'fail').map((check) => check.check_id)
    const sound = await asked()
    assert.deepEqual([sound.status, sound.bootstrap_ready, sound.execution_ready], ['pass', true, true])
    assert.deepEqual(
      sound.checks.map((check) => check.check_id),
      ['config.load', 'workspace.directories', 'workspace.files', 'assets.required', 'execution.runners'],
    )

    const faults = {
      'workspace.directories': [
        () => rmSync(workspace.path('tasks/blocked'), { recursive: true }),
        () => mkdirSync(workspace.path('tasks/blocked')),
      ],
      'workspace.files': [
        () => rmSync(workspace.path('outline.md')),
        () => writeFileSync(workspace.path('outline.md'), ''),
      ],
      'assets.required': [
        () => writeFileSync(workspace.path('modes/default_codex.json'), '{'),
        () => rmSync(workspace.path('modes/default_codex.json')),
      ],
      'execution.runners': [() => codex.uninstall(), () => installHarness('codex')],
    }
    for (const [check, [spoil, mend]] of Object.entries(faults)) {
      spoil()
      const json = await asked()
      assert.deepEqual(failed(json), [check])
      assert.equal(json.bootstrap_ready, check === 'execution.runners')
      mend()
      assert.equal((await asked()).ok, true, check)
    }
    writeFileSync(workspace.path('millrace.toml'), '[runtime\n')
    const broken = await asked()
    assert.deepEqual(failed(broken), ['config.load', 'execution.runners'])
    assert.match(broken.checks[0].message, /line 1/)
    writeFileSync(workspace.path('millrace.toml'), config)
    assert.equal((await asked()).ok, true)
    assert.deepEqual(codex.calls(), [], 'a program was started')
  },
}
