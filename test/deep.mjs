// Every test that goes on for as long as it is told, one after the other: node test/deep.mjs [--seconds N] [--seed N]
// Needs the build in dist/. Each prints its seed; the exit status is 1 if any of them found something.
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { parseArgs } from 'node:util'

const KILL_SECONDS = 1.5
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '600' }, seed: { type: 'string' } } })
const seconds = (share) => Math.ceil(Number(values.seconds) * share)

const runs = [
  ['recoveries', '--seconds', seconds(0.35)],
  ['simulation', '--seconds', seconds(0.25)],
  ['parsers', '--seconds', seconds(0.15)],
  ['kills', '--kills', Math.ceil(seconds(0.25) / KILL_SECONDS)],
]
const seed = values.seed === undefined ? [] : ['--seed', values.seed]
const program = path.join(import.meta.dirname, 'run.mjs')
const found = runs.filter((run) => {
  console.log(`\n${run.join(' ')}`)
  const { status } = spawnSync(process.execPath, [program, ...run.map(String), ...seed], { stdio: 'inherit' })
  return status !== 0
})
if (found.length > 0) console.log(`\nFailed: ${found.map(([name]) => name).join(', ')}`)
process.exitCode = found.length > 0 ? 1 : 0
