import assert from 'node:assert/strict'
import { installHarness } from './parts/harnesses.mjs'
import { newWorkspace } from './parts/workspace.mjs'

const LEVELS = {
  basic: 'workspace-write',
  elevated: 'danger-full-access',
  maximum: '--dangerously-bypass-approvals-and-sandbox',
}

export const row = {
  id: 'M001-26',
  says: 'Permission is decided by the stage first, then by the model, then by the default.',

  async run() {
    const codex = installHarness('codex')
    const workspace = await newWorkspace({
      runner: null,
      config: [
        '[stages.builder]\nmodel = "little-model"',
        '[stages.checker]\nmodel = "little-model"',
        '[stages.updater]\nmodel = "other-model"',
      ].join('\n'),
    })
    // One key each; the file of a new workspace has the section already.
    const set = (...pairs) => pairs.flatMap((pair) => ['--set', `runners.codex.${pair}`])
    const settings = set(
      'permission_default="basic"',
      'permission_by_model={ little-model = "elevated" }',
      'permission_by_stage={ builder = "maximum" }',
    )
    await workspace.add('task', 'work')
    await workspace.drain(...settings)
    const levels = codex.calls().map(({ argv }) => Object.keys(LEVELS).filter((level) => argv.includes(LEVELS[level])))
    assert.deepEqual(levels, [['maximum'], ['elevated'], ['basic']], 'by stage, by model, by default')
  },
}
