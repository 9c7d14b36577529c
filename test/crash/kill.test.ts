/** The real thing: the daemon killed ten times inside the demo's stages (needs the build in dist/). */
import { spawnSync } from 'node:child_process'
import * as path from 'node:path'
import { expect, test } from 'vitest'

test('a daemon killed at ten random moments still closes the spec, with one result for each request', {
  timeout: 180_000,
}, () => {
  const script = path.join(import.meta.dirname, 'kill-demo.mjs')
  const run = spawnSync(process.execPath, [script, '--kills', '10'], { encoding: 'utf8', timeout: 170_000 })
  expect(run.stdout, run.stdout + run.stderr).toContain('closed 1, tests green, processes left 0')
  expect(run.status).toBe(0)
})
