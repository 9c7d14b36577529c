import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { treeOf } from './parts/baseline.mjs'
import { run, succeeded } from './parts/commands.mjs'

export const row = {
  id: 'M002-74',
  says: 'Init makes a new workspace only of a folder that is absent or empty; of any other it writes nothing.',

  async run() {
    mkdirSync('empty')
    for (const dest of ['absent/and/deep', 'empty']) {
      succeeded(await run('millrace', ['init', dest]), dest)
      assert.ok(existsSync(path.join(dest, 'millrace-agents/millrace.toml')), dest)
    }
    mkdirSync('project')
    writeFileSync('project/notes.md', 'mine\n')
    writeFileSync('file', '')
    for (const args of [['project'], ['project', '--force'], ['file'], ['file', '--force'], ['/', '--force']]) {
      const before = treeOf('.')
      const { code, stderr } = await run('millrace', ['init', ...args])
      assert.equal(code, 2, args.join(' '))
      assert.match(stderr, /not empty|not a folder|root of a file system/)
      assert.deepEqual(treeOf('.'), before)
    }
    const { stderr } = await run('millrace', ['init', 'project'])
    assert.match(stderr, /to add Millrace to an existing project: cd project && millrace init/)
  },
}
