/** A real clock, apart from the rig so that a bundled program does not carry the bundler. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../src/core/clock.ts'

export const clock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  hex: (digits) =>
    randomBytes(Math.ceil(digits / 2))
      .toString('hex')
      .slice(0, digits),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
}
