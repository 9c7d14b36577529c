// Imitates `codex exec --json` that tells of its use while it works: for each of SPEND ("40,40") a running total, a while
// later the next; then the turn is over. A second attempt at a stage spends SPEND_AGAIN. Notes in spent.log how far it came.
// As `app-server` it tells what is used of its account.
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { serve } from './app-server.mjs'

const argv = process.argv.slice(2)

if (argv.includes('app-server')) serve()
else await work()

async function work() {
  const prompt = readFileSync(0, 'utf8')
  const event = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
  const isAgain = prompt.includes('An earlier attempt at this stage was interrupted')
  const spend = ((isAgain && process.env.SPEND_AGAIN) || process.env.SPEND || '').split(',').filter(Boolean).map(Number)
  const marker = process.env.SPEND_MARKER ?? 'BUILDER_COMPLETE'
  const usage = (total) => ({ input_tokens: total - 1, cached_input_tokens: 0, output_tokens: 1 })

  event({ type: 'thread.started', thread_id: 'thread-7' })
  event({ type: 'turn.started' })
  let total = 0
  for (const more of spend) {
    total += more
    // What is done is noted before it is told: whoever is stopped by the telling has done just that.
    appendFileSync('spent.log', `${more}\n`)
    if (!process.env.SPEND_AT_END) event({ type: 'token_count', info: { total_token_usage: usage(total) } })
    await new Promise((resolve) => setTimeout(resolve, Number(process.env.SPEND_MS ?? 400)))
  }
  if (process.env.SPEND_ERROR) {
    event({ type: 'error', message: process.env.SPEND_ERROR })
    event({ type: 'turn.failed', error: { message: process.env.SPEND_ERROR } })
    process.exitCode = 1
  } else {
    writeFileSync(`${process.env.MILLRACE_RUN_DIR}/builder_summary.md`, 'built\n')
    writeFileSync(argv[argv.indexOf('--output-last-message') + 1], `Done.\n\n### ${marker}`)
    event({ type: 'turn.completed', usage: usage(total) })
  }
}
