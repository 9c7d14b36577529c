// What the fake harnesses have in common: the folder that tells them what to do, and the mind that does it, which is the
// scripted agent of the package. A harness adds its own protocol.
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const { FAKE_HARNESS: folder, FAKE_MIND: mind } = process.env
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

/** Keeps how the harness was called and what it was asked. */
export const note = (prompt) =>
  appendFileSync(
    join(folder, 'calls.jsonl'),
    `${JSON.stringify({
      argv: process.argv.slice(2),
      cwd: process.cwd(),
      prompt,
      request_id: process.env.MILLRACE_REQUEST_ID,
      variables: Object.keys(process.env),
    })}\n`,
  )

/** The message of the failure it has to show, or null. */
export const failure = () => {
  const file = join(folder, 'failure')
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}

/** Works on the prompt and gives the final message. */
export const think = (prompt) =>
  spawnSync('node', [mind, '--replies', join(folder, 'replies.json')], {
    input: prompt,
    encoding: 'utf8',
    maxBuffer: OUTPUT_BYTES_MAX,
  }).stdout
