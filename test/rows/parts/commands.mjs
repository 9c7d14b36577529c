/** The installed commands, as rows use them: found by PATH, run to their end or started and left running. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'

/** A command that takes longer is a failure of its row. */
const COMMAND_LIMIT_MS = 60_000
/** How long `eventually` waits unless told; the runner lowers it where nothing will ever come. */
const PATIENCE_MS = Number(process.env.ROWS_PATIENCE_MS ?? 30_000)
const LOOK_AGAIN_MS = 40

/**
 * Starts a program. `pid`, what it has printed so far (`stdout()`, `stderr()`), `said(text)` resolves once it printed
 * the text, `kill(signal)`, and `ended`: {code, signal, stdout, stderr}.
 */
export function start(program, args, { cwd = process.cwd(), env = {}, input = '' } = {}) {
  const child = spawn(program, args, { cwd, env: { ...process.env, ...env } })
  const printed = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr']) {
    child[stream].setEncoding('utf8').on('data', (text) => {
      printed[stream] += text
    })
  }
  child.stdin.on('error', () => {}).end(input)
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...printed }))
  })
  ended.catch(() => {})
  return {
    pid: child.pid,
    ended,
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
    kill: (signal = 'SIGTERM') => child.kill(signal),
    said: (text) =>
      eventually(`${program} ${args.join(' ')} says ${JSON.stringify(text)}`, () =>
        `${printed.stdout}\n${printed.stderr}`.includes(text),
      ),
  }
}

/** Runs a program to its end: {code, signal, stdout, stderr, json}; `json` is what stdout says, and throws if it is none. */
export async function run(program, args, options = {}) {
  const running = start(program, args, options)
  const late = wait(options.limitMs ?? COMMAND_LIMIT_MS, null, { ref: false })
  const end = await Promise.race([running.ended, late])
  if (end === null) {
    running.kill('SIGKILL')
    assert.fail(`${program} ${args.join(' ')} did not end`)
  }
  return {
    ...end,
    get json() {
      return parsed(end.stdout, `${program} ${args.join(' ')}`)
    },
  }
}

function parsed(text, command) {
  try {
    return JSON.parse(text)
  } catch {
    return assert.fail(`\`${command}\` printed no JSON value: ${JSON.stringify(text)}`)
  }
}

/** Asserts that a command ended with 0, and gives its end back. */
export function succeeded(end, command) {
  assert.equal(end.code, 0, `\`${command}\` ended with ${end.code ?? end.signal}: ${end.stdout}${end.stderr}`)
  return end
}

/** Waits until a condition holds, and gives what it returned; `what` says it in words. */
export async function eventually(what, condition, limitMs = PATIENCE_MS) {
  const end = performance.now() + Math.min(limitMs, PATIENCE_MS)
  for (;;) {
    const found = await condition()
    if (found) return found
    if (performance.now() > end) assert.fail(`this never came to be: ${what}`)
    await wait(LOOK_AGAIN_MS)
  }
}
