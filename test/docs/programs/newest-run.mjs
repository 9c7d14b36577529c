// Prints the id of the newest run of the workspace at hand.
import { execFileSync } from 'node:child_process'

const { runs } = JSON.parse(execFileSync('millrace', ['runs', 'ls', '--limit', '1', '--json'], { encoding: 'utf8' }))
process.stdout.write(`${runs[0].run_id}\n`)
