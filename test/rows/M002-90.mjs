import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-90',
  says: 'An idea is copied into the intake; the file it came from is left as it is.',

  async run() {
    const workspace = await newWorkspace()
    const text = '# Tail of the log\n\nShow the last lines of a run,\r\nalso while it goes on. ä\n'
    const source = path.join(workspace.root, 'notes.md')
    writeFileSync(source, text)
    const { mtimeMs, ino } = statSync(source)

    const { artifact_path: copy } = (await workspace.json('add-idea', 'notes.md')).result
    const untouched = () => {
      assert.equal(readFileSync(source, 'utf8'), text)
      assert.deepEqual([statSync(source).mtimeMs, statSync(source).ino], [mtimeMs, ino])
    }
    untouched()
    assert.equal(readFileSync(path.join(workspace.root, copy), 'utf8'), text)

    // The copy stands alone: what becomes of the source afterwards changes nothing, and it is kept once it is taken in.
    await workspace.ok('run', 'daemon', '--stop-when-idle')
    untouched()
    writeFileSync(source, 'something else\n')
    const kept = workspace.names('intake/ideas')
    assert.equal(kept.length, 1)
    assert.equal(workspace.text(`intake/ideas/${kept[0]}`), text)
    const { items } = await workspace.json('queue', 'ls', '--all')
    assert.deepEqual(
      items.filter((item) => item.work_item_kind === 'spec').map(({ title, state }) => [title, state]),
      [['Tail of the log', 'done']],
    )

    const missing = await workspace.millrace('add-idea', 'no-such-idea.md')
    assert.equal(missing.code, 2)
    assert.equal(workspace.names('intake/ideas').length, 1)
  },
}
