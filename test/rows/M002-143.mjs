import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-143',
  says: 'No shell script is required for any path: the package has none but completion, and a spec is closed by commands alone.',

  async run() {
    const shipped = shellScriptsBelow(process.env.ROWS_PACKAGE)
    assert.deepEqual(
      shipped.filter((file) => !file.startsWith('assets/completion/')),
      [],
    )

    const workspace = await newWorkspace({ replies: [{ stage: 'checker', attempt: 1, outcome: 'FIX_NEEDED' }] })
    await workspace.add('spec', 'wish', { 'Root-Spec-ID': 'wish', 'Root-Idea-ID': 'wish' })
    await workspace.ok('pause')
    await workspace.ok('resume')
    await workspace.drain()
    const { targets } = await workspace.json('closure')
    assert.deepEqual(
      targets.map(({ root_spec_id, state }) => [root_spec_id, state]),
      [['wish', 'closed']],
    )
    for (const args of [['status'], ['why', 'wish'], ['runs', 'ls'], ['logs'], ['usage'], ['rescue'], ['doctor']])
      await workspace.ok(...args)
    assert.deepEqual(shellScriptsBelow(workspace.root), [])
  },
}

/** By their name or by their first line; what other packages or git brought does not count. */
function shellScriptsBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !/^(.*\/)?(node_modules|\.git)\//.test(path.relative(folder, file)))
    .filter((file) => /\.(sh|bash|zsh|fish|ps1)$/.test(file) || isStartedByShell(file))
    .map((file) => path.relative(folder, file))
}

const isStartedByShell = (file) => /^#!.*\b(ba|z|da|k)?sh\b/.test(readFileSync(file, 'utf8').slice(0, 80))
