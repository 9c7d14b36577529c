/** The real thing, bounded: the built daemon killed at random moments (needs the build in dist/). See test/run.mjs. */
import { spawnSync } from 'node:child_process'
import * as path from 'node:path'
import { expect, test } from 'vitest'
import type { Summary } from './kills/report.ts'

const LIMIT_MS = 240_000

/** Every failure names the seed and keeps its folder; the same seed chooses the same strikes again. */
function play(kills: number, seed: number): Summary {
  const program = path.join(import.meta.dirname, '../run.mjs')
  const args = [program, 'kills', '--kills', String(kills), '--seed', String(seed), '--json']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: LIMIT_MS })
  expect(status, `seed ${seed}\n${stderr}`).toBe(0)
  return JSON.parse(stdout) as Summary
}

const linux = test.skipIf(process.platform !== 'linux')

linux(
  'a daemon, its agents and its commands are killed again and again, and nothing is lost or done twice (needs Linux)',
  {
    timeout: LIMIT_MS,
  },
  () => {
    const summary = play(25, 7)
    expect(summary).toMatchObject({ kills: 25, problems: [], orphans: 0, enqueued: { missing: 0 } })
    expect(summary.items_done).toBeGreaterThanOrEqual(summary.enqueued.acknowledged)
    // The play struck something: a run in which no stage was ever in flight shows nothing.
    expect(summary.total.inFlight).toBeGreaterThan(5)
    expect(summary.looks).toBeGreaterThan(25)
  },
)

linux('with dice of its own each time (needs Linux)', { timeout: LIMIT_MS }, () => {
  expect(play(8, Date.now() % 1_000_000).problems).toEqual([])
})
