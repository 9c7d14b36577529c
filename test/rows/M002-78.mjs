import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { deployedAs, packaged, treeOf } from './parts/baseline.mjs'
import { run } from './parts/commands.mjs'
import { dieAt } from './parts/preloads.mjs'
import { newWorkspace } from './parts/workspace.mjs'

const BUILDER = 'entrypoints/execution/builder.md'
const FIXER = 'entrypoints/execution/fixer.md'
const SNAPSHOT = 'state/runtime_snapshot.json'

async function older(name) {
  const workspace = await newWorkspace({ name, config: '# ours' })
  await workspace.add('task', 'work')
  deployedAs(workspace, BUILDER, 'old\n')
  writeFileSync(workspace.path('entrypoints/execution/checker.md'), 'our checker\n')
  writeFileSync(workspace.path('skills/ours.md'), 'our skill\n')
  rmSync(workspace.path(FIXER))
  rmSync(workspace.path('arbiter/reports'), { recursive: true })
  const { runner_waits: _, ...snapshot } = workspace.read(SNAPSHOT)
  writeFileSync(workspace.path(SNAPSHOT), JSON.stringify(snapshot))
  return workspace
}

const REFRESHED = [BUILDER, FIXER]
const isOurs = (file) => !REFRESHED.includes(file) && !/^(state|logs)(\/|$)/.test(file)
const files = (workspace) => {
  const tree = Object.entries(treeOf(workspace.path())).filter(([, touched]) => !touched.endsWith(' '))
  return Object.fromEntries(tree.filter(([file]) => isOurs(file)))
}

export const row = {
  id: 'M002-78',
  says: '`upgrade --apply` does exactly what was shown, leaves config and edits alone, and may die anywhere in it.',

  async run() {
    const workspace = await older('project')
    const before = files(workspace)
    const shown = await workspace.json('upgrade')
    const done = await workspace.json('upgrade', '--apply')
    assert.deepEqual([done.created_files, done.updated_files], [shown.would_create, shown.would_update])
    assert.deepEqual(done.materialized_runtime_owned, shown.would_materialize_runtime_owned)
    assert.deepEqual([shown.would_create, shown.would_update], [[FIXER], [BUILDER]])
    const wrote = done.persisted_state_migrations.filter((one) => one.wrote_state_file)
    assert.deepEqual(
      wrote.map((one) => one.state_family),
      ['runtime_snapshot'],
    )
    for (const file of REFRESHED) assert.deepEqual(readFileSync(workspace.path(file)), readFileSync(packaged(file)))
    assert.deepEqual(workspace.read(SNAPSHOT).runner_waits, [])
    assert.ok(workspace.has('arbiter/reports'))
    assert.deepEqual(files(workspace), before)
    assert.equal((await workspace.json('upgrade', '--apply')).state, 'nothing')
    await workspace.drain()
    assert.deepEqual(workspace.names('tasks/done'), ['work.md'])

    for (const nth of [1, 3, 6, 9]) {
      const dying = await older(`dying-${nth}`)
      const env = dieAt(nth, 'millrace-agents/(entrypoints|state|arbiter)')
      const { signal } = await run('millrace', ['upgrade', '--apply'], { cwd: dying.root, env })
      assert.equal(signal, 'SIGKILL', `call ${nth}`)
      await dying.ok('upgrade', '--apply')
      for (const file of REFRESHED) assert.deepEqual(readFileSync(dying.path(file)), readFileSync(packaged(file)))
      assert.equal((await dying.json('upgrade')).state, 'nothing')
      assert.equal(dying.text('entrypoints/execution/checker.md'), 'our checker\n')
      assert.match(dying.text('millrace.toml'), /# ours/)
    }
  },
}
