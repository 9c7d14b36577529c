// Leaves a process in a session of its own that ignores TERM, as harnesses do with their tools; then ends, or with
// the argument `stay` goes on for ever.
import { spawn } from 'node:child_process'

spawn('/bin/sh', ['-c', 'trap "" TERM HUP; while :; do sleep 300; done'], { detached: true, stdio: 'ignore' }).unref()
process.stdout.write('left something running\n')
if (process.argv[2] === 'stay') setInterval(() => {}, 1000)
else process.stdout.write('### BUILDER_COMPLETE\n')
