import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { manifestOf, packaged, treeOf } from './parts/baseline.mjs'
import { newWorkspace } from './parts/workspace.mjs'

const PROMPT = 'entrypoints/planning/planner.md'

export const row = {
  id: 'M002-75',
  says: '`init --force` puts deployed files back in place, wipes nothing, and keeps what somebody wrote.',

  async run() {
    const workspace = await newWorkspace({ config: '# ours' })
    await workspace.add('task', 'work')
    await workspace.work(1)
    writeFileSync(workspace.path(PROMPT), 'our planner\n')
    writeFileSync(workspace.path('skills/ours.md'), 'our skill\n')
    rmSync(workspace.path('outline.md'))
    const before = treeOf(workspace.path())
    const answer = await workspace.json('init', '--force')
    assert.deepEqual([answer.overwritten, answer.created], [[PROMPT], ['outline.md']])
    assert.deepEqual([answer.overwritten_file_count, answer.created_file_count], [1, 1])
    for (const { relative_path: file } of manifestOf(workspace))
      assert.deepEqual(readFileSync(workspace.path(file)), readFileSync(packaged(file)), file)
    assert.equal(workspace.text(answer.replaced[0].kept_as), 'our planner\n')
    const after = treeOf(workspace.path())
    const isFolder = (file) => before[file].endsWith(' ')
    const changed = Object.keys(before).filter((file) => !isFolder(file) && before[file] !== after[file])
    assert.deepEqual(changed, [PROMPT])
    await workspace.drain()
    assert.deepEqual(workspace.names('tasks/done'), ['work.md'])
  },
}
