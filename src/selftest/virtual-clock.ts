/**
 * A clock that stands still while anything happens and jumps to the next timer when nothing does, with dice that a seed
 * alone decides: what runs on it runs the same each time, and a day takes milliseconds.
 */
import type { Clock } from '../core/clock.ts'

interface Timer {
  atMs: number
  callback: () => void
}

export class VirtualClock implements Clock {
  private wallMs: number
  private ranMs = 0
  private readonly random: () => number
  private timers: Timer[] = []
  private isScheduled = false
  private readonly isStepped: boolean

  /** `stepped`: it never jumps by itself; time passes only by `pass`. */
  constructor(startMs: number, seed: number, { stepped = false } = {}) {
    this.wallMs = startMs
    this.random = seeded(seed)
    this.isStepped = stepped
  }

  now(): Date {
    return new Date(this.wallMs)
  }

  monotonicMs(): number {
    return this.ranMs
  }

  hex(digits: number): string {
    return Array.from({ length: digits }, () => Math.floor(this.random() * 16).toString(16)).join('')
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.ranMs + Math.max(0, ms), callback }
    this.timers.push(timer)
    this.schedule()
    return () => {
      this.timers = this.timers.filter((other) => other !== timer)
    }
  }

  /** Time passes without anything happening. */
  advance(ms: number): void {
    this.wallMs += ms
    this.ranMs += ms
  }

  /** Somebody sets the wall clock, forwards or back; durations do not notice. */
  setBy(ms: number): void {
    this.wallMs += ms
  }

  /** Time passes for this long; what falls due on the way happens at its time, with all it leads to at once. */
  async pass(ms: number): Promise<void> {
    const endMs = this.ranMs + ms
    for (;;) {
      await everythingElse()
      const next = this.next()
      if (next === null || next.atMs > endMs) break
      this.fire(next)
    }
    this.advance(endMs - this.ranMs)
  }

  /** Everything else that can happen at once has happened before an immediate callback runs. */
  private schedule(): void {
    if (this.isStepped || this.isScheduled || this.timers.length === 0) return
    this.isScheduled = true
    setImmediate(() => {
      this.isScheduled = false
      const next = this.next()
      if (next === null) return
      this.fire(next)
      this.schedule()
    })
  }

  private next(): Timer | null {
    return this.timers.reduce<Timer | null>((a, b) => (a === null || b.atMs < a.atMs ? b : a), null)
  }

  private fire(timer: Timer): void {
    this.timers = this.timers.filter((other) => other !== timer)
    this.advance(Math.max(0, timer.atMs - this.ranMs))
    timer.callback()
  }
}

const everythingElse = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Numbers from 0 up to 1 that the seed alone decides (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
