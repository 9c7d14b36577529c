// Starts a program that goes on until it is interrupted, and interrupts it once it has been quiet for a while.
import { spawn } from 'node:child_process'

const QUIET_MS = 1500
const PATIENCE_MS = 20_000
const [program, ...args] = process.argv.slice(2)
const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
const interrupt = () => child.kill('SIGINT')
let timer = setTimeout(interrupt, PATIENCE_MS / 4)
setTimeout(interrupt, PATIENCE_MS).unref()
for (const [stream, out] of [
  [child.stdout, process.stdout],
  [child.stderr, process.stderr],
]) {
  stream.on('data', (bytes) => {
    out.write(bytes)
    clearTimeout(timer)
    timer = setTimeout(interrupt, QUIET_MS)
  })
}
// Ctrl-C ends what changes something with 130, and what only looks on with 0.
child.on('close', (status) => process.exit(status === 130 ? 0 : (status ?? 1)))
