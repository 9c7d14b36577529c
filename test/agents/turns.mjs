// Plays turns for the fake harnesses: FAKE_TURNS is a JSON file with them, as src/testing/turns.ts describes. How a harness
// tells of each is its own protocol; that a tool runs in a session of its own is what all real ones do.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** All of it, though real harnesses cut it: what they may print has no bound that we know of. */
const OUTPUT_CHARS_MAX = 200_000_000

export const turnsGiven = () =>
  process.env.FAKE_TURNS === undefined ? null : JSON.parse(readFileSync(process.env.FAKE_TURNS, 'utf8'))

/**
 * `harness` says what is printed: said(text), toolStarted(command), toolEnded(command, {code, output}), final(text),
 * retrying(status), refused(turn), broken(text); `allows(command)` may forbid a tool. Each may be async.
 */
export async function play(turns, harness) {
  for (const given of turns) {
    const all = given.turn === 'in_sequence' ? given.turns : [given]
    for (const turn of all.slice(0, -1)) await harness.retrying(turn.status)
    const turn = all.at(-1)
    if (turn.turn === 'hang') return await new Promise(() => setInterval(() => {}, 60_000))
    if (turn.turn === 'http_error') return await harness.refused(turn)
    if (turn.turn === 'truncate') return await harness.broken(turn.text)
    if (turn.turn === 'text') return await harness.final(turn.text)
    if (turn.say) await harness.said(turn.say)
    await harness.toolStarted(turn.command)
    const allowed = (await harness.allows?.(turn.command)) ?? true
    const end = allowed ? await run(turn.command) : { code: 1, output: 'not allowed' }
    await harness.toolEnded(turn.command, end)
  }
}

function run(command) {
  return new Promise((resolve) => {
    const tool = spawn('sh', ['-c', command], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const take = (chunk) => {
      if (output.length < OUTPUT_CHARS_MAX) output += chunk.toString('utf8')
    }
    tool.stdout.on('data', take)
    tool.stderr.on('data', take)
    // Not `close`: what a tool leaves in the background may hold its streams for ever.
    tool.on('exit', (code) => setImmediate(() => resolve({ code: code ?? 1, output })))
  })
}
