import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { deployedAs, treeOf } from './parts/baseline.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-76',
  says: '`upgrade` shows what it would do and touches no file.',

  async run() {
    const workspace = await newWorkspace()
    deployedAs(workspace, 'entrypoints/execution/builder.md', 'old\n')
    deployedAs(workspace, 'entrypoints/execution/fixer.md', 'old\n', 'edited\n')
    deployedAs(workspace, 'skills/shared/gone/SKILL.md', 'old\n')
    writeFileSync(workspace.path('entrypoints/execution/checker.md'), 'edited\n')
    rmSync(workspace.path('arbiter/reports'), { recursive: true })
    rmSync(workspace.path('docs/architecture.md'))
    const before = treeOf(workspace.root)
    const shown = await workspace.json('upgrade')
    await workspace.ok('upgrade')
    assert.deepEqual(treeOf(workspace.root), before)
    assert.equal(shown.applied, false)
    assert.deepEqual(shown.would_update, ['entrypoints/execution/builder.md'])
    assert.deepEqual(shown.would_create, ['docs/architecture.md'])
    assert.deepEqual(shown.would_materialize_runtime_owned, ['arbiter/reports/'])
    assert.deepEqual(shown.conflicting_paths, ['entrypoints/execution/fixer.md', 'skills/shared/gone/SKILL.md'])
    const { unchanged, ...others } = shown.dispositions
    assert.deepEqual(others, {
      safe_package_update: 1,
      local_only_modification: 1,
      already_converged: 0,
      localized_removed: 0,
      conflict: 2,
      missing: 1,
    })
    assert.equal(unchanged + 5, shown.entries.length)

    const refused = await workspace.millrace('upgrade', '--apply', '--json')
    assert.deepEqual([refused.code, refused.json.state], [3, 'refused'])
    assert.deepEqual(treeOf(workspace.root), before)
  },
}
