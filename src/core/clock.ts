/** Time and randomness as a port: everything that needs "now" or a fresh id receives one of these. */
export interface Clock {
  /** Wall time, for records people read. Never used for deadlines. */
  now(): Date
  /** Milliseconds that never go backwards, including time the machine slept. For deadlines and durations. */
  monotonicMs(): number
  /** `hexDigits` random hexadecimal digits. */
  hex(hexDigits: number): string
  /** Calls back once after `ms` milliseconds; the returned function cancels it. */
  after(ms: number, callback: () => void): () => void
}

/** A random number from 0 to below 1. */
export const chanceOf = (clock: Pick<Clock, 'hex'>): number => Number.parseInt(clock.hex(8), 16) / 2 ** 32

/** The timestamp form of every record: ISO-8601 in UTC with a trailing `Z` (spec 01 §6.3). */
export function isoTime(date: Date): string {
  return date.toISOString()
}
