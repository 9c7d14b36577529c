/**
 * What is used of the ChatGPT account Codex is logged in with: asked of `codex app-server`, which speaks JSON-RPC in lines
 * on stdin and stdout. Codex keeps the login and renews it; nothing of it is seen here.
 */
import { clip } from '../../core/clip.ts'
import type { Clock } from '../../core/clock.ts'
import { objectInLine } from '../../core/json-line.ts'
import type { QuotaAnswer } from '../../core/subscription.ts'
import { QUOTA_WINDOWS, type QuotaWindow } from '../../core/usage-config.ts'
import { agentEnvironment, type Environment } from '../environment.ts'
import { type Fields, fieldsOf, toldBy } from '../fields.ts'
import { lineSplitter } from '../lines.ts'
import { findProgram, processIdentity, spawnPiped } from '../process.ts'
import { CODEX_PREFIXES, type CodexConfig } from './codex.ts'

const ANSWER_MS_MAX = 10_000
/** It ends when its stdin does; asked to end at once it might be renewing the login. */
const END_MS_MAX = 2000
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024
const PROBLEM_CHARS_MAX = 300
const ASKED = 2

const line = (message: object): string => `${JSON.stringify(message)}\n`
const HELLO = line({ method: 'initialize', id: 1, params: { clientInfo: { name: 'millrace', version: '1' } } })
const QUESTION = line({ method: 'initialized' }) + line({ method: 'account/rateLimits/read', id: ASKED })

/** Asks once. Never rejects: whatever stands in the way is the problem. `signal` ends it early. */
export function askRateLimits(
  config: CodexConfig,
  ports: { clock: Clock; environment: Environment; workspaceRoot: string },
  signal: AbortSignal,
): Promise<QuotaAnswer> {
  const rules = { prefixes: CODEX_PREFIXES, pass: config.env_pass, set: config.env }
  const env = agentEnvironment(ports.environment, rules)
  const program = findProgram(config.command, env.PATH ?? '', ports.workspaceRoot)
  if (program === null) return Promise.resolve({ problem: `${config.command} was not found or may not be executed` })
  let child: ReturnType<typeof spawnPiped>
  try {
    child = spawnPiped(program, appServerArguments(config), ports.workspaceRoot, env)
  } catch (error) {
    return Promise.resolve({ problem: (error as Error).message }) // an argument no process can be given
  }
  return new Promise((resolve) => {
    const timers: (() => void)[] = []
    let bytes = 0
    let said = ''
    const kill = () => {
      if (child.pid !== undefined) processIdentity.kill(-child.pid, 'SIGKILL')
    }
    const answer = (found: QuotaAnswer) => {
      resolve(found)
      child.stdin.end()
      timers.push(ports.clock.after(END_MS_MAX, kill))
    }
    const out = lineSplitter(({ text }) => {
      const message = objectInLine(text)
      if (message?.id === 1 && message.method === undefined) child.stdin.write(QUESTION)
      else if (message?.id === ASKED && message.method === undefined) answer(rateLimitsIn(message, ports.clock.now()))
    })
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= OUTPUT_BYTES_MAX) out.push(chunk)
      else answer({ problem: `codex app-server printed more than ${OUTPUT_BYTES_MAX} bytes` })
    })
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-PROBLEM_CHARS_MAX)
    })
    child.stdin.on('error', () => {}) // it has ended; `close` tells
    child.once('error', (error) => answer({ problem: error.message }))
    child.once('close', (code) => {
      answer({ problem: `codex app-server ended with status ${code}: ${lastLine(said)}` })
      for (const cancel of timers) cancel()
    })
    signal.addEventListener('abort', () => answer({ problem: 'the runtime ended' }), { once: true })
    timers.push(
      ports.clock.after(ANSWER_MS_MAX, () => {
        answer({ problem: `codex app-server did not answer within ${ANSWER_MS_MAX / 1000} s` })
      }),
    )
    child.stdin.write(HELLO)
  })
}

/** What stands before `exec` belongs to Codex, or to a program that starts it. */
function appServerArguments({ args, extra_config }: CodexConfig): string[] {
  const exec = args.indexOf('exec')
  return [...(exec < 0 ? args : args.slice(0, exec)), 'app-server', ...extra_config.flatMap((item) => ['-c', item])]
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) || 'it said nothing'

/** The answer to `account/rateLimits/read`. Windows are known by their length: which comes first depends on the account. */
export function rateLimitsIn(message: Fields, now: Date): QuotaAnswer {
  const error = fieldsOf(message.error)
  if (error !== null) return { problem: clip(toldBy(error.message) ?? 'codex told of an error', PROBLEM_CHARS_MAX) }
  const result = fieldsOf(message.result)
  const limits = fieldsOf(fieldsOf(result?.rateLimitsByLimitId)?.codex) ?? fieldsOf(result?.rateLimits)
  if (limits === null) return { problem: 'the answer of codex app-server holds no rate limits' }
  const windows: Extract<QuotaAnswer, { windows: object }>['windows'] = {}
  for (const [slot, name] of SLOTS) {
    const told = fieldsOf(limits[slot])
    const percent = told?.usedPercent
    if (told === null || typeof percent !== 'number' || !(percent >= 0)) continue
    const window = told.windowDurationMins == null ? name : windowOfLength(told.windowDurationMins)
    if (window !== null) windows[window] = { percent_used: percent, resets_at: timeOf(told.resetsAt, now) }
  }
  return { windows }
}

/** Where Codex tells of which window, for versions that do not tell its length. */
const SLOTS = [
  ['primary', 'five_hour'],
  ['secondary', 'weekly'],
] as const

/** Lengths are told rounded, by a minute or so. */
const LENGTH_SHARE = 0.05

function windowOfLength(minutes: unknown): QuotaWindow | null {
  const isNear = ([, length]: [string, number]) => Math.abs(Number(minutes) - length) <= length * LENGTH_SHARE
  return (Object.entries(QUOTA_WINDOWS).find(isNear)?.[0] as QuotaWindow | undefined) ?? null
}

/** A reset further away is no time, but a number that went wrong. */
const RESET_DAYS_MAX = 60

/** Seconds since the epoch. */
function timeOf(seconds: unknown, now: Date): string | null {
  if (typeof seconds !== 'number') return null
  const isTime = seconds > 0 && seconds * 1000 - now.getTime() <= RESET_DAYS_MAX * 86_400_000
  return isTime ? new Date(seconds * 1000).toISOString() : null
}
