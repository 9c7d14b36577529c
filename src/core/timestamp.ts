/**
 * Timestamps of work documents: every form that is accepted, and the one form that is written (spec 01 §2.2, §6.3).
 * Records of the runtime itself take theirs from the clock.
 */

interface Timestamp {
  /** `2026-03-02T09:15:00Z`: six fractional digits if there is a fraction, none otherwise; an offset that is not UTC is kept. */
  text: string
  /** Milliseconds since the epoch, microseconds as a fraction: what orders documents. */
  ms: number
}

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt _](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:([Zz])|([+-])(\d\d):?(\d\d))?)?$/
const UNIX = /^\d{1,15}(?:\.\d{1,9})?$/
/** Numbers above this are milliseconds, not seconds: as seconds they would lie beyond the year 2600. */
const UNIX_SECONDS_MAX = 2e10
const MS_PER_400_YEARS = 146_097 * 86_400_000
const YEAR_9999_END_MS = 253_402_300_800_000

/** Reads a date-time, a bare date or Unix seconds. What has no offset is UTC. Null if it is none of these. */
export function parseTimestamp(text: string): Timestamp | null {
  const iso = ISO.exec(text)
  if (iso) return fromIso(iso)
  return UNIX.test(text) ? fromUnix(Number(text)) : null
}

function fromIso(parts: RegExpExecArray): Timestamp | null {
  const year = Number(parts[1])
  const month = Number(parts[2])
  const day = Number(parts[3])
  const hour = Number(parts[4] ?? 0)
  const minute = Number(parts[5] ?? 0)
  const second = Number(parts[6] ?? 0)
  const zoneHour = Number(parts[10] ?? 0)
  const zoneMinute = Number(parts[11] ?? 0)
  if (year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null
  if (hour > 23 || minute > 59 || second > 59 || zoneHour > 23 || zoneMinute > 59) return null
  const micros = parts[7] === undefined ? '000000' : parts[7].slice(0, 6).padEnd(6, '0')
  const offsetMinutes = (zoneHour * 60 + zoneMinute) * (parts[9] === '-' ? -1 : 1)
  const clock = parts[4] === undefined ? '00:00:00' : `${parts[4]}:${parts[5]}:${parts[6] ?? '00'}`
  const zone = offsetMinutes === 0 ? 'Z' : `${parts[9]}${parts[10]}:${parts[11]}`
  return {
    text: `${parts[1]}-${parts[2]}-${parts[3]}T${clock}${micros === '000000' ? '' : `.${micros}`}${zone}`,
    // Date.UTC takes years below 100 for the twentieth century; the calendar repeats every 400 years.
    ms:
      Date.UTC(year + 400, month - 1, day, hour, minute - offsetMinutes, second) -
      MS_PER_400_YEARS +
      Number(micros) / 1000,
  }
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

function fromUnix(value: number): Timestamp | null {
  const micros = Math.round(value * (value > UNIX_SECONDS_MAX ? 1000 : 1_000_000))
  const wholeMs = Math.floor(micros / 1000)
  if (wholeMs >= YEAR_9999_END_MS) return null
  const iso = new Date(wholeMs).toISOString()
  const fraction = `${iso.slice(20, 23)}${String(micros - wholeMs * 1000).padStart(3, '0')}`
  return { text: `${iso.slice(0, 19)}${fraction === '000000' ? '' : `.${fraction}`}Z`, ms: micros / 1000 }
}
