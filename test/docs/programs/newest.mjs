// Prints the id of the newest run of the workspace at hand, or of the approval that has waited longest.
import { execFileSync } from 'node:child_process'

const asked = (...args) => JSON.parse(execFileSync('millrace', [...args, '--json'], { encoding: 'utf8' }))
const id =
  process.argv[2] === 'approval'
    ? asked('approvals', 'ls').approvals[0].approval_id
    : asked('runs', 'ls', '--limit', '1').runs[0].run_id
process.stdout.write(`${id}\n`)
