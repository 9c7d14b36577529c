/**
 * The lock between real processes that take it, hold it and are killed. Longer than in the suite:
 * `MILLRACE_LOCK_ROUNDS=10000 npx vitest run test/crash/lock.test.ts`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import * as path from 'node:path'
import { describe, expect, test } from 'vitest'
import { processIdentity } from '../../src/runners/process.ts'
import { disk } from '../../src/store/files.ts'
import type { Places } from '../../src/store/layout.ts'
import { lockState } from '../../src/store/lock.ts'
import { takeLock } from '../../src/store/take-lock.ts'
import { clock } from '../agents/clock.ts'
import { bundled } from '../rig/bundle.ts'
import { pause } from '../rig/live.ts'
import { SEED } from '../rig/seed.ts'
import { emptyWorkspace, temporaryFolder } from '../rig/store.ts'

const ROUNDS = Number(process.env.MILLRACE_LOCK_ROUNDS ?? 1000)

interface Settings {
  processes: number
  rounds: number
  /** Time between two kills, in milliseconds. */
  killEveryMs: number
  limitMs: number
  /** Arguments of the network each process is on; none for the plain disk. */
  network?: readonly number[]
}

const lines = (file: string): string[] =>
  fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split('\n').slice(0, -1) : []

const STOPPED_MS = 40

/**
 * Stops whoever holds the lock now and gives its pid; null if it was giving it back already. Nobody may come in while it
 * is stopped, which is how it is known.
 */
async function stoppedHolder(log: string): Promise<number | null> {
  const last = lines(log).at(-1) ?? ''
  const pid = Number(/^begin \d+ (\d+)$/.exec(last)?.[1])
  if (!(pid > 0)) return null
  process.kill(pid, 'SIGSTOP')
  await pause(STOPPED_MS)
  if (lines(log).at(-1) === last) return pid
  process.kill(pid, 'SIGCONT')
  return null
}

/** Lets processes fight for the lock, stopping and killing a holder now and then; gives what they wrote down and who was killed. */
async function fight(places: Places, { processes, rounds, killEveryMs, limitMs, network = [] }: Settings) {
  const program = bundled(path.join(import.meta.dirname, '../rig/lock-taker.ts'))
  const [log, killed, failed]: [string, Set<number>, string[]] = [path.join(places.root, 'held'), new Set(), []]
  const start = (number: number): ChildProcess => {
    const args = [program, places.root, String(SEED + number), ...network.map(String)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr!.on('data', (text) => failed.push(String(text)))
    return child
  }
  const ended = (child: ChildProcess) => new Promise((resolve) => child.once('close', resolve))
  const began = performance.now()
  const takers = Array.from({ length: processes }, (_, number) => start(number))
  let kills = 0
  try {
    for (let killAt = began + killEveryMs; lines(log).length < 2 * rounds; await pause(20)) {
      if (failed.length > 0 || performance.now() - began > limitMs) break
      if (performance.now() < killAt) continue
      const holder = await stoppedHolder(log)
      const victim = takers.findIndex((child) => child.pid === holder)
      if (holder === null || victim < 0) continue
      killAt = performance.now() + killEveryMs
      killed.add(holder)
      takers[victim]!.kill('SIGKILL')
      kills += 1
      takers[victim] = start(processes + kills)
    }
  } finally {
    const ends = takers.map((child) => (child.exitCode === null ? ended(child) : null))
    for (const child of takers) child.kill('SIGTERM')
    await Promise.all(ends)
  }
  const refused = fs
    .readdirSync(places.root)
    .filter((name) => name.startsWith('refused-'))
    .reduce((sum, name) => sum + Number(fs.readFileSync(path.join(places.root, name), 'utf8')), 0)
  return { lines: lines(log), killed, kills, refused, failed, seconds: (performance.now() - began) / 1000 }
}

/**
 * What the log says: no one began before the one before had ended, or was killed and never came to its end; and
 * generations only grow. Gives how often the lock was taken, and how often from somebody who was killed with it.
 */
function proveOneHolder(log: readonly string[], killed: ReadonlySet<number>): { taken: number; succeeded: number } {
  let [newest, succeeded, taken]: [number, number, number] = [0, 0, 0]
  let holding: { generation: number; pid: number } | null = null
  for (const line of log) {
    const [word, generation = 0, pid = 0] = line.split(' ').map((part, at) => (at === 0 ? part : Number(part))) as [
      string,
      number,
      number,
    ]
    if (word === 'end') {
      expect(holding, line).toEqual({ generation, pid })
      holding = null
      continue
    }
    expect(generation, line).toBeGreaterThan(newest)
    newest = generation
    taken += 1
    if (holding !== null) {
      expect(killed.has(holding.pid), `${line} while ${holding.pid} held ${holding.generation}`).toBe(true)
      succeeded += 1
    }
    holding = { generation, pid }
  }
  return { taken, succeeded }
}

describe(`processes that fight for the lock (seed ${SEED})`, () => {
  test('ten at once, some killed while they hold it: never two hold it, and generations only grow', {
    timeout: 90_000 + ROUNDS * 110,
  }, async () => {
    const places = emptyWorkspace(temporaryFolder())
    const limitMs = 60_000 + ROUNDS * 100
    const fought = await fight(places, { processes: 10, rounds: ROUNDS, killEveryMs: 500, limitMs })
    expect(fought.failed).toEqual([])
    const { taken, succeeded } = proveOneHolder(fought.lines, fought.killed)
    console.log(
      `lock: ${taken} rounds of 10 processes in ${fought.seconds.toFixed(1)} s; ${fought.kills} killed, ${succeeded} dead holders succeeded, ${fought.refused} takers refused`,
    )
    expect(taken).toBeGreaterThanOrEqual(ROUNDS)
    expect(fought.refused).toBeGreaterThan(0)
    expect(succeeded).toBeGreaterThan(0)
    const next = await takeLock({ files: disk, places, processes: processIdentity, clock })
    await next.release()
    expect(fs.readdirSync(places.at('state/lock')).filter((name) => !name.startsWith('.')).length).toBeLessThanOrEqual(
      6,
    )
  })

  test('five at once on a slow network file system that lists what was, loses answers and renames what it removes', {
    timeout: 120_000 + ROUNDS * 60,
  }, async () => {
    const places = emptyWorkspace(temporaryFolder())
    const rounds = Math.max(12, ROUNDS / 100)
    const network = [5, 50, 300, 0.2]
    const fought = await fight(places, {
      processes: 5,
      rounds,
      killEveryMs: 2000,
      limitMs: 100_000 + ROUNDS * 50,
      network,
    })
    expect(fought.failed).toEqual([])
    const { taken, succeeded } = proveOneHolder(fought.lines, fought.killed)
    console.log(
      `lock over a network: ${taken} rounds of 5 processes in ${fought.seconds.toFixed(1)} s; ${fought.kills} killed, ${succeeded} dead holders succeeded`,
    )
    expect(taken).toBeGreaterThanOrEqual(rounds)
    expect(lockState({ files: disk, places, processes: processIdentity }).state).toMatch(/released|stale/)
  })
})
