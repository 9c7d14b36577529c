/**
 * Calendar periods in a time zone: on which instant the day, week or month began that an instant lies in, and on which
 * the next one will. Periods follow each other without gap or overlap, whatever clocks are put forward or back.
 */
export type CalendarUnit = 'day' | 'week' | 'month'

/** In milliseconds since the epoch: `startMs` belongs to the period, `endMs` to the next. */
export interface Period {
  startMs: number
  endMs: number
}

const DAY_MS = 86_400_000
/** No zone is, or was in living memory, further from UTC than this. */
const OFFSET_MS_MAX = 36 * 60 * 60 * 1000

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** The period that holds `ms`; weeks begin on Monday. Throws a RangeError for an unknown zone. */
export function periodAt(unit: CalendarUnit, timeZone: string, ms: number): Period {
  const dayOf = localDays(timeZone)
  const day = dayAt(dayOf, ms)
  const [first, next] = daysOf(unit, day)
  return { startMs: beginningOf(dayOf, first), endMs: beginningOf(dayOf, next) }
}

/** Local date of an instant, such as `2026-03-02`. */
export const dateIn = (timeZone: string, ms: number): string =>
  new Date(localDays(timeZone)(ms) * DAY_MS).toISOString().slice(0, 10)

/** Number of the local date of an instant, counted from 1970-01-01. */
type LocalDays = (ms: number) => number

function localDays(timeZone: string): LocalDays {
  const format = formatOf(timeZone)
  return (ms) => {
    const parts = format.formatToParts(ms)
    const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((one) => one.type === type)!.value)
    return Date.UTC(part('year'), part('month') - 1, part('day')) / DAY_MS
  }
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Making one takes a hundred times as long as using it. */
function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known) return known
  const numeric = { year: 'numeric', month: 'numeric', day: 'numeric' } as const
  const made = new Intl.DateTimeFormat('en-US', { timeZone, calendar: 'gregory', numberingSystem: 'latn', ...numeric })
  formats.set(timeZone, made)
  return made
}

/** First instant of a local date, or of the next one there is: Samoa had no 30 December 2011. */
function beginningOf(dayOf: LocalDays, day: number): number {
  let before = day * DAY_MS - OFFSET_MS_MAX
  let from = day * DAY_MS + OFFSET_MS_MAX
  while (from - before > 1) {
    const middle = Math.floor((before + from) / 2)
    if (dayOf(middle) < day) before = middle
    else from = middle
  }
  return from
}

/** The day an instant counts to: its local date, unless clocks were put back over midnight, so that the date came twice. */
function dayAt(dayOf: LocalDays, ms: number): number {
  const day = dayOf(ms)
  if (beginningOf(dayOf, day) > ms) return day - 1
  return beginningOf(dayOf, day + 1) <= ms ? day + 1 : day
}

/** First day of a period and of the next. */
function daysOf(unit: CalendarUnit, day: number): [first: number, next: number] {
  if (unit === 'day') return [day, day + 1]
  if (unit === 'week') {
    const monday = day - ((day + 3) % 7) // day 0 was a Thursday
    return [monday, monday + 7]
  }
  const date = new Date(day * DAY_MS)
  const month = (count: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + count, 1) / DAY_MS
  return [month(0), month(1)]
}
