// Imitates `codex app-server`: JSON-RPC in lines on stdin and stdout, for the question what is used of the account. The file
// FAKE_RATE_LIMITS holds what it answers, as `result` or `error`, or how it misbehaves, as `mode`; `log` of what it was asked.
import { appendFileSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

export function serve() {
  const told = process.env.FAKE_RATE_LIMITS
  const { result, error, mode } = JSON.parse(readFileSync(told, 'utf8'))
  const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)
  process.stderr.write('WARNING: a warning that says nothing\n')
  if (mode === 'dies') {
    process.stderr.write('cannot open the login\n')
    process.exitCode = 3
    return
  }
  if (mode === 'deaf') setInterval(() => {}, 60_000) // stays, whatever becomes of its stdin
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => {
    const { id, method } = JSON.parse(line)
    appendFileSync(`${told}.log`, `${method}\n`)
    if (mode === 'flood') process.stdout.write('x'.repeat(5_000_000))
    if (method === 'initialize') {
      say({ id, result: { userAgent: 'fake' } })
      process.stdout.write('no JSON at all\n')
      say({ method: 'configWarning', params: { summary: 'a warning' } })
    }
    if (method === 'account/rateLimits/read' && mode !== 'deaf') say(error ? { id, error } : { id, result })
  })
}
