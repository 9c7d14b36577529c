/** The real clock and the real dice; everything else receives a `Clock`. */
import type { Clock } from '../core/clock.ts'

const TIMER_MS_MAX = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => Number(process.hrtime.bigint() / 1000n) / 1000,
  hex: (digits) =>
    process
      .getBuiltinModule('node:crypto') // not loaded by whoever asks for no chance
      .randomBytes(Math.ceil(digits / 2))
      .toString('hex')
      .slice(0, digits),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, ms), TIMER_MS_MAX))
    return () => clearTimeout(timer)
  },
}
