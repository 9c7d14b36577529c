/** Points in time as people give them: a time, or how long ago. */
import { MillraceError } from '../core/errors.ts'
import { parseTimestamp } from '../core/timestamp.ts'

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

const AGE = /^(\d{1,6})\s*([smhdw])$/

/** A time to come, as a time or as how long from now; ISO time. Throws `usage`. */
export function futureInstant(text: string, option: string, now: Date): string {
  const [, count, unit] = AGE.exec(text.trim()) ?? []
  const ms = count === undefined ? parseTimestamp(text.trim())?.ms : now.getTime() + Number(count) * UNIT_MS[unit!]!
  if (ms !== undefined && ms > now.getTime()) return new Date(ms).toISOString()
  throw new MillraceError('usage', `${option} needs a time to come, not ${JSON.stringify(text.slice(0, 80))}.`, {
    hint: 'such as 2h, 7d or 2026-03-02T09:15:00Z',
  })
}

/** Milliseconds since the epoch. `option` is named where the text is neither a time nor an age; that throws `usage`. */
export function instantOf(text: string, option: string, now: Date): number {
  const [, count, unit] = AGE.exec(text.trim()) ?? []
  if (count !== undefined) return now.getTime() - Number(count) * UNIT_MS[unit!]!
  const time = parseTimestamp(text.trim())
  if (time !== null) return time.ms
  throw new MillraceError('usage', `${option} needs a time or an age, not ${JSON.stringify(text.slice(0, 80))}.`, {
    hint: 'such as 2026-03-02, 2026-03-02T09:15:00Z, 90s, 30m, 5h, 2d or 1w',
  })
}
