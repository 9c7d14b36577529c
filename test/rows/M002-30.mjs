import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { manifestOf, packaged, sha256 } from './parts/baseline.mjs'
import { newWorkspace } from './parts/workspace.mjs'

export const row = {
  id: 'M002-30',
  says: 'Init deploys the baseline of the package, and its manifest has the hash of every file it wrote.',

  async run() {
    const workspace = await newWorkspace({ runner: null })
    const entries = manifestOf(workspace)
    assert.ok(entries.length > 20)
    for (const { relative_path: file, original_sha256: hash } of entries) {
      assert.equal(sha256(readFileSync(workspace.path(file))), hash, file)
      assert.deepEqual(readFileSync(workspace.path(file)), readFileSync(packaged(file)), file)
    }
    const families = new Set(entries.map((entry) => entry.asset_family))
    assert.deepEqual([...families].sort(), ['docs', 'entrypoints', 'skills'])
    const { candidate_manifest_id: id, manifest_file_count: count } = await workspace.json('upgrade')
    assert.deepEqual([id, count], [workspace.read('state/baseline_manifest.json').manifest_id, entries.length])
  },
}
