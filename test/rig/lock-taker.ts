/**
 * A program that takes and gives back the lock of a workspace many times, beside others that do the same. Whoever holds
 * it makes a file that nobody else may find there. The last time it ends without giving the lock back.
 *
 *   lock-taker.mjs WORKSPACE ROUNDS      exit: 0 done, 3 somebody else held it too
 */
import * as fs from 'node:fs'
import * as path from 'node:path'
import { MillraceError } from '../../src/core/errors.ts'
import { processIdentity } from '../../src/runners/process.ts'
import { disk } from '../../src/store/files.ts'
import { placesOf } from '../../src/store/layout.ts'
import { type Lock, takeLock } from '../../src/store/lock.ts'
import { clock } from '../agents/clock.ts'

const ATTEMPTS_MAX = 50_000
const [workspace = '', rounds = '1'] = process.argv.slice(2)
const inside = path.join(workspace, 'inside')
const pause = (ms: number) => new Promise<void>((resolve) => clock.after(ms, resolve))

async function take(): Promise<Lock> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    try {
      return await takeLock({ files: disk, places: placesOf(workspace), processes: processIdentity, clock })
    } catch (error) {
      if (!MillraceError.is(error) || error.code !== 'lock_held') throw error
      await pause(Math.random() * 3)
    }
  }
  throw new Error('never got the lock')
}

for (let round = 1; round <= Number(rounds); round++) {
  const lock = await take()
  try {
    fs.writeFileSync(inside, String(process.pid), { flag: 'wx' })
  } catch {
    process.exit(3)
  }
  await pause(0)
  lock.guard()
  fs.appendFileSync(path.join(workspace, 'taken'), `${lock.generation}\n`)
  fs.unlinkSync(inside)
  if (round === Number(rounds)) process.exit(0)
  await lock.release()
}
