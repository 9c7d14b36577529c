/**
 * A process that takes the lock, holds it for a moment and gives it back, again and again, until it is told to end
 * (SIGTERM) or killed. What it holds it writes down as lines of one log, which the system keeps in order for all:
 *
 *   begin GENERATION PID      after the lock was taken
 *   end GENERATION PID        before it is given back
 *
 * So if two ever held it at once, one has begun before the other ended, and the log says so.
 *   node lock-taker.mjs WORKSPACE SEED [LATENCY_MIN_MS LATENCY_MAX_MS STALE_MS REPLIES_LOST]
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { MillraceError } from '../../src/core/errors.ts'
import { processIdentity } from '../../src/runners/process.ts'
import { seeded } from '../../src/selftest/virtual-clock.ts'
import { disk } from '../../src/store/files.ts'
import { placesOf } from '../../src/store/layout.ts'
import { type Lock, takeLock } from '../../src/store/take-lock.ts'
import { clock } from '../agents/clock.ts'
import { networkFiles } from './network-files.ts'

const [workspace = '', seed = '1', ...network] = process.argv.slice(2)
const [latencyMin = 0, latencyMax = 0, staleMs = 0, repliesLost = 0] = network.map(Number)
const random = seeded(Number(seed))
const log = path.join(workspace, 'held')
const refusals = path.join(workspace, `refused-${process.pid}`)
const files =
  network.length === 0 ? disk : networkFiles({ latencyMs: [latencyMin, latencyMax], staleMs, repliesLost, random })
const ports = { files, places: placesOf(workspace), processes: processIdentity, clock }
const pause = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve))
const tell = (word: string, lock: Lock) => fs.appendFileSync(log, `${word} ${lock.generation} ${process.pid}\n`)

let [ending, refused] = [false, 0]
process.on('SIGTERM', () => {
  ending = true
})
while (!ending) {
  let lock: Lock
  try {
    lock = await takeLock(ports)
  } catch (error) {
    if (!MillraceError.is(error) || error.code !== 'lock_held') throw error
    refused += 1
    await pause(random() * 4)
    continue
  }
  tell('begin', lock)
  await pause(random() * 2)
  lock.guard()
  tell('end', lock)
  await lock.release()
}
fs.writeFileSync(refusals, String(refused))
