import assert from 'node:assert/strict'
import { installHarness } from './parts/harnesses.mjs'
import { hideSystemPrograms, program } from './parts/programs.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-20',
  says: 'Doctor is content only with the program of the runner on the PATH, able to start, and able to log in.',

  async run() {
    const workspace = await newWorkspace({ runner: null })
    hideSystemPrograms()
    const sick = async (code, words) => {
      const { code: status, json } = await workspace.millrace('doctor', '--json')
      const errors = json.findings.filter((finding) => finding.level === 'error')
      assert.deepEqual([status, json.ok, errors.map((finding) => finding.code)], [1, false, [code]])
      assert.match(errors[0].message, words)
      assert.ok(errors[0].remedy)
      const text = await workspace.millrace('doctor')
      assert.equal(text.code, 1)
      assert.match(text.stdout, words)
    }
    await sick('runner_binary_unavailable', /\bcodex\b.*not found/)

    program('codex', 'echo "cannot start" >&2; exit 1')
    await sick('runner_binary_unavailable', /\bcodex\b.*failed with status 1/)

    const codex = installHarness('codex')
    await sick('runner_login_missing', /\bcodex_cli\b.*log in/)

    process.env.CODEX_API_KEY = 'made-up'
    assert.equal((await workspace.json('doctor')).ok, true)
    codex.uninstall()
    await sick('runner_binary_unavailable', /\bcodex\b.*not found/)
  },
}
